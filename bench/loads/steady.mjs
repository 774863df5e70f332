/**
 * Small exchanges at a steady rate, whether earlier ones are answered or not (an open model), spread over
 * connections. Their times run from when each was sent.
 */
import { connect } from "node:net";
import { quantile } from "../lib/statistics.mjs";
import { answer } from "../lib/worker.mjs";

const CONNECTIONS = 50;
const REQUEST = Buffer.alloc(100, "steady ");
const SETTLE_MS = 500;
const DRAIN_MS = 2_000;

async function open(port, took) {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const sent = [];
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
    const now = performance.now();
    for (; received >= REQUEST.length; received -= REQUEST.length) took(sent.shift(), now);
  });
  return {
    socket,
    send() {
      sent.push(performance.now());
      socket.write(REQUEST);
    },
    get open() {
      return sent.length;
    },
  };
}

answer({
  async exchange({ port, rate, seconds }) {
    const times = [];
    let counting = Infinity;
    const lanes = await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        open(port, (from, to) => {
          if (from >= counting) times.push(to - from);
        }),
      ),
    );
    const begun = performance.now();
    counting = begun + SETTLE_MS;
    const until = counting + seconds * 1000;
    let sent = 0;
    await new Promise((resolve) => {
      const tick = () => {
        const now = performance.now();
        for (; sent < ((now - begun) * rate) / 1000; sent++) lanes[sent % lanes.length].send();
        if (now < until) setTimeout(tick, 1);
        else resolve();
      };
      tick();
    });
    const patience = performance.now() + DRAIN_MS;
    while (lanes.some((lane) => lane.open > 0) && performance.now() < patience) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const unanswered = lanes.reduce((sum, lane) => sum + lane.open, 0);
    for (const { socket } of lanes) socket.destroy();
    times.sort((a, b) => a - b);
    return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), count: times.length, unanswered };
  },
});
