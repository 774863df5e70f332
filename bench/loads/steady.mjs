/**
 * Small exchanges at a steady rate, whether earlier ones are answered or not (an open model), spread over
 * connections. Their times run from when each was sent.
 */
import { connect } from "node:net";
import { quantile } from "../lib/statistics.mjs";
import { answer } from "../lib/worker.mjs";

const CONNECTIONS = 50;
/** What is sent, and how many bytes come back for it. */
const ECHO = { request: Buffer.alloc(100, "steady "), length: 100 };
const HTTP_REQUEST = Buffer.from("GET /v1/jobs/next HTTP/1.1\r\nHost: bench\r\nX-Bot-Id: steady\r\n\r\n");
const SETTLE_MS = 500;
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
    send() {
      sent.push(performance.now());
      socket.write(request);
    },
    get open() {
      return sent.length;
    },
  };
}

answer({
  async exchange({ port, rate, seconds, http = false }) {
    const what = http ? await askedOnce(port) : ECHO;
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
