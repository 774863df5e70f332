/** Faults that proxies have of their own, as operators hear of them: set, changed, left by a heal, and taken away. */
import { afterEach, expect, it } from "vitest";
import { startSquall, type Squall } from "../../src/index.js";

let squall: Squall;

afterEach(async () => {
  await squall.stop();
});

async function call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const answer = await fetch(`${squall.adminUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

it("are journalled when they come, change and go, and a heal says that it leaves them", async () => {
  squall = await startSquall({ proxies: { jobs: { upstream: "127.0.0.1:9" } } });
  const toxic = { name: "slow", type: "latency", stream: "downstream", attributes: { latency: 5 } };
  await call("POST", "/proxies/jobs/toxics", toxic);
  await call("POST", "/proxies/jobs/toxics/slow", { attributes: { latency: 9 } });
  const own = { proxy: "jobs", fault: "slow", type: "latency", toxic: "latency" };
  expect(squall.active().proxy_faults).toMatchObject([
    { ...own, so_far: { hits: 0, text: "no connections so far" } },
  ]);
  const healed = await call("DELETE", "/active");
  expect(healed).toMatchObject({ ended: 0, removed: 0, proxy_faults: [own] });
  expect(healed["left"]).toContain("squall heal --own");
  expect(await call("DELETE", "/active?own=true")).toMatchObject({
    removed: 1,
    left: null,
    proxy_faults: [],
  });
  const told = squall.journal().filter(({ kind }) => /^fault_(?:set|changed|removed)$/u.test(kind));
  expect(told.map(({ kind }) => kind)).toEqual(["fault_set", "fault_changed", "fault_removed"]);
  expect(told[2]).toMatchObject({ proxy: "jobs", fault: "slow", subjects: 0, hits: 0 });
});

it("count a closed port as a hit on the proxy itself, so that a crash has hits", async () => {
  squall = await startSquall({ proxies: { jobs: { upstream: "127.0.0.1:9" } } });
  await squall.activate([{ type: "down" }]);
  await squall.heal();
  const [hit] = squall.journal({ kind: "fault_hit" });
  expect(hit).toMatchObject({ bot: "", connection: 0, effect: "closed" });
  const [ended] = squall.journal({ kind: "activation_ended" });
  expect(ended).toMatchObject({ faults: [{ hits: 1, effects: { closed: 1 } }], warnings: [] });
  expect(await squall.metrics()).toMatch(/squall_fault_hits_total\{.*fault="down".*\} 1\n/u);
});

it("go to the daemon's own admin address when they are to be repeated", async () => {
  squall = await startSquall({ proxies: { jobs: { upstream: "127.0.0.1:9" } } });
  const { activations } = await squall.activate([{ type: "latency", delay: "5ms" }]);
  expect(activations[0]?.again).toContain(`curl -X PUT ${squall.adminUrl}/active `);
});

it("leave on what stood beside them when they are to be repeated", async () => {
  squall = await startSquall({ proxies: { jobs: { upstream: "127.0.0.1:9" } } });
  await squall.activate("high-latency", { seed: 7 });
  const again = (): string[] => squall.active().activations.map((one) => one.again.replace(/ {2}#.*/u, ""));
  const params = /(?:--param \S+ )+/u;
  expect(again().map((line) => line.replace(params, ""))).toEqual([
    `squall use high-latency --seed 7 --admin ${squall.adminUrl}`,
  ]);
  await call("POST", "/active", { faults: [{ type: "latency", delay: "5ms" }], seed: 8 });
  expect(again().map((line) => line.replace(params, ""))).toEqual([
    `squall use high-latency --seed 7 --add --admin ${squall.adminUrl}`,
    `curl -X POST ${squall.adminUrl}/active -d '{"faults":[{"type":"latency","delay":"5ms"}],"seed":8}'`,
  ]);
  const told = squall.journal({ kind: "activation_started" }).map((entry) => JSON.stringify(entry));
  expect(told[0]).not.toContain("--add");
  expect(told[1]).toContain("curl -X POST");
});
