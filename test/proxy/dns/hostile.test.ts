/** Hostile bytes: mutated questions to a proxy, and mutated answers to the forwarder behind it. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { decode, encode } from "dns-packet";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  answers,
  buildReply,
  fitted,
  HEADER_BYTES,
  readQuery,
  UDP_BYTES_MIN,
  type Query,
} from "../../../src/proxy/dns/codec.js";
import { bytesOfName, textOfName } from "../../../src/proxy/dns/names.js";
import { dataBytes, readReply, writeReply } from "../../../src/proxy/dns/reply.js";
import { Zone } from "../../../src/proxy/dns/zone.js";
import { lastAnswer, questionEnd } from "../../../src/faults/dns.js";
import { address, dnsProxy, question, said, UdpClient } from "../../support/dns-lab.js";
import { Lab, turns } from "../../support/lab.js";
import { scaled } from "../../support/scope.js";

const RUNS = scaled(2_000, 20_000);

const SEEDS = [
  question("jobs.test", "A"),
  question("jobs.test", "AAAA", { edns: 1_232 }),
  question("a.b.c.d.e.f.example", "TXT", { edns: 512 }),
  question(".", "NS"),
];
const REPLIES = ["jobs.test", "other.test"].map((name) =>
  encode({
    type: "response",
    id: 7,
    flags: 0x0180,
    questions: [{ name, type: "A" }],
    answers: [
      { name, type: "CNAME", ttl: 5, data: "www.test" },
      { name: "www.test", type: "A", ttl: 5, data: "10.0.0.1" },
      { name: "www.test", type: "TXT", ttl: 5, data: ["a", "b"] },
      { name: "www.test", type: "SRV", ttl: 5, data: { port: 80, target: "x.test", priority: 1, weight: 1 } },
    ],
  }),
);

/** Bytes flipped, cut off, put in or repeated. */
function mutated(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(600),
    how: fc.constantFrom("set", "cut", "insert", "repeat"),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 0xc0, 0xff, 0x3f, 0x40)),
  });
  return fc.tuple(fc.constantFrom(...seeds), fc.array(change, { maxLength: 6 })).map(([seed, changes]) => {
    let bytes = Buffer.from(seed);
    for (const { at, how, byte } of changes) {
      const place = at % (bytes.length + 1);
      if (how === "cut") bytes = bytes.subarray(0, place);
      else if (how === "set" && place < bytes.length) bytes[place] = byte;
      else if (how === "insert")
        bytes = Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), bytes.subarray(place)]);
      else if (how === "repeat") bytes = Buffer.concat([bytes, bytes.subarray(place)]);
    }
    return Buffer.from(bytes);
  });
}

function parsed(bytes: Buffer): Query | null {
  const query = readQuery(bytes);
  return "unreadable" in query ? null : query;
}

it(`reads ${RUNS} mutated questions without a crash, and answers each with its own question or not at all`, () => {
  const zone = new Zone([address("jobs.test", "10.0.0.1"), address("*.example", "10.0.0.2")]);
  fc.assert(
    fc.property(mutated(SEEDS), (bytes) => {
      const query = parsed(bytes);
      if (query === null) return;
      const { records = [] } = zone.answer(query) ?? {};
      const reply = fitted(
        query,
        buildReply(query, { rcode: 0, authoritative: true, truncated: false }, records),
      );
      expect(reply.length).toBeLessThanOrEqual(Math.max(query.udpBytes, query.end + 11));
      expect(query.udpBytes).toBeGreaterThanOrEqual(UDP_BYTES_MIN);
      expect(reply.subarray(HEADER_BYTES, query.end).equals(bytes.subarray(HEADER_BYTES, query.end))).toBe(
        true,
      );
      expect(reply.readUInt16BE(0)).toBe(bytes.readUInt16BE(0));
      expect(answers(query, query.id, reply)).toBe(true);
      expect(() => decode(reply)).not.toThrow();
    }),
    { numRuns: RUNS },
  );
});

it(`takes none of ${RUNS} mutated replies for an answer to another question, and reads them or says that it cannot`, () => {
  const asked = parsed(question("jobs.test", "A"))!;
  fc.assert(
    fc.property(mutated(REPLIES), (bytes) => {
      if (answers(asked, 7, bytes) && bytes.readUInt16BE(4) === 1) {
        const name = textOfName(bytes, HEADER_BYTES);
        expect([name, bytes.readUInt16BE(asked.end - 4)]).toEqual(["jobs.test", 1]);
      }
      const reply = readReply(bytes);
      if (reply !== null) writeReply(asked, reply);
      if (bytes.length >= HEADER_BYTES) {
        expect(questionEnd(bytes)).toBeLessThanOrEqual(bytes.length);
        const last = lastAnswer(bytes);
        if (last !== null) expect(last.end).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: RUNS },
  );
});

it("lives through mutated packets on its port, and answers the next question", async () => {
  const lab = new Lab();
  const proxy = await dnsProxy(lab, { records: [address("jobs.test", "10.0.0.1")] });
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const sample = fc.sample(mutated([...SEEDS, ...REPLIES]), 2_000);
  for (const [n, bytes] of sample.entries()) {
    if (bytes.length > 0) socket.send(bytes, proxy.address.port, "127.0.0.1");
    if (n % 100 === 0) await turns(2);
  }
  await turns();
  const client = await UdpClient.to(lab, proxy);
  expect(said(await client.ask("jobs.test"))).toBe("NOERROR | A 10.0.0.1");
  expect(lab.facts.of("mistake")).toEqual([]);
  socket.close();
  await lab.close();
});

it("answers no answer, or two servers would talk to each other for ever", () => {
  const reply = Buffer.from(REPLIES[0]!);
  expect(readQuery(reply)).toEqual({ unreadable: null });
});

it("writes names as it reads them, whatever bytes they have", () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 6 }), (labels) => {
      const bytes = Buffer.from([...labels.flatMap((one) => [one.length, ...one]), 0]);
      const text = textOfName(bytes, 0);
      const again = bytesOfName(text)!;
      expect(textOfName(again, 0)).toBe(text);
      expect(again).toHaveLength(bytes.length);
    }),
  );
});

it("reads data as text and writes it back", () => {
  const query = parsed(question("jobs.test", "A"))!;
  for (const [type, text] of [
    ["A", "10.0.0.1"],
    ["AAAA", "fd00::1"],
    ["CNAME", "www.test"],
    ["MX", "10 mail.test"],
    ["SRV", "1 2 80 x.test"],
    ["TXT", String.raw`"a b" "\"\255"`],
    ["TYPE65280", String.raw`\# 3 010203`],
    ["CAA", String.raw`\# 8 0005697373756578`],
  ] as const) {
    const message = writeReply(query, {
      rcode: "NOERROR",
      truncated: false,
      answers: [{ name: "jobs.test", type, ttl: 7, data: text }],
    });
    expect(readReply(message)?.answers, type).toEqual([{ name: "jobs.test", type, ttl: 7, data: text }]);
  }
  expect(dataBytes("A", "not an address")).toBeNull();
});
