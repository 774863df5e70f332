/**
 * Messages one way through a proxy: both ends are in this process, and so have one clock. They are sent by the clock,
 * whether earlier ones have arrived or not, and each one's time runs from when it was due: a proxy that stalls for a
 * while is charged for all that should have passed meanwhile (no coordinated omission).
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { quantile } from "../lib/statistics.mjs";
import { answer } from "../lib/worker.mjs";

/** The first 8 bytes of a message are the time at which it was due, those of the first one the number of its connection. */
const MESSAGE_BYTES = 100;
const PATIENCE_MS = 5_000;
const AT_ONCE = 100;

const accepted = new Map();
let take = () => undefined;

const server = createServer({ noDelay: true }, (socket) => {
  let known = false;
  messages(socket, (value) => {
    if (known) return take(value);
    known = true;
    accepted.set(value, socket);
  });
}).listen({ host: "127.0.0.1", port: 0, backlog: 4096 });
await once(server, "listening");

/** Calls `told` with the number at the head of each message. */
function messages(socket, told) {
  let rest = Buffer.alloc(0);
  socket
    .on("error", () => undefined)
    .on("data", (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      for (; at + MESSAGE_BYTES <= bytes.length; at += MESSAGE_BYTES) told(bytes.readDoubleLE(at));
      rest = bytes.subarray(at);
    });
}

function message(value) {
  const bytes = Buffer.alloc(MESSAGE_BYTES, "one way ");
  bytes.writeDoubleLE(value);
  return bytes;
}

async function open(port, count) {
  accepted.clear();
  const clients = [];
  for (let n = 0; n < count; n++) {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    clients.push(socket);
    await once(socket, "connect");
    socket.write(message(n));
    messages(socket, (value) => take(value));
    if (n % AT_ONCE === AT_ONCE - 1) await until(() => accepted.size === n + 1);
  }
  await until(() => accepted.size === count);
  return clients;
}

async function until(done) {
  const from = performance.now();
  while (!done()) {
    if (performance.now() - from > PATIENCE_MS) throw new Error("connections or messages did not arrive");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

answer(
  {
    /**
     * One-way times in milliseconds, less `delay`: p50, p99 and p99.9, the same of how far they are off either way, and the
     * earliest. `direction` is downstream, or both: then every other message goes upstream.
     */
    async send({ port, connections, rate, seconds, settle, direction, delay = 0 }) {
      const clients = await open(port, connections);
      const senders = clients.map((client, n) => [
        accepted.get(n),
        direction === "both" ? client : accepted.get(n),
      ]);
      const times = [];
      let arrived = 0;
      const begun = performance.now() + 1;
      const counting = begun + settle * 1000;
      take = (due) => {
        arrived++;
        if (due >= counting) times.push(performance.now() - due - delay);
      };
      const count = Math.round((settle + seconds) * rate);
      let sent = 0;
      try {
        await new Promise((resolve) => {
          const look = () => {
            const now = performance.now();
            for (let due; sent < count && (due = begun + (sent * 1000) / rate) <= now; sent++) {
              const turn = Math.floor(sent / connections);
              senders[sent % connections][turn % 2].write(message(due));
            }
            // Timers are too coarse: it looks at the clock all the time.
            if (sent < count) setImmediate(look);
            else resolve();
          };
          look();
        });
        await until(() => arrived === count);
      } finally {
        take = () => undefined;
        for (const client of clients) client.destroy();
      }
      const off = times.map(Math.abs).sort((a, b) => a - b);
      times.sort((a, b) => a - b);
      return { ...points(times), off: points(off), earliest: times[0], count: times.length };
    },
  },
  { port: server.address().port },
);

function points(sorted) {
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), p999: quantile(sorted, 0.999) };
}
