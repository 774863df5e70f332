/** dns_garble: replies that are none, byte for byte. */
import { decode } from "dns-packet";
import { afterEach, expect, it } from "vitest";
import { DnsBench } from "../../../support/dns-bench.js";

let bench: DnsBench | null = null;
afterEach(async () => {
  await bench?.close();
  bench = null;
});

it("answers under another id", async () => {
  bench = await DnsBench.with({ type: "dns_garble", mode: "wrong_id" });
  const reply = decode(await bench.raw("jobs.test", "A", { id: 65_535 }));
  expect(reply.id).toBe(0);
  expect(reply.answers).toHaveLength(3);
});

it("answers another name", async () => {
  bench = await DnsBench.with({ type: "dns_garble", mode: "wrong_question" });
  const reply = decode(await bench.raw("jobs.test", "A", { id: 7 }));
  expect(reply.id).toBe(7);
  expect(reply.questions).toMatchObject([{ name: "xobs.test" }]);
});

it("ends within the data of the last record", async () => {
  bench = await DnsBench.with({ type: "dns_garble", mode: "cut" });
  const reply = await bench.raw("jobs.test");
  // 12 of the header, 15 of the question, three records of 16, the last of which has lost two of its four.
  expect(reply).toHaveLength(12 + 15 + 3 * 16 - 2);
  expect(reply.readUInt16BE(6)).toBe(3);
});

it("answers noise behind a right head, the same for the same seed", async () => {
  bench = await DnsBench.with({ type: "dns_garble", mode: "random" });
  const first = await bench.raw("jobs.test", "A", { id: 258 });
  await bench.close();
  bench = await DnsBench.with({ type: "dns_garble", mode: "random" });
  const again = await bench.raw("jobs.test", "A", { id: 258 });
  expect(again.equals(first)).toBe(true);
  expect(first.readUInt16BE(0)).toBe(258);
  expect(first.readUInt16BE(2) & 0x8000).toBe(0x8000);
  expect((await bench.raw("jobs.test", "A", { id: 258 })).equals(first)).toBe(false);
});

it("keeps the frame right over TCP", async () => {
  bench = await DnsBench.with({ type: "dns_garble", mode: "cut" });
  const tcp = bench.tcp();
  await tcp.ask("jobs.test");
  expect(await tcp.ask("text.test", "TXT")).toHaveLength(12 + 15 + 12 + 3);
});
