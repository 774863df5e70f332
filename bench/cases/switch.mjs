/** How fast a switch takes hold of all connections, and how long the API takes when clients do not read. */
import { atMost, row } from "../lib/claims.mjs";
import { call } from "../lib/api.mjs";
import { sleep, startWorker } from "../lib/processes.mjs";
import { summary } from "../lib/statistics.mjs";

const CONNECTIONS = 5_000;
const CONNECTIONS_QUICK = 1_000;
const ROUNDS_MAX = 9;
/** Long enough that an echo which was not held back cannot look as if it had been. */
const DELAY_MS = 1_500;
const FAULT = { type: "latency", delay: `${DELAY_MS}ms` };
const DEAF_CLIENTS = 200;
const DEAF_SETTLE_MS = 1_000;

export const change = {
  name: "switch",
  title: "PUT /active with many connections open, and API calls while 200 clients do not read",
  async run(lab) {
    const taken = await switches(lab);
    const calls = await callsBesideDeafClients(lab);
    return {
      rows: [...taken.rows, calls.row],
      claims: taken.claims,
      notes: calls.notes,
      chart: () => false,
    };
  },
};

async function switches(lab) {
  const count = lab.quick ? CONNECTIONS_QUICK : CONNECTIONS;
  const server = await lab.use(startWorker("servers/echo.mjs"));
  const client = await lab.use(startWorker("loads/connections.mjs"));
  const { port, admin } = await lab.use(lab.contenders.squall.start({ lab, upstreamPort: server.port }));
  await client.ask("open", { port, count });
  const on = [];
  const off = [];
  for (let round = 0; round < Math.min(ROUNDS_MAX, lab.rounds); round++) {
    const put = await client.ask("switch", { admin, method: "PUT", body: { faults: [FAULT] } });
    if (put.fastest < DELAY_MS)
      throw new Error(`a connection was not under the fault: echo in ${put.fastest} ms`);
    const healed = await client.ask("switch", { admin, method: "DELETE" });
    if (healed.slowest >= DELAY_MS)
      throw new Error(`a connection was still under the fault: ${healed.slowest} ms`);
    on.push(put.answered);
    off.push(healed.answered);
    lab.log(`  on in ${put.answered.toFixed(1)} ms, off in ${healed.answered.toFixed(1)} ms`);
  }
  const note = `all ${count} connections probed after the answer`;
  return {
    rows: [
      row("PUT /active until answered", "ms", on, note),
      row("DELETE /active until answered", "ms", off, note),
    ],
    claims: [atMost(`PUT /active on ${count} connections`, 100, "ms", on)],
  };
}

async function callsBesideDeafClients(lab) {
  const server = await lab.use(startWorker("servers/flood.mjs"));
  const client = await lab.use(startWorker("loads/connections.mjs"));
  const { port, admin } = await lab.use(lab.contenders.squall.start({ lab, upstreamPort: server.port }));
  await client.ask("open", { port, count: DEAF_CLIENTS, reading: false });
  await sleep(DEAF_SETTLE_MS);
  const wanted = [
    ["GET", "/status"],
    ["GET", "/proxies"],
    ["PUT", "/active", { faults: [{ type: "latency", delay: "100ms" }] }],
    ["GET", "/active"],
    ["GET", "/metrics"],
    ["DELETE", "/active"],
  ];
  const calls = [];
  const notes = [];
  for (const one of wanted) {
    try {
      await call(admin, ...one);
      calls.push(one);
    } catch (error) {
      notes.push(`left out: ${error.message.split(" {")[0]}`);
    }
  }
  const times = new Map(calls.map(([method, path]) => [`${method} ${path}`, []]));
  const until = performance.now() + lab.seconds * 1000;
  while (performance.now() < until) {
    for (const [method, path, body] of calls) {
      times.get(`${method} ${path}`).push((await call(admin, method, path, body)).millis);
    }
  }
  const worst = [...times].map(([name, list]) => [name, summary(list)]).sort((a, b) => b[1].max - a[1].max);
  const all = [...times.values()].flat();
  const note = `${all.length} calls, the slowest ${worst[0][0]}`;
  return { row: row(`API beside ${DEAF_CLIENTS} deaf clients`, "ms", all, note), notes };
}
