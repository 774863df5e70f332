/** The codec by transcripts: what each stream of bytes is read as, and that it is read so however it is split. */
import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/proxy/http/codec.js";
import { REFUSALS } from "../../../src/proxy/http/refusal.js";
import { RequestReader } from "../../../src/proxy/http/request-reader.js";
import { askedBy, PLAINLY, ResponseReader } from "../../../src/proxy/http/response-reader.js";
import type { RequestHead } from "../../../src/proxy/http/head.js";
import { REQUESTS, RESPONSES, WRONG } from "./corpus.js";
import { Transcript, bytes, cutAt, read, type Event, type Reading } from "./transcript.js";

/** Events in a line: what a head says, payload instead of raw bytes, and no word about the end of the stream. */
function brief(events: readonly Event[]): string {
  return events
    .flatMap((event) => {
      if ("head" in event) return [event.marks];
      if ("body" in event) return [`body ${event.payload}`];
      if ("trailers" in event) return [`trailers ${event.trailers.join("|")}`];
      if ("end" in event) return [event.end === "closing" ? "end closing" : "end"];
      if ("refused" in event) return [`refused ${event.refused} @${event.at}`];
      if ("foreign" in event) return [`foreign ${event.foreign}`];
      if ("truncated" in event) return [`truncated ${event.truncated}`];
      if ("plain" in event) return [`plain ${event.plain}`];
      if ("blank" in event) return [`blank ${event.blank}`];
      return event.is === "ended" ? [] : [event.is];
    })
    .join("; ");
}

/** Byte by byte and every cut in two: the same events, and all bytes. */
function readsTheSameInAnyPieces(text: string, reading: Reading): void {
  const all = bytes(text);
  const whole = read([all], reading);
  expect(whole.raw).toBe(text);
  const single = read(cutAt(all, [...all.keys()].slice(1)), reading);
  expect(single.events).toEqual(whole.events);
  expect(single.raw).toBe(text);
  for (let at = 1; at < all.length; at += 1) {
    const halves = read(cutAt(all, [at]), reading);
    expect(halves.events, `cut at ${at}`).toEqual(whole.events);
    expect(halves.raw).toBe(text);
  }
}

for (const [kind, examples] of [
  ["requests", REQUESTS],
  ["responses", RESPONSES],
] as const) {
  describe(`the codec reads ${kind} by RFC`, () => {
    for (const { rule, text, reads, ...reading } of examples) {
      it(rule, () => {
        const { events } = read([bytes(text)], reading);
        expect(brief(events)).toBe(reads);
        expect(events.at(-1)).toEqual({ is: "ended" });
        readsTheSameInAnyPieces(text, reading);
      });
    }
  });
}

describe("the codec refuses, at the byte that does it, by RFC", () => {
  for (const { rule, before, after, reason, ...reading } of WRONG) {
    it(`${rule} (${reading.kind})`, () => {
      const { events } = read([bytes(before + after)], reading);
      expect(events.find((event) => "refused" in event)).toEqual({ refused: reason, at: before.length });
      readsTheSameInAnyPieces(before + after, reading);
    });
  }

  it("for every reason that there is", () => {
    const shown = new Set([
      ...WRONG.map(({ reason }) => reason),
      ...[...REQUESTS, ...RESPONSES].flatMap(({ reads }) => /refused (\w+)/u.exec(reads)?.[1] ?? []),
      ...["head_too_large", "too_many_fields", "trailers_too_large", "chunk_line_too_long"],
    ]);
    expect([...shown].sort()).toEqual(Object.keys(REFUSALS).sort());
  });
});

describe("the limits of the codec", () => {
  const limits = {
    ...DEFAULT_LIMITS,
    headBytes: 40,
    headFields: 3,
    trailerBytes: 12,
    trailerFields: 2,
    chunkLineBytes: 6,
  };
  const get = (value: string): string => `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
  const chunked = (body: string): string => `POST / HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n${body}`;
  const roomy = { ...limits, headBytes: 1_000 };
  const cases: readonly (readonly [string, string, string, Reading["limits"]])[] = [
    ["a head of the last size that is taken", get("a".repeat(14)), "none; end", limits],
    ["a head one byte larger", get("a".repeat(15)), "refused head_too_large @40", limits],
    [
      "empty lines count as head",
      `\r\n${get("a".repeat(13))}`,
      "blank 2; refused head_too_large @40",
      limits,
    ],
    ["endless empty lines", "\r\n".repeat(21), "blank 40; refused head_too_large @40", limits],
    ["a head that never ends", "G".repeat(41), "refused head_too_large @40", limits],
    [
      "as many fields as are taken",
      "GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\n\r\n",
      "none, host missing; end",
      limits,
    ],
    [
      "one field more",
      "GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n",
      "refused too_many_fields @28",
      limits,
    ],
    [
      "trailers of the last size",
      chunked("0\r\nA: 34567\r\n\r\n"),
      "chunked, host missing; body ; trailers A: 34567; end",
      roomy,
    ],
    [
      "trailers one byte larger",
      chunked("0\r\nA: 345678\r\n\r\n"),
      "chunked, host missing; body ; refused trailers_too_large @61",
      roomy,
    ],
    [
      "one trailer more",
      chunked("0\r\nA:\r\nB:\r\nC:\r\n\r\n"),
      "chunked, host missing; body ; refused too_many_fields @57",
      roomy,
    ],
    [
      "a chunk line of the last size",
      chunked("1;2345\r\na\r\n0\r\n\r\n"),
      "chunked, host missing; body a; end",
      roomy,
    ],
    [
      "a chunk line one byte longer",
      chunked("1;23456\r\na\r\n"),
      "chunked, host missing; body ; refused chunk_line_too_long @52",
      roomy,
    ],
    [
      "a size of too many zeros",
      chunked("0000001\r\na\r\n"),
      "chunked, host missing; body ; refused chunk_line_too_long @52",
      roomy,
    ],
  ];
  for (const [name, text, reads, within] of cases) {
    it(name, () => {
      const reading: Reading = { kind: "request", ...(within && { limits: within }) };
      const told = brief(read([bytes(text)], reading).events).replace(/; plain [\s\S]*$/u, "");
      expect(told).toBe(reads);
      readsTheSameInAnyPieces(text, reading);
    });
  }
});

describe("a view of a head", () => {
  const text = "GET /a?b HTTP/1.1\r\nhOsT: a\r\nX-A:  one \r\nx-a:\t\r\nX-a: three\r\n\r\n";

  it("answers by name without regard to case, in the order of the wire", () => {
    expect.assertions(9);
    const sink = new Transcript();
    sink.head = (head): void => {
      expect(head.get("HOST")).toBe("a");
      expect(head.get("x-none")).toBeUndefined();
      expect(head.has("x-A")).toBe(true);
      expect(head.all("X-A")).toEqual(["one", "", "three"]);
      expect(head.name(1)).toBe("X-A");
      expect(head.raw.toString("latin1", head.start(1), head.end(1))).toBe("X-A:  one \r\n");
      expect(head.raw.toString("latin1", head.start(3), head.end(3))).toBe("X-a: three\r\n");
      expect(head.indexOf("x-a", 2)).toBe(2);
      expect(head.indexOf("host", 1)).toBe(-1);
    };
    new RequestReader().push(bytes(text), sink);
  });

  it("outlives its chunk when it is kept, and shares its bytes until then", () => {
    const chunk = bytes(text);
    const heads: RequestHead[] = [];
    const sink = new Transcript();
    sink.head = (head): void => void heads.push(head as RequestHead);
    const reader = new RequestReader();
    reader.push(chunk, sink);
    const [head] = heads;
    expect(head?.raw.buffer).toBe(chunk.buffer);
    head?.keep();
    const kept = head?.raw;
    expect(head?.keep().raw).toBe(kept);
    chunk.fill("!");
    expect(head?.method).toBe("GET");
    expect(head?.target).toBe("/a?b");
    expect(head?.all("x-a")).toEqual(["one", "", "three"]);
  });

  it("says what its response must know", () => {
    const asked = (request: string): unknown => {
      let answer: unknown;
      const sink = new Transcript();
      sink.head = (head): void => void (answer = askedBy(head as RequestHead));
      new RequestReader().push(bytes(`${request}\r\n\r\n`), sink);
      return answer;
    };
    expect(asked("GET / HTTP/1.1")).toEqual(PLAINLY);
    expect(asked("HEAD / HTTP/1.1")).toEqual({ ...PLAINLY, head: true });
    expect(asked("CONNECT a:1 HTTP/1.1")).toEqual({ ...PLAINLY, connect: true });
    expect(asked("GET / HTTP/1.1\r\nUpgrade: a\r\nConnection: upgrade")).toEqual({
      ...PLAINLY,
      upgrade: true,
    });
  });
});

describe("bodies", () => {
  it("are handed on as the chunk that they came in, uncopied", () => {
    const reader = new RequestReader();
    const sink = new Transcript();
    const seen: Buffer[] = [];
    sink.body = (raw): void => void seen.push(raw);
    reader.push(bytes("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n"), sink);
    const chunks = [bytes("abc"), bytes("def")];
    for (const chunk of chunks) reader.push(chunk, sink);
    expect(seen[0]).toBe(chunks[0]);
    expect(seen[1]).toBe(chunks[1]);
    expect(reader.bytesHeld).toBe(0);
  });

  it("are held by nobody, while a head is held until it is whole, however small its pieces", () => {
    const reader = new RequestReader();
    const sink = new Transcript();
    const text = `POST / HTTP/1.1\r\nHost: a\r\nX-A: ${"b".repeat(3_000)}\r\nContent-Length: 2\r\n\r\n`;
    for (let at = 0; at < text.length - 1; at += 1) {
      reader.push(bytes(text.charAt(at)), sink);
      expect(reader.bytesHeld).toBe(at + 1);
    }
    reader.push(bytes("\n"), sink);
    expect([reader.bytesHeld, sink.raw]).toEqual([0, text]);
    reader.push(bytes("h"), sink);
    expect(reader.bytesHeld).toBe(0);
  });

  it("come in one piece for each run of payload, with the framing around it", () => {
    const sink = new Transcript();
    const seen: string[] = [];
    sink.body = (raw, start, end): void => {
      const text = raw.toString("latin1");
      seen.push(`${text.slice(0, start)}<${text.slice(start, end)}>${text.slice(end)}`);
    };
    new RequestReader().push(
      bytes("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x\r\nbc\r\n0\r\n\r\n"),
      sink,
    );
    expect(seen).toEqual(["1\r\n<a>\r\n2;x\r\n", "<bc>\r\n0\r\n\r\n"]);
  });
});

describe("a reader that stops", () => {
  const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const UPGRADE = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";

  it("waits behind an Upgrade with what came early, and with the end", () => {
    const reader = new RequestReader();
    const sink = new Transcript();
    reader.push(bytes(`${UPGRADE}ear`), sink);
    expect(reader.awaitsAnswer && reader.stopped).toBe(true);
    reader.push(bytes("ly"), sink);
    reader.end(sink);
    expect(brief(sink.events)).toBe("none, upgrade; end");
    expect(reader.bytesHeld).toBe(5);
    reader.settle(true, sink);
    expect(brief(sink.events)).toBe("none, upgrade; end; upgraded; plain early");
    expect(sink.events.at(-1)).toEqual({ is: "ended" });
    expect([reader.bytesHeld, reader.plain, reader.awaitsAnswer]).toEqual([0, true, false]);
  });

  it("takes an answer that comes before the request is complete, and one from within a callback", () => {
    for (const accepted of [true, false]) {
      const reader = new RequestReader();
      const early = new Transcript();
      early.onHead = (): void => {
        if (!early.events.some((event) => "end" in event)) reader.settle(accepted, early);
      };
      reader.push(bytes(UPGRADE + GET), early);
      const late = new Transcript();
      const second = new RequestReader();
      late.onEnd = (): void => {
        if (second.awaitsAnswer) second.settle(accepted, late);
      };
      second.push(bytes(UPGRADE + GET), late);
      const follows = accepted ? `upgraded; plain ${GET}` : "none; end";
      expect(brief(early.events)).toBe(`none, upgrade; end; ${follows}`);
      expect(late.events).toEqual(early.events);
      expect(second.awaitsAnswer).toBe(false);
    }
  });

  it("pauses between pipelined requests and resumes where it was", () => {
    const reader = new RequestReader();
    const sink = new Transcript();
    sink.onEnd = (): void => {
      reader.pause();
    };
    reader.push(bytes(GET + GET + GET), sink);
    expect(brief(sink.events)).toBe("none; end");
    expect(reader.bytesHeld).toBe(2 * GET.length);
    reader.push(bytes("BAD("), sink);
    reader.end(sink);
    reader.resume(sink);
    expect(brief(sink.events)).toBe("none; end; none; end");
    reader.resume(sink);
    reader.resume(sink);
    expect(brief(sink.events)).toBe(
      `none; end; none; end; none; end; refused bad_request_line @${3 * GET.length + 3}; plain BAD(`,
    );
    expect(sink.events.at(-1)).toEqual({ is: "ended" });
    expect(sink.raw).toBe(`${GET}${GET}${GET}BAD(`);
  });

  it("goes on when it is resumed from within a callback", () => {
    const reader = new RequestReader();
    const sink = new Transcript();
    sink.onEnd = (): void => {
      reader.pause();
      reader.resume(sink);
    };
    reader.push(bytes(GET + GET), sink);
    expect(brief(sink.events)).toBe("none; end; none; end");
  });

  it("stops between a head and its body", () => {
    const reader = new RequestReader();
    const sink = new Transcript();
    sink.onHead = (): void => {
      reader.pause();
    };
    reader.push(bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"), sink);
    expect(brief(sink.events)).toBe("length 2");
    reader.resume(sink);
    expect(brief(sink.events)).toBe("length 2; body hi; end");
  });

  it("will not be pushed without bound", () => {
    const reader = new RequestReader({ ...DEFAULT_LIMITS, heldBytes: 4 });
    const sink = new Transcript();
    reader.pause();
    reader.push(bytes("GET "), sink);
    expect(() => {
      reader.push(bytes("/"), sink);
    }).toThrow("more than it may hold");
  });

  it("takes no answer that nobody asked for, and no bytes after the end or from within a callback", () => {
    const reader = new RequestReader();
    const sink = new Transcript();
    expect(() => {
      reader.settle(true, sink);
    }).toThrow("an answer to no CONNECT");
    sink.onEnd = (): void => {
      reader.push(bytes("x"), sink);
    };
    expect(() => {
      reader.push(bytes(GET), sink);
    }).toThrow("from within a callback");
    const done = new RequestReader();
    done.end(sink);
    expect(() => {
      done.push(bytes("x"), sink);
    }).toThrow("after the end");
    expect(() => {
      done.end(sink);
    }).toThrow("a second end");
  });
});

describe("a reader of responses", () => {
  it("counts the requests that are not answered to the end", () => {
    const reader = new ResponseReader();
    const sink = new Transcript();
    expect([reader.outstanding, reader.idle]).toEqual([0, true]);
    reader.expect(PLAINLY);
    reader.expect({ ...PLAINLY, upgrade: true });
    reader.push(bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh"), sink);
    expect([reader.outstanding, reader.idle]).toEqual([2, false]);
    reader.push(bytes("i"), sink);
    expect([reader.outstanding, reader.idle]).toEqual([1, true]);
    reader.push(bytes("HTTP/1.1 101 Now\r\n\r\n"), sink);
    expect([reader.outstanding, reader.plain]).toEqual([0, true]);
  });
});
