/** The payload of a message as a whole: gone, another one, or JSON that is none. The framing stays correct. */
import { z } from "zod";
import type { Random } from "../../../core/random.js";
import { formatSize } from "../../../core/units.js";
import {
  defineFault,
  pass,
  type BodyChange,
  type BodyInfo,
  type ExchangeFault,
  type ExchangeInfo,
  type ExchangeVerdict,
  type RequestParts,
  type Scope,
} from "../../contract/index.js";
import { failed, fieldOf, withoutField } from "../../messages.js";
import { choice, size, text } from "../../params.js";

/** Bodies are kept whole for this, so there is an end to it. */
const WHOLE_MAX = 64 * 2 ** 20;

const params = z.object({
  mode: choice(["empty", "replace", "garble_json", "cut_json", "inflate"]).describe(
    "empty leaves no byte; replace puts `with` there; garble_json spoils a character so that it parses no more; cut_json leaves off the end; inflate pads it with spaces, which JSON allows. All but empty have the client's Accept-Encoding taken out, so that responses come plain",
  ),
  with: text().optional().describe("with replace: the new payload; the Content-Type stays as it was"),
  size: size({ positive: true, max: WHOLE_MAX })
    .optional()
    .describe("with inflate: how large the payload becomes; what is larger stays as it is"),
  limit: size({ max: WHOLE_MAX })
    .prefault("1MiB")
    .describe("a larger payload passes unchanged: it must be kept whole"),
});
type Params = z.infer<typeof params>;
type Effect = "changed" | "too_large" | "endless" | "encoded" | "not_json";

class HttpBody implements ExchangeFault {
  #encoding: string | undefined;

  constructor(
    private readonly scope: Scope<Params, Effect, undefined>,
    private readonly exchange: ExchangeInfo,
  ) {}

  rewriteRequest(head: RequestParts): RequestParts {
    if (this.scope.params.mode === "empty" || !this.scope.acts("downstream")) return head;
    if (fieldOf(head.fields, "accept-encoding") === undefined) return head;
    return { ...head, fields: withoutField(head.fields, "accept-encoding") };
  }

  response(answer: Parameters<NonNullable<ExchangeFault["response"]>>[0]): ExchangeVerdict {
    if (!failed(answer)) this.#encoding = answer.header("content-encoding");
    return pass;
  }

  body({ direction, mediaType }: BodyInfo): BodyChange | null {
    if (!this.scope.acts(direction)) return null;
    const { mode, limit } = this.scope.params;
    if (mode === "empty")
      return {
        do: "cut",
        after: 0,
        framing: "honest",
        cut: () => {
          this.#changed({ bytes: 0 });
        },
      };
    const encoding =
      direction === "upstream" ? this.exchange.request.header("content-encoding") : this.#encoding;
    if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
      this.scope.count("encoded");
      return null;
    }
    if ((mode === "garble_json" || mode === "cut_json") && !isJson(mediaType)) {
      this.scope.count("not_json");
      return null;
    }
    if (mediaType === EVENTS) {
      this.scope.count("endless");
      return null;
    }
    return {
      do: "whole",
      limit,
      change: (body) => this.#change(body),
      tooLarge: () => {
        this.scope.count("too_large");
      },
      late: () => {
        this.scope.count("endless");
      },
    };
  }

  headLength({ direction, length, mediaType }: BodyInfo): number | null {
    const { mode, with: other = "", size: wanted = 0, limit } = this.scope.params;
    const encoded = this.#encoding !== undefined && this.#encoding.toLowerCase() !== "identity";
    const json = mode === "garble_json" || mode === "cut_json";
    if (!this.scope.acts(direction) || length === 0) return length;
    if (mode !== "empty" && (encoded || (length ?? 0) > limit || (json && !isJson(mediaType)))) return length;
    const said =
      mode === "empty"
        ? length === null
          ? null
          : 0
        : mode === "replace"
          ? Buffer.byteLength(other)
          : mode === "inflate" && length !== null
            ? Math.max(length, wanted)
            : mode === "garble_json"
              ? length
              : null;
    if (said !== length) this.#changed({ bytes: said ?? 0, of: length ?? 0 });
    return said;
  }

  #change(body: Buffer): Buffer {
    const { mode, with: other = "", size: wanted = 0 } = this.scope.params;
    const changed =
      mode === "replace"
        ? Buffer.from(other)
        : mode === "inflate"
          ? Buffer.concat([body, Buffer.alloc(Math.max(0, wanted - body.length), " ")])
          : mode === "garble_json"
            ? garbled(body, this.scope.random)
            : cutOff(body, this.scope.random);
    if (!changed.equals(body)) this.#changed({ bytes: changed.length, of: body.length });
    return changed;
  }

  #changed(detail: { readonly bytes: number; readonly of?: number }): void {
    this.scope.count("changed", 1, { mode: this.scope.params.mode, ...detail });
  }
}

function isJson(mediaType: string): boolean {
  return /[/+]json$/u.test(mediaType);
}

/** It lasts for as long as somebody listens. */
const EVENTS = "text/event-stream";

/** What gives JSON its shape. */
const SHAPING: ReadonlySet<number> = new Set(Buffer.from('{}[]:,"'));
/** How often a drawn place may turn out to be within a string before the first one of all is taken. */
const TRIES = 8;

/** Spoils one of the characters that give JSON its shape, drawn evenly from those that do. */
function garbled(body: Buffer, random: Random): Buffer {
  const places: number[] = [];
  for (const [at, byte] of body.entries()) if (SHAPING.has(byte)) places.push(at);
  const [first] = places;
  if (first === undefined) return Buffer.concat([Buffer.from("#"), body]);
  for (let tries = 0; tries < TRIES; tries++) {
    const spoilt = spoiltAt(body, places[random.integer(places.length)] ?? first);
    if (!parses(spoilt)) return spoilt;
  }
  return spoiltAt(body, first);
}

function spoiltAt(body: Buffer, at: number): Buffer {
  const spoilt = Buffer.from(body);
  spoilt[at] = "#".charCodeAt(0);
  return spoilt;
}

/** A drawn part from the beginning. What is no object or list may still be right when it is cut, so nothing is left of that. */
function cutOff(body: Buffer, random: Random): Buffer {
  const whole = body.toString("latin1").trimEnd().length;
  const kept = body.subarray(0, whole < 2 ? 0 : 1 + random.integer(whole - 1));
  return parses(kept) ? Buffer.alloc(0) : kept;
}

function parses(body: Buffer): boolean {
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    return false;
  }
}

const MODES: Readonly<Record<Params["mode"], (params: Readonly<Params>) => string>> = {
  empty: () => "takes the whole payload away",
  replace: ({ with: other = "" }) =>
    `replaces the payload by ${formatSize(Buffer.byteLength(other))} of other text`,
  garble_json: () => "spoils JSON so that it parses no more",
  cut_json: () => "leaves off the end of JSON",
  inflate: ({ size: wanted = 0 }) => `pads the payload to ${formatSize(wanted)}`,
};

export default defineFault({
  type: "http_body",
  summary: "Changes the payload of responses or requests as a whole, in well-formed messages.",
  params,
  example: { type: "http_body", mode: "garble_json" },
  effects: {
    changed: "bodies changed",
    too_large: "bodies left alone since they were too large to be kept",
    endless:
      "bodies left alone since they had not come to their end in 5 s, or never do, as text/event-stream",
    encoded: "bodies left alone since they were compressed all the same",
    not_json: "bodies left alone since they were not labelled as JSON",
  },
  spares: ["too_large", "endless", "encoded", "not_json"],
  directions: "downstream",
  explain: (current) => MODES[current.mode](current),
  check: ({ params: { mode, with: other, size: wanted } }) => {
    if (mode === "replace" && other === undefined)
      return { path: "with", message: "is required by mode replace" };
    if (mode === "inflate" && wanted === undefined)
      return { path: "size", message: "is required by mode inflate" };
    if (mode !== "replace" && other !== undefined)
      return { path: "with", message: `means something in mode replace only, and the mode is ${mode}` };
    if (mode !== "inflate" && wanted !== undefined)
      return { path: "size", message: `means something in mode inflate only, and the mode is ${mode}` };
    return undefined;
  },
  exchange: (scope, exchange) => new HttpBody(scope, exchange),
});
