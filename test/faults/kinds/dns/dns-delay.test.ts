/** dns_delay: answers that come later, on a clock that moves when told. */
import { afterEach, expect, it } from "vitest";
import { DnsBench } from "../../../support/dns-bench.js";
import { fault, turns } from "../../../support/lab.js";

let bench: DnsBench | null = null;
afterEach(async () => {
  await bench?.close();
  bench = null;
});

it("answers after the delay and not before", async () => {
  bench = await DnsBench.with({ type: "dns_delay", delay: "800ms" });
  expect(await bench.ask("jobs.test")).toBe("silence");
  bench.time.advance(799);
  await turns(40);
  expect(bench.udp.received).toEqual([]);
  bench.time.advance(1);
  await bench.udp.nth(1);
});

it("lets a later question overtake", async () => {
  bench = await DnsBench.with({ type: "dns_delay", delay: "800ms" }, { match: [{ qname: ["jobs.test"] }] });
  await bench.ask("jobs.test", "A", { id: 1 });
  await bench.raw("text.test", "TXT", { id: 2 });
  bench.time.advance(800);
  await bench.udp.nth(2);
  expect(bench.udp.received.map((reply) => reply.readUInt16BE(0))).toEqual([2, 1]);
});

it("lets go of what it holds when it is healed, and sooner when it is made shorter", async () => {
  bench = await DnsBench.with({ type: "dns_delay", delay: "1h" });
  await bench.ask("jobs.test");
  bench.lab.change([fault("dns_delay", { delay: "1s" })]);
  await turns(40);
  bench.time.advance(1_000);
  await bench.udp.nth(1);
  await bench.ask("jobs.test");
  bench.lab.heal();
  await bench.udp.nth(2);
});
