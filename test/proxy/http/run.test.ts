/** Pieces of one chunk leave in one write, and nothing changes places. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Run } from "../../../src/proxy/http/run.js";

function run(): { written: Buffer[]; writes: number[]; run: Run } {
  const written: Buffer[] = [];
  const writes: number[] = [];
  const target = {
    data: (bytes: Buffer) => {
      written.push(bytes);
      writes.push(1);
    },
    together: (pieces: readonly Buffer[]) => {
      written.push(...pieces);
      writes.push(pieces.length);
    },
  };
  return { written, writes, run: new Run(() => target) };
}

describe("a run", () => {
  it("writes a chunk that was passed on whole as that very chunk", () => {
    const { written, run: joined } = run();
    const chunk = Buffer.from("headbody");
    joined.begin(chunk);
    joined.add(chunk.subarray(0, 4));
    joined.add(chunk.subarray(4));
    joined.done();
    expect(written).toHaveLength(1);
    expect(written[0]).toBe(chunk);
  });

  it("writes what is not of the chunk where it stands, in the same write", () => {
    const { written, run: joined } = run();
    const chunk = Buffer.from("abcdef");
    joined.begin(chunk);
    joined.add(chunk.subarray(0, 2));
    joined.add(Buffer.from("X"));
    joined.add(chunk.subarray(4));
    joined.done();
    joined.add(Buffer.from("Y"));
    expect(written.map(String)).toEqual(["abXef", "Y"]);
  });

  it("hands on what is too much to copy piece by piece, to be written at once", () => {
    const { written, writes, run: joined } = run();
    const chunk = Buffer.alloc(65_536, "b");
    joined.begin(chunk);
    joined.add(Buffer.from("head"));
    joined.add(chunk.subarray(100));
    joined.done();
    expect(written.map(({ length }) => length)).toEqual([4, 65_436]);
    expect(writes).toEqual([2]);
  });

  it("keeps what comes between opening and closing, however deep, and lets it go when it is asked for", () => {
    const { written, run: joined } = run();
    joined.open();
    joined.add(Buffer.from("a"));
    joined.open();
    joined.add(Buffer.from("b"));
    joined.close();
    expect(written).toEqual([]);
    joined.flush();
    expect(written.map(String)).toEqual(["ab"]);
    joined.add(Buffer.from("c"));
    joined.close();
    expect(written.map(String)).toEqual(["ab", "c"]);
  });

  it("keeps what was said before a chunk was read, in front of it", () => {
    const { written, run: joined } = run();
    const chunk = Buffer.from("body");
    joined.open();
    joined.add(Buffer.from("head "));
    joined.begin(chunk);
    joined.add(chunk);
    joined.done();
    joined.close();
    expect(written.map(String)).toEqual(["head body"]);
  });

  it("keeps the order of whatever pieces come, and joins neighbours", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ own: fc.boolean(), length: fc.nat(5), skip: fc.nat(2) }), { maxLength: 20 }),
        (pieces) => {
          const { written, run: joined } = run();
          const chunk = Buffer.from(Array.from({ length: 200 }, (_, at) => at));
          let at = 0;
          const expected: number[] = [];
          joined.begin(chunk);
          for (const { own, length, skip } of pieces) {
            const piece = own ? chunk.subarray(at + skip, at + skip + length) : Buffer.alloc(length, 255);
            if (own) at += skip + length;
            expected.push(...piece);
            joined.add(piece);
          }
          joined.done();
          expect([...Buffer.concat(written)]).toEqual(expected);
        },
      ),
    );
  });
});
