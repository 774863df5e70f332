/** Pieces of one chunk leave in one write, and nothing changes places. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Run } from "../../../src/proxy/http/run.js";

function run(): { written: Buffer[]; run: Run } {
  const written: Buffer[] = [];
  return { written, run: new Run((bytes) => written.push(bytes)) };
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

  it("writes what is not of the chunk where it stands", () => {
    const { written, run: joined } = run();
    const chunk = Buffer.from("abcdef");
    joined.begin(chunk);
    joined.add(chunk.subarray(0, 2));
    joined.add(Buffer.from("X"));
    joined.add(chunk.subarray(4));
    joined.done();
    joined.add(Buffer.from("Y"));
    expect(written.map(String)).toEqual(["ab", "X", "ef", "Y"]);
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
