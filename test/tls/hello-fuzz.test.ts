/**
 * Hellos that nobody sends: none makes the reader throw or read on and on, the answer never depends on how the bytes are cut, and
 * OpenSSL, which answers the same hellos, takes none that is refused and finds no other name in any.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HelloReader, type HelloState } from "../../src/tls/hello.js";
import { scaled } from "../support/scope.js";
import {
  alpn,
  clientHello,
  records,
  serverName,
  supportedVersions,
  vector,
  type Extension,
} from "./client-hello.js";
import { recorded } from "./hellos.js";
import { opensslView } from "./openssl-view.js";

const SEED = 20_261_129;
/** OpenSSL is asked about so many. */
const RUNS = scaled(600, 20_000);

/** Where a hello has its lengths and types: the first bytes, those around the lists, and those of the first extensions. */
const place = fc.oneof(fc.nat(12), fc.integer({ min: 40, max: 140 }), fc.nat(1_600));
const octets = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((bytes) => Buffer.from(bytes));

type Edit = (bytes: Buffer) => Buffer;
const at = (bytes: Buffer, index: number): number => index % Math.max(1, bytes.length);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  // Another value, a value near by, or a bit.
  fc.tuple(place, fc.nat(255)).map(([index, value]): Edit => (bytes) => {
    bytes[at(bytes, index)] = value;
    return bytes;
  }),
  fc.tuple(place, fc.integer({ min: -3, max: 3 })).map(([index, by]): Edit => (bytes) => {
    const where = at(bytes, index);
    bytes[where] = ((bytes[where] ?? 0) + by) & 255;
    return bytes;
  }),
  fc.tuple(place, fc.nat(8)).map(
    ([index, count]): Edit =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(bytes, index)), bytes.subarray(at(bytes, index) + count)]),
  ),
  fc.tuple(place, octets(8)).map(
    ([index, more]): Edit =>
      (bytes) =>
        Buffer.concat([bytes.subarray(0, at(bytes, index)), more, bytes.subarray(at(bytes, index))]),
  ),
  place.map(
    (index): Edit =>
      (bytes) =>
        Buffer.from(bytes.subarray(0, at(bytes, index))),
  ),
);

/** A hello that was recorded, with a few bytes changed on the wire or in the message, which is then cut into records. */
const edited = fc
  .tuple(
    fc.constantFrom(...recorded.map(({ bytes }) => bytes)),
    fc.array(edit, { minLength: 1, maxLength: 3 }),
    fc.option(fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 })),
  )
  .map(([bytes, edits, cuts]) => {
    const change = (what: Buffer): Buffer =>
      edits.reduce<Buffer>((changed, apply) => apply(changed), Buffer.from(what));
    return cuts === null ? change(bytes) : records(change(bytes.subarray(5)), ...cuts);
  });

/** A hello whose lengths are right on the outside, and whose extensions may be anything. */
const NAME = fc.oneof(
  fc.constantFrom("jobs.test", "JOBS.test.", "127.0.0.1", "a\0b", "", "x".repeat(256), "bücher.test"),
  fc.string({ maxLength: 20 }),
);
const extension: fc.Arbitrary<Extension> = fc.oneof(
  NAME.map((name) => serverName(name)),
  fc.tuple(octets(12), fc.nat(2)).map(([data, type]): Extension => [0, vector(2, Buffer.from([type]), data)]),
  fc
    .array(fc.constantFrom("h2", "http/1.1", "\x0a\x0a", ""), { maxLength: 3 })
    .map((names) => alpn(...names)),
  fc
    .array(fc.constantFrom(0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x7f1c, 0x8a8a), { maxLength: 4 })
    .map((versions) => supportedVersions(...versions)),
  fc
    .tuple(fc.constantFrom(0, 5, 16, 35, 43, 0x5a5a, 0xfe0d), octets(10))
    .map(([type, data]): Extension => [type, data]),
);
const built = fc
  .record({
    version: fc.constantFrom(0x0002, 0x0300, 0x0301, 0x0303, 0x0304, 0x0404),
    sessionId: octets(34),
    suites: fc.constantFrom([0xc02b], [0xc02b, 0x1301, 0x00ff], [0x0a0a, 0xc009], []),
    extensions: fc.option(fc.array(extension, { maxLength: 5 })),
    behind: fc.oneof({ weight: 6, arbitrary: fc.constant(Buffer.alloc(0)) }, octets(3)),
  })
  .map((parts) => records(clientHello(parts)));

const anyHello = fc.oneof({ weight: 2, arbitrary: edited }, { weight: 1, arbitrary: built });

function read(bytes: Buffer, sizes: readonly number[]): HelloState {
  const reader = new HelloReader();
  let state: HelloState = { state: "more" };
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    state = reader.push(bytes.subarray(from, from + size));
    from += size;
  }
  if (!reader.bytes.equals(bytes))
    throw new Error("the bytes that were put in are not those that can be put back");
  return state;
}

/** What OpenSSL takes and a reader that keeps to the RFC does not: see the reasons. */
const STRICTER = /comes twice|is empty/u;

/** The rule for names, written another way: what DNS has, in lower case, without the dot at the end. */
function asName(name: string | false | undefined): string | null {
  const [, host = ""] =
    /^((?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63})\.?$/iu.exec(name === false ? "" : (name ?? "")) ?? [];
  return host === "" || host.length > 253 || /^(?:\d{1,3}\.){3}\d{1,3}$/u.test(host)
    ? null
    : host.toLowerCase();
}

describe("mutated hellos", () => {
  it("are each answered, and the same however they are cut", () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(
        anyHello,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        (bytes, sizes) => {
          const state = read(bytes, [bytes.length]);
          expect(read(bytes, sizes)).toEqual(state);
          seen.set(state.state, (seen.get(state.state) ?? 0) + 1);
        },
      ),
      { numRuns: scaled(5_000, 20_000), seed: SEED },
    );
    // All four answers come up often enough to say something.
    for (const state of ["more", "hello", "not_tls", "invalid"])
      expect(seen.get(state)).toBeGreaterThan(scaled(20, 100));
  });

  it("are taken by OpenSSL only where they are taken here, with the same name", async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(anyHello, async (bytes) => {
        const state = read(bytes, [bytes.length]);
        const view = await opensslView(bytes);
        if (view.answers && state.state === "invalid") expect(state.reason).toMatch(STRICTER);
        else if (view.answers) expect(state.state).toBe("hello");
        if (!view.answers || state.state !== "hello") return;
        taken++;
        if (view.name !== undefined) expect(state.hello.sni).toBe(asName(view.name));
        else expect(state.hello.sni).toBeNull();
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(taken).toBeGreaterThan(RUNS / 15);
  });
});
