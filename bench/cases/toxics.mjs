/** What users of Toxiproxy's clients rely on in milliseconds, through its own API. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { call } from "../lib/api.mjs";
import { atMost, row } from "../lib/claims.mjs";
import { freePort } from "../lib/processes.mjs";

const LATENCY_MS = 100;
const CHUNKS = 30;
const BYTES = 480_000;
const RATE_KB = 1_000;
const PINGS = 2_000;

export const toxics = {
  name: "toxics",
  title: "toxics through Toxiproxy's API",
  async run(lab) {
    const sockets = new Set();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket.on("error", () => undefined));
      // `G` asks for the bulk, anything else is echoed.
      socket.on("data", (chunk) => socket.write(chunk[0] === 71 ? Buffer.alloc(BYTES) : chunk));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const upstreamPort = server.address().port;
    const { admin, port } = await lab.use(lab.contenders.squall.start({ lab, upstreamPort }));
    const set = async (toxic) => {
      await call(admin, "POST", "/reset");
      if (toxic !== undefined) await call(admin, "POST", "/proxies/jobs/toxics", toxic);
    };
    const late = [];
    const slow = [];
    const oneWay = [];
    const ended = [];
    try {
      for (let round = 0; round < lab.rounds; round++) {
        await set({ type: "latency", attributes: { latency: LATENCY_MS } });
        const echo = await dial(port);
        for (let n = 0; n < CHUNKS; n++) late.push(Math.abs((await roundTrip(echo, "x", 1)) - LATENCY_MS));
        echo.destroy();
        await set({ type: "bandwidth", attributes: { rate: RATE_KB } });
        const bulk = await dial(port);
        slow.push(Math.abs((await roundTrip(bulk, "G", BYTES)) - (BYTES / RATE_KB / 1000) * 1000));
        bulk.destroy();
        await set();
        oneWay.push((await pings(port)) - (await pings(upstreamPort)));
        ended.push(await deadUpstream(admin));
        lab.log(
          `  round ${round + 1}: 480 KB off by ${slow.at(-1).toFixed(1)} ms, one way ${oneWay.at(-1).toFixed(0)} µs`,
        );
      }
    } finally {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
    return {
      rows: [
        row(`latency ${LATENCY_MS} ms, chunk off by`, "ms", late, `${late.length} chunks`),
        row(`480 KB at ${RATE_KB} KB/s, off by`, "ms", slow),
        row("one way through the proxy, added", "µs", oneWay, `mean of ${PINGS} round trips, halved`),
        row("upstream down, until EOF", "ms", ended),
      ],
      claims: [
        atMost("chunk delay off by", 10, "ms", [Math.max(...late)]),
        atMost("480 KB off by", 10, "ms", slow),
        atMost("one way added", 300, "µs", oneWay),
        atMost("until EOF", 500, "ms", ended),
      ],
      chart: () => false,
    };
  },
};

async function dial(port) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket.on("error", () => undefined);
}

/** Milliseconds from writing `text` to reading that many bytes. */
function roundTrip(socket, text, bytes) {
  return new Promise((resolve) => {
    let got = 0;
    const from = performance.now();
    const read = (chunk) => {
      got += chunk.length;
      if (got < bytes) return;
      socket.off("data", read);
      resolve(performance.now() - from);
    };
    socket.on("data", read);
    socket.write(text);
  });
}

/** Microseconds for one way, on average. */
async function pings(port) {
  const socket = await dial(port);
  for (let n = 0; n < PINGS / 10; n++) await roundTrip(socket, "x", 1);
  const from = performance.now();
  for (let n = 0; n < PINGS; n++) await roundTrip(socket, "x", 1);
  const micros = ((performance.now() - from) * 1000) / PINGS / 2;
  socket.destroy();
  return micros;
}

async function deadUpstream(admin) {
  const nobody = await freePort();
  const definition = { name: "dead", listen: "127.0.0.1:0", upstream: `127.0.0.1:${nobody}` };
  const { body } = await call(admin, "POST", "/proxies", definition);
  const from = performance.now();
  const socket = connect(Number(body.listen.split(":").at(-1)), "127.0.0.1").resume();
  const [how] = await Promise.race([once(socket, "end").then(() => ["FIN"]), once(socket, "error")]);
  const millis = performance.now() - from;
  if (how !== "FIN") throw new Error(`expected EOF of a proxy whose upstream is down, got ${how}`);
  await call(admin, "DELETE", "/proxies/dead");
  return millis;
}
