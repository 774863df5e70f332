/** What is made of a body, in whatever pieces it comes: cut, changed as a whole, or copied. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BodyChange, BodyInfo } from "../../../src/faults/contract/index.js";
import { BodyRewriter, type Reframing } from "../../../src/proxy/http/body.js";
import { chunkOf, LAST_CHUNK } from "../../../src/proxy/http/chunked.js";

type Framing = BodyInfo["framing"];

interface Outcome {
  heads: Reframing[];
  payload: string;
  wire: string;
  cut: boolean;
  notes: string[];
}

/** Plays a body in pieces of these lengths, chunked ones with a chunk for each piece. */
function play(
  text: string,
  framing: Framing,
  lengths: readonly number[],
  changes: (notes: string[]) => BodyChange[],
): Outcome {
  const outcome: Outcome = { heads: [], payload: "", wire: "", cut: false, notes: [] };
  const send = (bytes: Buffer, payload: boolean): void => {
    expect(outcome.heads).toHaveLength(1);
    // Whatever comes behind a cut is lost on the wire.
    if (outcome.cut) return;
    outcome.wire += bytes.toString();
    if (payload) outcome.payload += bytes.toString();
  };
  const info: BodyInfo = {
    direction: "downstream",
    length: framing === "length" ? text.length : null,
    framing,
    mediaType: "",
  };
  const body = new BodyRewriter(info, changes(outcome.notes), {
    head: (reframed) => outcome.heads.push(reframed),
    payload: (bytes) => {
      send(bytes, true);
    },
    framing: (bytes) => {
      send(bytes, false);
    },
    cut: () => {
      outcome.cut = true;
    },
  });
  body.begin();
  let at = 0;
  for (const length of [...lengths, text.length]) {
    const part = Buffer.from(text.slice(at, at + length));
    at += part.length;
    if (part.length === 0) continue;
    const raw = framing === "chunked" ? chunkOf(part) : part;
    const start = framing === "chunked" ? raw.indexOf("\r\n") + 2 : 0;
    body.data(raw, start, start + part.length);
  }
  if (framing === "chunked") body.data(LAST_CHUNK, 0, 0);
  body.end();
  return outcome;
}

const cutAt =
  (after: number, framing: "short" | "honest" | "unterminated") =>
  (notes: string[]): BodyChange[] => [
    {
      do: "cut",
      after,
      framing,
      cut: (at) => {
        notes.push(`cut at ${at}`);
      },
    },
  ];

const whole =
  (limit: number) =>
  (notes: string[]): BodyChange[] => [
    {
      do: "whole",
      limit,
      change: (body) => Buffer.from(body.toString().toUpperCase() + "!"),
      late: () => undefined,
      tooLarge: () => {
        notes.push("too large");
      },
    },
  ];

const bodies = fc.record({
  text: fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 40 }),
  lengths: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 }),
  framing: fc.constantFrom<Framing>("length", "chunked", "close"),
  after: fc.nat(45),
});

describe("a body that is cut", () => {
  it("has exactly so many bytes of payload, and says so once, unless it was shorter", () => {
    const how = fc.constantFrom<"short" | "honest" | "unterminated">("short", "honest", "unterminated");
    fc.assert(
      fc.property(bodies, how, ({ text, lengths, framing, after }, cut) => {
        const outcome = play(text, framing, lengths, cutAt(after, cut));
        expect(outcome.payload).toBe(text.slice(0, after));
        const isCut = text.length > after;
        if (after > 0 || framing === "length")
          expect(outcome.notes).toEqual(isCut ? [`cut at ${after}`] : []);
        // An honest message is well-formed, if only the end of the connection could not have ended it.
        if (isCut) expect(outcome.cut).toBe(cut !== "honest" || framing === "close");
      }),
    );
  });

  it("claims the length that it has if it is honest, and the old one otherwise", () => {
    expect(play("abcdef", "length", [2, 2], cutAt(3, "honest")).heads).toEqual([{ length: 3 }]);
    expect(play("abcdef", "length", [2, 2], cutAt(3, "short")).heads).toEqual([null]);
    expect(play("abc", "length", [], cutAt(3, "honest")).heads).toEqual([null]);
  });

  it("ends in order when chunked and honest, in mid-chunk when short, behind a whole chunk when unterminated", () => {
    expect(play("abcdef", "chunked", [4], cutAt(3, "honest")).wire).toBe("3\r\nabc\r\n0\r\n\r\n");
    expect(play("abcdef", "chunked", [4], cutAt(3, "short")).wire).toBe("4\r\nabc");
    expect(play("abcdef", "chunked", [4], cutAt(3, "unterminated")).wire).toBe("3\r\nabc\r\n");
  });
});

describe("a body that is changed as a whole", () => {
  it("is sent with the length that it has then, whatever framed it before", () => {
    fc.assert(
      fc.property(bodies, ({ text, lengths, framing }) => {
        const outcome = play(text, framing, lengths, whole(100));
        expect(outcome.wire).toBe(`${text.toUpperCase()}!`);
        expect(outcome.heads).toEqual([{ length: text.length + 1 }]);
        expect(outcome.notes).toEqual([]);
      }),
    );
  });

  it("passes as it came if it is longer than may be held, and says so once", () => {
    fc.assert(
      fc.property(bodies, ({ text, lengths, framing }) => {
        const limit = 5;
        fc.pre(text.length > limit);
        const outcome = play(text, framing, lengths, whole(limit));
        const plain = play(text, framing, lengths, () => []);
        expect(outcome.wire).toBe(plain.wire);
        expect(outcome.heads).toEqual([null]);
        expect(outcome.notes).toEqual(["too large"]);
      }),
    );
  });

  it("may be cut then", () => {
    const both = (notes: string[]): BodyChange[] => [...whole(100)(notes), ...cutAt(2, "honest")(notes)];
    const outcome = play("abc", "chunked", [], both);
    expect(outcome).toMatchObject({ wire: "AB", heads: [{ length: 2 }], notes: ["cut at 2"] });
  });
});

describe("a body that is copied", () => {
  const record =
    (limit: number) =>
    (notes: string[]): BodyChange[] => [
      {
        do: "record",
        limit,
        recorded: (body) => {
          notes.push(`recorded ${body.toString()}`);
        },
        lost: () => {
          notes.push("lost");
        },
      },
    ];

  it("passes as it came, and is handed over complete or not at all", () => {
    fc.assert(
      fc.property(bodies, ({ text, lengths, framing }) => {
        const outcome = play(text, framing, lengths, record(20));
        expect(outcome.wire).toBe(play(text, framing, lengths, () => []).wire);
        expect(outcome.notes).toEqual([text.length > 20 ? "lost" : `recorded ${text}`]);
      }),
    );
  });
});
