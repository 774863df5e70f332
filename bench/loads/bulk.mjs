/** Reads one stream as fast as it comes, into one buffer. */
import { connect } from "node:net";
import { answer } from "../lib/worker.mjs";

const SETTLE_MS = 300;

answer({
  /** `rate` in MB/s (of 10^6 bytes) after a moment to get going; `work` is all bytes, those before included. */
  receive: ({ port, seconds }) =>
    new Promise((resolve, reject) => {
      let bytes = 0;
      let settled = 0;
      const socket = connect({
        host: "127.0.0.1",
        port,
        onread: {
          buffer: Buffer.alloc(1024 * 1024),
          callback: (length) => {
            bytes += length;
            return true;
          },
        },
      });
      socket.on("error", reject).on("end", () => reject(new Error("the stream ended")));
      setTimeout(() => {
        const from = performance.now();
        settled = bytes;
        setTimeout(() => {
          const rate = (bytes - settled) / 1e6 / ((performance.now() - from) / 1000);
          socket.destroy();
          resolve({ rate, work: bytes });
        }, seconds * 1000);
      }, SETTLE_MS);
    }),
});
