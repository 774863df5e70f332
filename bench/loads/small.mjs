/** Requests from node, one at a time on each connection: only where there is no wrk. */
import { dial } from "../lib/dial.mjs";
import { answer } from "../lib/worker.mjs";

answer({
  /** Requests per second, how many there were, and the share answered with something else than 2xx. */
  async load({ port, seconds, connections, path, close = false, secure = false }) {
    const head = close ? "Connection: close\r\n" : "";
    const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: bench\r\n${head}\r\n`);
    let requests = 0;
    let refused = 0;
    const from = performance.now();
    const until = from + seconds * 1000;
    const one = () =>
      new Promise((resolve, reject) => {
        const socket = dial({ port, secure }, () => socket.write(request));
        let length = 0;
        let expected = 0;
        socket.on("data", (chunk) => {
          if (expected === 0) {
            const head = chunk.toString("latin1", 0, chunk.indexOf("\r\n\r\n") + 4);
            expected = head.length + Number(/^content-length: *(\d+)/imu.exec(head)[1]);
            if (!head.startsWith("HTTP/1.1 2")) refused++;
          }
          length += chunk.length;
          if (length < expected) return;
          length = 0;
          expected = 0;
          requests++;
          if (close || performance.now() >= until) resolve(socket.destroy());
          else socket.write(request);
        });
        socket.on("error", reject);
        socket.on("end", () => reject(new Error("the connection was closed")));
      });
    const lane = async () => {
      do await one();
      while (performance.now() < until);
    };
    await Promise.all(Array.from({ length: connections }, lane));
    return {
      rate: requests / ((performance.now() - from) / 1000),
      work: requests,
      refused: refused / requests,
    };
  },
});
