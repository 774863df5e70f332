/**
 * Small HTTP exchanges at a steady rate, whether earlier ones are answered or not (an open model), spread over
 * connections. Their times run from when each was due.
 */
import { connect } from "node:net";
import { quantile } from "../lib/statistics.mjs";
import { answer } from "../lib/worker.mjs";

const CONNECTIONS = 50;
const HTTP_REQUEST = Buffer.from("GET /v1/jobs/next HTTP/1.1\r\nHost: bench\r\nX-Bot-Id: steady\r\n\r\n");
const DRAIN_MS = 2_000;

/** The length of an answer, all of which are as long: their heads differ in the time only. */
async function askedOnce(port) {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  const length = await new Promise((resolve, reject) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n") + 4;
      if (end > 3) resolve(end + Number(/^content-length: *(\d+)/imu.exec(text)[1]));
    });
    socket.on("error", reject);
    socket.write(HTTP_REQUEST);
  });
  socket.destroy();
  return { request: HTTP_REQUEST, length };
}

async function open(port, { request, length }, took) {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const sent = [];
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
    const now = performance.now();
    for (; received >= length; received -= length) took(sent.shift(), now);
  });
  return {
    socket,
    send(due) {
      sent.push(due);
      socket.write(request);
    },
    get open() {
      return sent.length;
    },
  };
}

answer({
  async exchange({ port, rate, seconds, settle }) {
    const what = await askedOnce(port);
    const times = [];
    let counting = Infinity;
    const lanes = await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        open(port, what, (from, to) => {
          if (from >= counting) times.push(to - from);
        }),
      ),
    );
    const begun = performance.now();
    counting = begun + settle * 1000;
    const until = counting + seconds * 1000;
    let sent = 0;
    await new Promise((resolve) => {
      const tick = () => {
        const now = performance.now();
        for (let due; (due = begun + (sent * 1000) / rate) <= now; sent++)
          lanes[sent % lanes.length].send(due);
        // Timers are too coarse: it looks at the clock all the time.
        if (now < until) setImmediate(tick);
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
