/** dns_answer: each way of answering wrongly, as a client sees it. */
import { decode } from "dns-packet";
import { afterEach, expect, it } from "vitest";
import { address } from "../../../support/dns-lab.js";
import { DnsBench } from "../../../support/dns-bench.js";
import { TYPES } from "../../../support/lab.js";

let bench: DnsBench | null = null;
afterEach(async () => {
  await bench?.close();
  bench = null;
});

const TYPE = TYPES.get("dns_answer")!;

it("answers fixed addresses, each family to its own question, and leaves other types alone", async () => {
  bench = await DnsBench.with({ type: "dns_answer", mode: "fixed", ips: ["10.9.9.9", "fd00::9"] });
  expect(await bench.ask("jobs.test")).toBe("NOERROR | A 10.9.9.9");
  expect(await bench.ask("jobs.test", "AAAA")).toBe("NOERROR | AAAA fd00::9");
  expect(await bench.ask("nobody.test")).toBe("NOERROR | A 10.9.9.9");
  expect(await bench.ask("text.test", "TXT")).toMatch(/^NOERROR \| TXT/u);
});

it.each([
  [{ mode: "empty" }, "NOERROR"],
  [{ mode: "unreachable" }, "NOERROR | A 192.0.2.1"],
  [{ mode: "loopback" }, "NOERROR | A 127.0.0.1"],
  [{ mode: "cname_loop" }, "NOERROR | CNAME loop.jobs.test | CNAME jobs.test"],
])("answers %o", async (params, expected) => {
  bench = await DnsBench.with({ type: "dns_answer", ...params });
  expect(await bench.ask("jobs.test")).toBe(expected);
});

it("answers one set after the other, by the clock alone", async () => {
  bench = await DnsBench.with({
    type: "dns_answer",
    mode: "flap",
    sets: [["10.1.1.1"], ["10.2.2.2"], []],
    period: "10s",
  });
  const seen: string[] = [];
  for (let n = 0; n < 5; n++) {
    seen.push(await bench.ask("jobs.test"));
    bench.time.advance(9_999);
    seen.push(await bench.ask("jobs.test"));
    bench.time.advance(1);
  }
  const [one, two, none] = ["NOERROR | A 10.1.1.1", "NOERROR | A 10.2.2.2", "NOERROR"];
  expect(seen).toEqual([one, one, two, two, none, none, one, one, two, two]);
});

it("answers some of the addresses only, in their order", async () => {
  bench = await DnsBench.with({ type: "dns_answer", mode: "subset", n: 2 });
  const seen = new Set<string>();
  for (let n = 0; n < 40; n++) seen.add(await bench.ask("jobs.test"));
  expect([...seen].sort()).toEqual([
    "NOERROR | A 10.0.0.1 | A 10.0.0.2",
    "NOERROR | A 10.0.0.1 | A 10.0.0.3",
    "NOERROR | A 10.0.0.2 | A 10.0.0.3",
  ]);
  expect(await bench.ask("jobs.test", "AAAA")).toBe("NOERROR | AAAA fd00::1");
});

it("answers with another time to live", async () => {
  bench = await DnsBench.with({ type: "dns_answer", mode: "ttl", ttl: "1h" });
  const { answers = [] } = decode(await bench.raw("jobs.test"));
  expect(answers.map((answer) => "ttl" in answer && answer.ttl)).toEqual([3_600, 3_600, 3_600]);
});

it("goes on answering what it first saw after the records have changed, for as long as it is told", async () => {
  bench = await DnsBench.with({ type: "dns_answer", mode: "stale", for: "60s" });
  const before = await bench.ask("jobs.test");
  await bench.proxy.reconfigure({ ...bench.proxy.spec, records: [address("jobs.test", "10.7.7.7")] });
  bench.time.advance(59_999);
  expect(await bench.ask("jobs.test")).toBe(before);
  expect(bench.hits).toEqual(["dns_answer answered 127.0.0.1 A jobs.test udp"]);
  bench.time.advance(1);
  expect(await bench.ask("jobs.test")).toBe("NOERROR | A 10.7.7.7");
});

it("says what is missing for each way", () => {
  const mistake = (raw: Record<string, unknown>): string | undefined =>
    TYPE.check?.({ params: TYPE.params.strict().parse(raw), narrowed: false })?.path;
  expect(mistake({ mode: "fixed" })).toBe("ips");
  expect(mistake({ mode: "flap" })).toBe("sets");
  expect(mistake({ mode: "ttl" })).toBe("ttl");
  expect(mistake({ mode: "empty", as: "close" })).toBe("as");
  expect(mistake({ mode: "empty", on: "upstream", as: "close" })).toBeUndefined();
});
