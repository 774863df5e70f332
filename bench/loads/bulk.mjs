/** Reads one stream as fast as it comes, into one buffer. */
import { connect } from "node:net";
import { answer } from "../lib/worker.mjs";

/** Calls `seen(bytes)` for whatever arrives, until it is destroyed; a stream that ends has failed. */
function arrivals(port, reject, seen) {
  return connect({
    host: "127.0.0.1",
    port,
    onread: {
      buffer: Buffer.alloc(1024 * 1024),
      callback: (length) => {
        seen(length);
        return true;
      },
    },
  })
    .on("error", reject)
    .on("end", () => reject(new Error("the stream ended")));
}

answer({
  /**
   * Bytes per second of a stream that is slowed down. Counted from one arrival to a later one, since it may come in
   * few and large pieces: what came after the first, by the time from the first to the last.
   */
  paced: ({ port, seconds, settle }) =>
    new Promise((resolve, reject) => {
      let counting = false;
      let first = null;
      let last = null;
      let bytes = 0;
      const socket = arrivals(port, reject, (length) => {
        if (!counting) return;
        last = performance.now();
        if (first === null) first = last;
        else bytes += length;
      });
      setTimeout(() => (counting = true), settle * 1000);
      setTimeout(
        () => {
          socket.destroy();
          if (bytes === 0) reject(new Error("less than two pieces arrived"));
          else resolve({ rate: bytes / ((last - first) / 1000), bytes });
        },
        (settle + seconds) * 1000,
      );
    }),

  /** `rate` in MB/s (of 10^6 bytes) after `settle` seconds; `work` is all bytes, those before included. */
  receive: ({ port, seconds, settle }) =>
    new Promise((resolve, reject) => {
      let bytes = 0;
      let settled = 0;
      const socket = arrivals(port, reject, (length) => (bytes += length));
      setTimeout(() => {
        const from = performance.now();
        settled = bytes;
        setTimeout(() => {
          const rate = (bytes - settled) / 1e6 / ((performance.now() - from) / 1000);
          socket.destroy();
          resolve({ rate, work: bytes });
        }, seconds * 1000);
      }, settle * 1000);
    }),
});
