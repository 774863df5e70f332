/** What faults do to health checks is told, with the upstream that was asked, and is never a hit: those are of clients. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startSquall, type FaultInput, type JournalEntry, type Squall } from "../../src/index.js";
import { Figures } from "../support/books/audit.js";
import { until } from "../support/lab.js";

type Hit = Extract<JournalEntry, { kind: "fault_hit" }>;
type Ended = Extract<JournalEntry, { kind: "activation_ended" }>;

let servers: Server[];
let squall: Squall;
let checks: number;

beforeEach(async () => {
  checks = 0;
  servers = [0, 1].map(() =>
    createServer((_request, response) => {
      checks++;
      response.end("well");
    }).listen(0, "127.0.0.1"),
  );
  await Promise.all(servers.map((server) => once(server, "listening")));
  const [a, b] = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const health = { path: "/healthz", interval: "100ms", timeout: "100ms", fall: 1, rise: 1 };
  squall = await startSquall({
    config: { proxies: { jobs: { listen: "127.0.0.1:0", upstreams: { a, b }, health } } },
  });
  await until(() => checks >= 4);
});

afterEach(async () => {
  await squall.stop();
  for (const server of servers) server.close().closeAllConnections();
});

it.each<[string, FaultInput, string]>([
  ["of the name", { type: "dns_rcode", rcode: "servfail", on: "upstream" }, "answered"],
  ["of a wait for the name", { type: "dns_delay", delay: "1ms", on: "upstream" }, "delayed"],
  ["of an upstream", { type: "flap", targets: ["a"], period: "300ms", down: "refuse" }, "failed"],
])("of a fault %s", async (_what, fault, effect) => {
  const since = squall.journal({ limit: 1 }).at(-1)?.seq ?? 0;
  await squall.activate([{ ...fault, proxy: "jobs" }]);
  const hits = (): Hit[] =>
    squall.journal({ since, limit: 1_000 }).filter((entry): entry is Hit => entry.kind === "fault_hit");
  const checked = (): Hit[] => hits().filter(({ health_check }) => health_check !== undefined);
  await until(() => checked().length > 0);
  await squall.heal();
  const figures = new Figures(await squall.metrics());
  for (const { bot, connection, health_check } of checked())
    expect([bot, connection, ["a", "b"].includes(health_check ?? "")]).toEqual(["", 0, true]);
  expect(checked().map((hit) => hit.effect)).toContain(effect);
  expect(figures.sum("squall_faults_total", { proxy: "jobs", effect: "health_check" })).toBeGreaterThan(0);
  // What is left is the proxy itself, of which an upstream went down.
  const others = new Set(
    hits()
      .filter((hit) => hit.health_check === undefined)
      .map((hit) => hit.bot),
  ).size;
  const ended = squall
    .journal({ since, limit: 1_000 })
    .find((one): one is Ended => one.kind === "activation_ended");
  expect(ended?.faults.map((fault) => fault.hits)).toEqual([others]);
  expect(figures.sum("squall_fault_hits_total", { proxy: "jobs" })).toBe(others);
  expect(others).toBe(fault.type === "flap" ? 1 : 0);
});
