/** Rewritten heads: what a fault may change, and what frames the message whatever it says. */
import { describe, expect, it } from "vitest";
import type { FieldList } from "../../../src/faults/contract/index.js";
import { withFraming } from "../../../src/proxy/http/heads.js";

const ORIGINAL: FieldList = [
  ["Host", "a"],
  ["Content-LENGTH", "10"],
  ["X-A", "1"],
  ["Connection", "keep-alive"],
];

describe("the fields of a rewritten head", () => {
  it("are the original ones where nothing was changed", () => {
    expect(withFraming(ORIGINAL, ORIGINAL, null)).toBe(ORIGINAL);
  });

  it("keep what frames the message, in its place, whatever a fault made of it", () => {
    const rewritten: FieldList = [
      ["content-length", "999"],
      ["X-A", "2"],
      ["transfer-encoding", "chunked"],
      ["X-B", "3"],
    ];
    expect(withFraming(rewritten, ORIGINAL, null)).toEqual([
      ["Content-LENGTH", "10"],
      ["X-A", "2"],
      ["X-B", "3"],
      ["Connection", "keep-alive"],
    ]);
  });

  it("take another length in the place of the old one, in its spelling", () => {
    expect(withFraming(ORIGINAL, ORIGINAL, { length: 4 })).toEqual([
      ["Host", "a"],
      ["Content-LENGTH", "4"],
      ["X-A", "1"],
      ["Connection", "keep-alive"],
    ]);
  });

  it("have a length instead of chunks, once, and no trailers announced", () => {
    const chunked: FieldList = [
      ["Transfer-Encoding", "chunked"],
      ["Trailer", "x-sum"],
      ["X-A", "1"],
    ];
    expect(withFraming(chunked, chunked, { length: 0 })).toEqual([
      ["content-length", "0"],
      ["X-A", "1"],
    ]);
  });

  it("get a length at their end where there was none", () => {
    expect(withFraming([["X-A", "1"]], [["X-A", "1"]], { length: 3 })).toEqual([
      ["X-A", "1"],
      ["content-length", "3"],
    ]);
  });
});
