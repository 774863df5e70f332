/** Spoils the bytes of DNS replies: of the wrong question, or cut short, or noise. */
import { z } from "zod";
import { defineFault, type QueryFault, type Scope } from "../../contract/index.js";
import { lastAnswer, questionEnd } from "../../dns.js";
import { choice } from "../../params.js";

const MODES = ["wrong_id", "wrong_question", "random", "cut"] as const;

const params = z.object({
  mode: choice(MODES)
    .default("wrong_id")
    .describe(
      "wrong_id answers another question's number; wrong_question another name; random is noise behind a right head; cut ends within the data of the last record",
    ),
});
type Params = z.infer<typeof params>;

/** Bytes that are left alone by `random`: the id and the flags, so that clients take it for the answer. */
const HEAD_BYTES = 4;
const HEADER_BYTES = 12;

class DnsGarble implements QueryFault {
  constructor(private readonly scope: Scope<Params, Params["mode"], undefined>) {}

  garble(message: Buffer): Buffer {
    const { mode } = this.scope.params;
    this.scope.count(mode);
    if (mode === "cut") return cutShort(message);
    const copy = Buffer.from(message);
    if (mode === "wrong_id") copy.writeUInt16BE((copy.readUInt16BE(0) + 1) & 0xffff, 0);
    else if (mode === "wrong_question") askedOtherwise(copy);
    else for (let at = HEAD_BYTES; at < copy.length; at++) copy[at] = this.scope.random.integer(256);
    return copy;
  }
}

/** Of an answer without records nothing is left but its header. */
function cutShort(message: Buffer): Buffer {
  const data = lastAnswer(message);
  const end = data === null ? HEADER_BYTES : data.start + Math.floor((data.end - data.start) / 2);
  return Buffer.from(message.subarray(0, end));
}

/** Another letter in its name, or another type of the root. */
function askedOtherwise(message: Buffer): void {
  const end = questionEnd(message);
  if (end <= HEADER_BYTES || message.length <= HEADER_BYTES) return;
  const at = (message[HEADER_BYTES] ?? 0) > 0 ? HEADER_BYTES + 1 : end - 3;
  const byte = message[at] ?? 0;
  message[at] = (byte | 0x20) === 0x78 ? 0x79 : 0x78;
}

export default defineFault({
  type: "dns_garble",
  summary:
    "Spoils the bytes of DNS replies: a wrong id, a wrong question, noise, or an end in the middle of a record.",
  params,
  example: { type: "dns_garble", mode: "wrong_id" },
  effects: {
    wrong_id: "replies under another id",
    wrong_question: "replies to another name",
    random: "replies of noise",
    cut: "replies cut short",
  },
  directions: null,
  explain: ({ mode }) =>
    ({
      wrong_id: "answers under a wrong id",
      wrong_question: "answers another question",
      random: "answers noise",
      cut: "cuts answers short within their last record",
    })[mode],
  query: (scope) => new DnsGarble(scope),
});
