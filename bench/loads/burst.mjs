/** Connections that arrive evenly within a time, each with one small request, and are held: how many were served, and when. */
import { connect } from "node:net";
import { quantile } from "../lib/statistics.mjs";
import { answer } from "../lib/worker.mjs";

const REQUEST = Buffer.from("GET / HTTP/1.1\r\nHost: bench\r\n\r\n");
const PATIENCE_MS = 10_000;

answer({
  /** `lost` are those that were refused, reset, closed or not answered; the times run from the attempt to the answer. */
  async arrive({ port, count, millis }) {
    const sockets = new Set();
    const times = [];
    const troubles = new Map();
    let ended = 0;
    const begun = performance.now();
    const attempt = () => {
      const from = performance.now();
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      sockets.add(socket);
      let over = false;
      const end = (trouble) => {
        if (over) return;
        over = true;
        ended++;
        if (trouble === undefined) times.push(performance.now() - from);
        else troubles.set(trouble, (troubles.get(trouble) ?? 0) + 1);
      };
      socket.once("connect", () => socket.write(REQUEST));
      socket.once("data", () => end());
      socket.on("error", ({ code }) => end(code)).on("close", () => end("closed"));
    };
    let attempted = 0;
    let span = 0;
    await new Promise((resolve) => {
      const look = () => {
        const now = performance.now();
        // Not more in one turn than are due: arrivals that are late come late, and the span says so.
        for (; attempted < count && begun + (attempted * millis) / count <= now; attempted++) attempt();
        if (attempted < count) return void setImmediate(look);
        span = performance.now() - begun;
        const waiting = () => {
          if (ended === count || performance.now() - begun - span > PATIENCE_MS) resolve();
          else setTimeout(waiting, 5);
        };
        waiting();
      };
      look();
    });
    const all = performance.now() - begun;
    const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    const gone = [...sockets].map((socket) => socket.closed);
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed.filter((_, n) => !gone[n]));
    times.sort((a, b) => a - b);
    return {
      lost: count - times.length,
      span,
      all,
      p50: times.length === 0 ? NaN : quantile(times, 0.5),
      slowest: times.at(-1) ?? NaN,
      troubles: [...troubles].map(([what, how]) => `${how} x ${what}`).join(", "),
    };
  },
});
