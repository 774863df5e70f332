/**
 * Node's own parser as an oracle: the same streams, mutated and split at random, through both. Wherever they differ,
 * the difference is one of those that docs/decisions/0005-http-codec.md decides.
 *
 * SQUALL_ORACLE_RUNS=200000 looks longer; SQUALL_FUZZ_SEED=n repeats a run (fast-check prints the seed).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PLAINLY } from "../../../src/proxy/http/response-reader.js";
import { REQUESTS, RESPONSES, WRONG } from "./corpus.js";
import { DIFFERENCES, differ, type Readings } from "./differences.js";
import { accountOf, nodeReadsRequests, nodeReadsResponse } from "./node-oracle.js";
import { bytes, cutAt, read } from "./transcript.js";
import { scaled } from "../../support/scope.js";

const RUNS = Number(process.env["SQUALL_ORACLE_RUNS"] ?? scaled(1_000, 5_000));
/** Whoever asks for more of them may wait for them. */
const PATIENCE = process.env["SQUALL_ORACLE_RUNS"] === undefined ? {} : { timeout: 3_600_000 };
const SEED = Number(process.env["SQUALL_FUZZ_SEED"] ?? 20_240_607);

async function readByBoth(
  kind: "request" | "response",
  text: string,
  places: readonly number[],
  asked = PLAINLY,
): Promise<Readings> {
  const pieces = cutAt(
    bytes(text),
    places.map((place) => place % (text.length + 1)),
  ).filter(({ length }) => length > 0);
  const transcript = read(pieces, { kind, asked: [asked], accept: true, end: false });
  const refusal = transcript.events.find((event) => "refused" in event);
  return {
    kind,
    text,
    ours: accountOf(transcript.events),
    at: refusal && "at" in refusal ? refusal.at : -1,
    unread: transcript.events.flatMap((event) => ("plain" in event ? [event.plain] : [])).join(""),
    inHead: read(pieces, { kind, asked: [asked], accept: true }).events.some(
      (event) => "truncated" in event && event.truncated === "head",
    ),
    node: kind === "request" ? await nodeReadsRequests(pieces) : await nodeReadsResponse(pieces, asked),
  };
}

const ALL = [...REQUESTS, ...RESPONSES, ...WRONG.map((one) => ({ ...one, text: one.before + one.after }))];
const TEXTS = {
  request: ALL.filter(({ kind }) => kind === "request").map(({ text }) => text),
  response: ALL.filter(({ kind, asked }) => kind === "response" && asked === undefined).map(
    ({ text }) => text,
  ),
};

const TOKENS = [
  "\r\n",
  "\r",
  "\n",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "0",
  "5",
  "a",
  "\xe9",
  "\x7f",
  "\x0b",
  "-",
  '"',
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Connection: upgrade\r\nUpgrade: x\r\n",
  "Expect: 100-continue\r\n",
  "X-A: b\r\n",
  "HTTP/1.0",
  "HTTP/1.1",
  "HEAD",
  "5\r\nhello\r\n",
  "0\r\n\r\n",
  "hello",
  "GET / HTTP/1.1\r\n\r\n",
  "chunked",
  "keep-alive",
  "204",
  "100",
  "304",
];

/** One mutation: at a place, so many bytes are replaced by a token. */
const mutation = fc.record({
  at: fc.nat(1_000),
  drop: fc.constantFrom(0, 0, 0, 1, 1, 2, 8),
  token: fc.constantFrom("", ...TOKENS),
});

function streamOf(kind: "request" | "response"): fc.Arbitrary<{ text: string; places: number[] }> {
  return fc
    .record({
      parts: fc.array(fc.constantFrom(...TEXTS[kind]), {
        minLength: 1,
        maxLength: kind === "request" ? 3 : 1,
      }),
      mutations: fc.array(mutation, { maxLength: 3 }),
      places: fc.array(fc.nat(400), { maxLength: 5 }),
    })
    .map(({ parts, mutations, places }) => {
      let text = parts.join("");
      for (const { at, drop, token } of mutations) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + token + text.slice(place + drop);
      }
      return { text, places };
    });
}

/** What a reader should know of a case that is not accounted for. */
function account({ text, at, ours, node }: Readings): string {
  return JSON.stringify({ text, at, ours, node }, null, 1);
}

describe("Node's parser and ours", () => {
  for (const kind of ["request", "response"] as const) {
    it(`read the same in ${RUNS} ${kind} streams, but for what is decided otherwise`, PATIENCE, async () => {
      await fc.assert(
        fc.asyncProperty(streamOf(kind), async ({ text, places }) => {
          const readings = await readByBoth(kind, text, places);
          if (!differ(readings) || DIFFERENCES.some(({ holds }) => holds(readings))) return;
          expect.unreachable(account(readings));
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });
  }

  it("read each example of the corpus the same, but for what is decided otherwise", async () => {
    for (const { kind, text, asked = [PLAINLY] } of ALL) {
      if (asked.length !== 1 || asked[0]?.connect === true) continue;
      const readings = await readByBoth(kind, text, [], asked[0]);
      if (!differ(readings) || DIFFERENCES.some(({ holds }) => holds(readings))) continue;
      expect.unreachable(account(readings));
    }
  });
});

/** The parser that the differences were decided against: that of Node 20. Later ones have come round to some of ours. */
const DECIDED_AGAINST = /^9\.3\./u.test(process.versions["llhttp"] ?? "");

describe("where the two differ", () => {
  const decided = readFileSync(
    join(import.meta.dirname, "../../../docs/decisions/0005-http-codec.md"),
    "utf8",
  );
  const names = [...decided.matchAll(/^\| ([^|]+?) +\| (?:we refuse|Node refuses|Node upgrades)/gmu)].map(
    ([, name]) => name,
  );

  it("is decided, each by its name, and the other way round", () => {
    expect([...new Set(names)].sort()).toEqual([...new Set(DIFFERENCES.map(({ name }) => name))].sort());
  });

  for (const { name, kind, shown, cut, holds } of DIFFERENCES) {
    it(`${name} (${kind}: ${JSON.stringify(shown.slice(0, 30))})`, async () => {
      const readings = await readByBoth(kind, shown, cut === undefined ? [] : [cut]);
      if (!DECIDED_AGAINST && !differ(readings)) return;
      expect([differ(readings), holds(readings)], account(readings)).toEqual([true, true]);
    });
  }
});
