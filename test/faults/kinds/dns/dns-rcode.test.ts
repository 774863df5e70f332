/** dns_rcode: errors in place of answers, as a client sees them. */
import { afterEach, expect, it } from "vitest";
import { DnsBench } from "../../../support/dns-bench.js";

let bench: DnsBench | null = null;
afterEach(async () => {
  await bench?.close();
  bench = null;
});

it.each(["nxdomain", "servfail", "refused", "formerr", "notimp"])(
  "answers %s, over UDP and TCP",
  async (rcode) => {
    bench = await DnsBench.with({ type: "dns_rcode", rcode });
    expect(await bench.ask("jobs.test")).toBe(rcode.toUpperCase());
    expect(await bench.ask("jobs.test", "AAAA", { edns: 1232 })).toBe(rcode.toUpperCase());
    const reply = await bench.tcp().ask("text.test", "TXT");
    expect(reply.readUInt16BE(2) & 15).toBe(
      { nxdomain: 3, servfail: 2, refused: 5, formerr: 1, notimp: 4 }[rcode],
    );
    expect(bench.proxy.queries.counts().filter(([, code]) => code !== rcode.toUpperCase())).toEqual([]);
  },
);

it("hits what it matches and nothing else, and names the question in the journal", async () => {
  bench = await DnsBench.with(
    { type: "dns_rcode" },
    { match: [{ qname: ["jobs.*"], qtype: ["A"], transport: ["udp"] }] },
  );
  expect(await bench.ask("JOBS.test")).toBe("SERVFAIL");
  expect(await bench.ask("jobs.test", "AAAA")).toBe("NOERROR | AAAA fd00::1");
  expect(await bench.ask("text.test", "TXT")).toMatch(/^NOERROR/u);
  const tcp = await bench.tcp().ask("jobs.test");
  expect(tcp.readUInt16BE(6)).toBe(3);
  expect(bench.hits).toEqual(["dns_rcode answered 127.0.0.1 A jobs.test udp"]);
});

it("is counted by when: the first two alone, then each second", async () => {
  bench = await DnsBench.with({ type: "dns_rcode" }, { when: { skip: 2, every: 2 } });
  const seen = [];
  for (let n = 0; n < 6; n++) seen.push((await bench.ask("jobs.test")).split(" ")[0]);
  expect(seen).toEqual(["NOERROR", "NOERROR", "NOERROR", "SERVFAIL", "NOERROR", "SERVFAIL"]);
});
