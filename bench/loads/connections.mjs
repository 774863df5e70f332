/** Many connections held at once: opened, probed, left alone, or never read. */
import { call } from "../lib/api.mjs";
import { dial } from "../lib/dial.mjs";
import { answer } from "../lib/worker.mjs";

const AT_ONCE = 200;
const PROBE = Buffer.from("a probe\n");
/** Over TLS there is a server of HTTP behind. */
const REQUEST = Buffer.from("GET / HTTP/1.1\r\nHost: bench\r\n\r\n");
const PROBE_MAX_MS = 30_000;

const sockets = new Set();

function open({ port, secure, reading }) {
  return new Promise((resolve, reject) => {
    const socket = dial({ port, secure }, () => {
      if (!reading) return resolve(socket);
      socket.once("data", () => resolve(socket));
      socket.write(secure ? REQUEST : PROBE);
    });
    sockets.add(socket);
    socket.once("error", reject);
  });
}

/** Sends a probe on every connection; answers how long each echo took, in milliseconds. */
async function probeAll() {
  const times = await Promise.all(
    [...sockets].map((socket) => {
      const from = performance.now();
      return new Promise((resolve) => {
        const late = setTimeout(() => resolve(Infinity), PROBE_MAX_MS);
        socket.once("data", () => {
          clearTimeout(late);
          resolve(performance.now() - from);
        });
        socket.write(PROBE);
      });
    }),
  );
  return { fastest: Math.min(...times), slowest: Math.max(...times) };
}

answer({
  /** Opens them with one exchange each, so that both sides are up and have been used; without, nobody ever reads. */
  async open({ port, count, reading = true, secure = false }) {
    let begun = 0;
    const opener = async () => {
      while (begun++ < count) await open({ port, secure, reading });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, opener));
    return sockets.size;
  },

  /** Calls the API, and probes every connection in the very turn in which the answer arrives. */
  async switch({ admin, method, body }) {
    const { millis } = await call(admin, method, "/active", body);
    return { answered: millis, ...(await probeAll()) };
  },

  async close() {
    const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await Promise.all(closed);
  },
});
