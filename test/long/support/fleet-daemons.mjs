/**
 * Some daemons of a fleet in one process, of what was built: they begin at the word `go`, and tell each fault that comes with the
 * machine's monotonic clock, which is the same in all processes.
 *
 *   node fleet-daemons.mjs '{"engine": "nats://…", "fleet": "size", "names": ["d-1", …], "upstream": "http://…" | null}'
 */
import { createInterface } from "node:readline";
import { startSquall } from "../../../dist/index.js";

const { engine, fleet, names, upstream } = JSON.parse(process.argv[2]);
const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const now = () => Number(process.hrtime.bigint()) / 1e6;
const squalls = [];

async function start(name) {
  const squall = await startSquall({
    config: {
      fleet: { name: fleet, engine, daemon: name, poll: "5s", journal: "none" },
      proxies: { jobs: { listen: "127.0.0.1:0", upstream: upstream ?? "http://127.0.0.1:9" } },
    },
  });
  squalls.push(squall);
  squall.hear((entry) => {
    if (entry.kind === "activation_started") tell({ is: "started", name, seed: entry.seed, at: now() });
  });
  for (const entry of squall.journal({ kind: "activation_started" }))
    tell({ is: "started", name, seed: entry.seed, at: now() });
  tell({ is: "joined", name, at: now(), address: squall.proxies.get("jobs")?.address });
}

tell({ is: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "go") await Promise.all(names.map(start));
  else if (line === "usage") {
    const { user, system } = process.cpuUsage();
    tell({ is: "usage", cpu: (user + system) / 1e3, at: now(), memory: process.memoryUsage().rss });
  } else if (line === "stop") break;
}
await Promise.all(squalls.map((squall) => squall.stop()));
// Its standard input stays open for as long as the parent has it.
process.exit(0);
