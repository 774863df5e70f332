/** Exchanges with a large body in the request or in the answer, one after the other on each connection. */
import { connect } from "node:net";
import { answer } from "../lib/worker.mjs";

const [LENGTH, CONNECTIONS] = process.argv.slice(2).map(Number);
const ASKS = {
  GET: Buffer.from("GET /body HTTP/1.1\r\nHost: bench\r\n\r\n"),
  POST: Buffer.concat([
    Buffer.from(`POST /body HTTP/1.1\r\nHost: bench\r\nContent-Length: ${LENGTH}\r\n\r\n`),
    Buffer.alloc(LENGTH, "squall "),
  ]),
};

/** Calls `over(bytes of body)` for each exchange, and asks for the next one, until it is destroyed. */
function lane(port, method, over) {
  const buffer = Buffer.alloc(256 * 1024);
  let left = 0;
  return connect({
    host: "127.0.0.1",
    port,
    noDelay: true,
    onread: {
      buffer,
      callback(length) {
        if (left === 0) {
          const end = buffer.indexOf("\r\n\r\n") + 4;
          const head = buffer.toString("latin1", 0, end);
          left = end + Number(/content-length: (\d+)/iu.exec(head)?.[1] ?? 0);
        }
        left -= length;
        if (left > 0) return true;
        over(LENGTH);
        this.write(ASKS[method]);
        return true;
      },
    },
  }).on("connect", function () {
    this.write(ASKS[method]);
  });
}

answer({
  /** `rate` in MB/s (of 10^6 bytes) of bodies after `settle` seconds; `work` is all bytes, those before included. */
  exchange: ({ port, seconds, settle, method }) =>
    new Promise((resolve, reject) => {
      let bytes = 0;
      const sockets = Array.from({ length: CONNECTIONS }, () =>
        lane(port, method, (length) => (bytes += length))
          .on("error", reject)
          .on("end", () => reject(new Error("the connection was closed"))),
      );
      setTimeout(() => {
        const settled = bytes;
        const from = performance.now();
        setTimeout(() => {
          const rate = (bytes - settled) / 1e6 / ((performance.now() - from) / 1000);
          for (const socket of sockets) socket.destroy();
          resolve({ rate, work: bytes });
        }, seconds * 1000);
      }, settle * 1000);
    }),
});
