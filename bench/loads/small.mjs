/** Keep-alive requests from node, one at a time on each connection: only where there is no wrk. */
import { connect } from "node:net";
import { answer } from "../lib/worker.mjs";

const REQUEST = Buffer.from("GET / HTTP/1.1\r\nHost: bench\r\n\r\n");

answer({
  /** Requests per second, and how many there were. */
  async load({ port, seconds, connections, bodyLength }) {
    let requests = 0;
    const from = performance.now();
    const until = from + seconds * 1000;
    const one = () =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: "127.0.0.1", port, noDelay: true });
        let length = 0;
        let expected = 0;
        socket.on("connect", () => socket.write(REQUEST));
        socket.on("data", (chunk) => {
          if (expected === 0) expected = chunk.indexOf("\r\n\r\n") + 4 + bodyLength;
          length += chunk.length;
          if (length < expected) return;
          length = 0;
          requests++;
          if (performance.now() < until) socket.write(REQUEST);
          else resolve(socket.destroy());
        });
        socket.on("error", reject);
        socket.on("end", () => reject(new Error("the connection was closed")));
      });
    await Promise.all(Array.from({ length: connections }, one));
    return { rate: requests / ((performance.now() - from) / 1000), work: requests };
  },
});
