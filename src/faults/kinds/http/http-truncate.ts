/** Cuts the payload of a message: short of its length, honestly, or without an end. */
import { z } from "zod";
import { formatRatio, formatSize } from "../../../core/units.js";
import {
  defineFault,
  type BodyChange,
  type BodyInfo,
  type ExchangeFault,
  type Scope,
} from "../../contract/index.js";
import { choice, ratio, size } from "../../params.js";

const params = z.object({
  after: size().optional().describe("bytes of payload that get through; this or `share`"),
  share: ratio()
    .optional()
    .describe("share of the payload that gets through; needs a message that says its length"),
  framing: choice(["short", "honest", "unterminated"])
    .default("short")
    .describe(
      "short says the whole length and closes early; honest is well-formed and merely incomplete; unterminated is chunked and closes without the last chunk. A chunked body that is cut short is unterminated",
    ),
});

class HttpTruncate implements ExchangeFault {
  constructor(
    private readonly scope: Scope<z.infer<typeof params>, "truncated" | "unknown_length", undefined>,
  ) {}

  body({ direction, length }: BodyInfo): BodyChange | null {
    if (!this.scope.acts(direction)) return null;
    const { after, framing } = this.scope.params;
    if (after === undefined && length === null) {
      this.scope.count("unknown_length");
      return null;
    }
    const bytes = this.#bytes(length);
    if (length !== null && bytes >= length) return null;
    return {
      do: "cut",
      after: bytes,
      framing,
      cut: (at) => {
        this.scope.count("truncated", 1, { at_byte: at, ...(length === null ? {} : { length }) });
      },
    };
  }

  /** A length that is said and not kept is said of HEAD as well. */
  headLength({ direction, length }: BodyInfo): number | null {
    const { framing } = this.scope.params;
    if (!this.scope.acts(direction) || framing !== "honest" || length === null) return length;
    const bytes = Math.min(length, this.#bytes(length));
    if (bytes < length) this.scope.count("truncated", 1, { at_byte: bytes, length });
    return bytes;
  }

  #bytes(length: number | null): number {
    const { after, share = 0 } = this.scope.params;
    return after ?? Math.floor((length ?? 0) * share);
  }
}

const FRAMINGS = {
  short: "and closes, short of the length that was said",
  honest: "and ends the message there, well-formed",
  unterminated: "and closes without ending the message",
} as const;

export default defineFault({
  type: "http_truncate",
  summary: "Cuts the payload of responses or requests, with framing that shows it or hides it.",
  params,
  example: { type: "http_truncate", share: "50%", framing: "honest" },
  effects: {
    truncated: "bodies cut short",
    unknown_length: "bodies left whole since there is no share of an unknown length",
  },
  spares: ["unknown_length"],
  directions: "downstream",
  explain: ({ after, share = 0, framing }) =>
    `lets ${after === undefined ? formatRatio(share) : formatSize(after)} of the body through ${FRAMINGS[framing]}`,
  check: ({ params: { after, share } }) =>
    after === undefined && share === undefined
      ? { path: "after", message: "is required, or else share: where to cut" }
      : after !== undefined && share !== undefined
        ? { path: "share", message: "must not be given besides after: one of them says where to cut" }
        : undefined,
  exchange: (scope) => new HttpTruncate(scope),
});
