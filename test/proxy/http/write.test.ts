/** What the codec writes, it reads as it was meant. */
import { describe, expect, it } from "vitest";
import { chunkLine, chunkOf, CRLF, LAST_CHUNK } from "../../../src/proxy/http/chunked.js";
import { writeLastChunk, writeRequestHead, writeResponseHead } from "../../../src/proxy/http/write.js";
import { bytes, read } from "./transcript.js";

describe("heads out of parts", () => {
  it("are written field by field, as they are given", () => {
    expect(
      writeResponseHead({
        status: 503,
        reason: "Service Unavailable",
        fields: [
          ["Retry-After", "1"],
          ["x-a", ""],
          ["x-a", "\xe9"],
        ],
      }).toString("latin1"),
    ).toBe("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nx-a: \r\nx-a: \xe9\r\n\r\n");
    expect(writeRequestHead({ method: "GET", target: "/", minor: 0, fields: [] }).toString()).toBe(
      "GET / HTTP/1.0\r\n\r\n",
    );
    expect(writeResponseHead({ status: 200, reason: "", minor: 0, fields: [] }).toString()).toBe(
      "HTTP/1.0 200 \r\n\r\n",
    );
  });

  it("cannot be broken out of", () => {
    const request = { method: "GET", target: "/", fields: [] } as const;
    const response = { status: 200, reason: "OK", fields: [] } as const;
    for (const parts of [
      { ...request, method: "" },
      { ...request, method: "G T" },
      { ...request, target: "" },
      { ...request, target: "/ HTTP/1.1" },
      { ...request, fields: [["", "a"]] as const },
      { ...request, fields: [["a:b", "a"]] as const },
      { ...request, fields: [["a", "b\r\nc: d"]] as const },
      { ...request, fields: [["a", "\u{1f600}"]] as const },
    ]) {
      expect(() => writeRequestHead(parts), JSON.stringify(parts)).toThrow();
    }
    for (const parts of [
      { ...response, status: 99 },
      { ...response, status: 200.5 },
      { ...response, status: 1000 },
      { ...response, reason: "a\nb" },
    ]) {
      expect(() => writeResponseHead(parts), JSON.stringify(parts)).toThrow();
    }
  });
});

describe("chunks", () => {
  it("are read as they were written", () => {
    const head = writeResponseHead({ status: 200, reason: "OK", fields: [["Transfer-Encoding", "chunked"]] });
    const payload = bytes("x".repeat(300));
    for (const [end, trailers] of [
      [LAST_CHUNK, []],
      [writeLastChunk([]), []],
      [writeLastChunk([["A", "b"]]), [{ trailers: ["A: b"] }]],
    ] as const) {
      const body = Buffer.concat([chunkLine(300), payload, CRLF, chunkOf(bytes("yz")), end]);
      const { events } = read([head, body], { kind: "response" });
      expect(events[1]).toMatchObject({ payload: `${"x".repeat(300)}yz` });
      expect(events.slice(2)).toEqual([...trailers, { end: "persistent" }, { is: "ended" }]);
    }
  });

  it("are never empty, since that would end the body", () => {
    for (const size of [0, -1, 1.5, NaN, 2 ** 53]) expect(() => chunkLine(size)).toThrow(RangeError);
    expect(() => chunkOf(Buffer.alloc(0))).toThrow(RangeError);
  });
});
