/** Short connections, one after the other in each of several lanes: connect, one small exchange, close. */
import { connect } from "node:net";
import { answer } from "../lib/worker.mjs";

const REQUEST = Buffer.alloc(64, "churn ");
const FAILED_MAX = 100;

function exchange(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let received = 0;
    let error = null;
    socket.on("connect", () => socket.write(REQUEST));
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (received >= REQUEST.length) socket.end();
    });
    socket.on("error", (problem) => (error = problem));
    socket.on("close", () => resolve(error ?? (received === REQUEST.length ? null : new Error("cut short"))));
  });
}

answer({
  async churn({ port, count, lanes }) {
    let begun = 0;
    let failed = 0;
    let last = null;
    const from = performance.now();
    const lane = async () => {
      while (begun < count && failed < FAILED_MAX) {
        begun++;
        const error = await exchange(port);
        if (error !== null) {
          failed++;
          last = error;
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    if (failed >= FAILED_MAX) throw new Error(`${failed} connections failed, the last with ${last.message}`);
    return { seconds: (performance.now() - from) / 1000, failed };
  },
});
