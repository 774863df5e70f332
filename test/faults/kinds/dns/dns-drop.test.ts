/** dns_drop: silence, and what is left of it when it goes. */
import { afterEach, expect, it } from "vitest";
import { question } from "../../../support/dns-lab.js";
import { DnsBench } from "../../../support/dns-bench.js";
import { turns } from "../../../support/lab.js";

let bench: DnsBench | null = null;
afterEach(async () => {
  await bench?.close();
  bench = null;
});

it("answers nothing of the type that it matches, and everything else", async () => {
  bench = await DnsBench.with({ type: "dns_drop" }, { match: [{ qtype: ["AAAA"] }] });
  expect(await bench.ask("jobs.test", "AAAA")).toBe("silence");
  expect(await bench.ask("jobs.test")).toBe("NOERROR | A 10.0.0.1 | A 10.0.0.2 | A 10.0.0.3");
  expect(bench.hits).toEqual(["dns_drop dropped 127.0.0.1 AAAA jobs.test udp"]);
  expect(bench.proxy.queries.counts()).toEqual([
    ["AAAA", "none", 1],
    ["A", "NOERROR", 1],
  ]);
});

it("leaves a question over TCP without an answer and the connection open", async () => {
  bench = await DnsBench.with({ type: "dns_drop" }, { match: [{ qname: ["jobs.test"] }] });
  const tcp = bench.tcp();
  tcp.send(question("jobs.test", "A"));
  expect((await tcp.ask("text.test", "TXT")).readUInt16BE(6)).toBe(1);
  expect(tcp.received).toHaveLength(1);
  bench.time.advance(3_600_000);
  expect((await tcp.ask("text.test", "TXT")).readUInt16BE(6)).toBe(1);
});

it("answers the next question when it is healed, and not the lost one", async () => {
  bench = await DnsBench.with({ type: "dns_drop" });
  expect(await bench.ask("jobs.test")).toBe("silence");
  bench.lab.heal();
  expect(await bench.ask("text.test", "TXT")).toMatch(/^NOERROR/u);
  await turns(40);
  expect(bench.udp.received).toHaveLength(1);
});
