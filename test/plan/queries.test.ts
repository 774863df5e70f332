/** Faults on DNS queries: which proxies they act on, and which queries they match. */
import { expect, it } from "vitest";
import type { Seam } from "../../src/faults/contract/index.js";
import { compileMatch } from "../../src/plan/match.js";
import { actsOn, subjectsOn } from "../../src/plan/subjects.js";
import { fault, TYPES } from "../support/lab.js";

const DNS: ReadonlySet<Seam> = new Set(["listener", "query"]);
const TCP: ReadonlySet<Seam> = new Set(["listener", "connection", "stream", "query", "upstreams"]);
const TYPE = TYPES.get("dns_drop")!;

it("act on dns proxies, or on all others if they are about upstreams", () => {
  const [own, upstream] = [fault("dns_drop"), fault("dns_drop", { on: "upstream" })];
  expect([actsOn(own, TYPE, DNS), actsOn(own, TYPE, TCP)]).toEqual([true, false]);
  expect([actsOn(upstream, TYPE, DNS), actsOn(upstream, TYPE, TCP)]).toEqual([false, true]);
  expect([subjectsOn(TYPE, DNS), subjectsOn(TYPE, TCP)]).toEqual(["queries", "queries"]);
  const bots = fault("dns_drop", {}, { match: [{ bot: ["10.*"] }] });
  expect([actsOn(bots, TYPE, DNS), actsOn(bots, TYPE, TCP)]).toEqual([true, false]);
});

it("match by name, type, transport, client and bot, all of which must hold", () => {
  const query = { name: "a.jobs.test", type: "AAAA", transport: "udp" };
  const subject = { bot: "10.0.0.7", client: "10.0.0.7", connection: 1, query };
  const holds = (entry: Parameters<typeof compileMatch>[0][number]): boolean =>
    compileMatch([entry])(subject);
  expect(holds({ qname: ["*.jobs.test"] })).toBe(true);
  expect(holds({ qname: ["jobs.test"] })).toBe(false);
  expect(holds({ qtype: ["A", "AAAA"] })).toBe(true);
  expect(holds({ qtype: ["A"] })).toBe(false);
  expect(holds({ transport: ["tcp"] })).toBe(false);
  expect(holds({ qname: ["*"], bot: ["10.*"], client: ["10.0.0.0/8"] })).toBe(true);
  expect(holds({ qname: ["*"], client: ["10.1.0.0/16"] })).toBe(false);
  expect(holds({ bot: ["10.0.0.7"] })).toBe(true);
  expect(holds({ bot: ["10.0.0.8"] })).toBe(false);
  expect(holds({ path: ["/x"] })).toBe(false);
  expect(compileMatch([{ qname: ["*"] }])({ bot: "b", client: "10.0.0.7", connection: 1 })).toBe(false);
});
