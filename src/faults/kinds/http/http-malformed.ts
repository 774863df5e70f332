/** What a broken server sends in place of an answer: bytes that no client should understand, and then a FIN. */
import { z } from "zod";
import type { Random } from "../../../core/random.js";
import {
  defineFault,
  pass,
  type Detail,
  type ExchangeFault,
  type ExchangeVerdict,
  type RawAnswer,
  type Scope,
} from "../../contract/index.js";
import { failed } from "../../messages.js";
import { choice } from "../../params.js";

const MODES = ["status_line", "header", "chunk", "length", "garbage", "empty"] as const;
type Mode = (typeof MODES)[number];

const params = z.object({
  mode: choice(MODES).describe(
    "what is wrong: a status line without a number, a line in the head that is no field, a chunk whose size is no number, a Content-Length that is none, 256 random bytes, or not one byte before the FIN",
  ),
});

const GARBAGE_BYTES = 256;

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

const BYTES: Readonly<Record<Mode, (random: Random) => Buffer>> = {
  status_line: () =>
    latin1("HTTP/1.1 OK fine\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"),
  header: () =>
    latin1(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nthis is \0 no field\r\ncontent-length: 2\r\n\r\n{}",
    ),
  chunk: () =>
    latin1(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    ),
  length: () => latin1("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: two\r\n\r\n{}"),
  garbage: (random) => {
    const bytes = Buffer.alloc(GARBAGE_BYTES);
    for (let at = 0; at < bytes.length; at++) bytes[at] = random.integer(256);
    // No client takes this for the beginning of an answer, whatever was drawn behind it.
    bytes[0] = 0;
    return bytes;
  },
  empty: () => Buffer.alloc(0),
};

class HttpMalformed implements ExchangeFault {
  #answer: RawAnswer | null = null;

  constructor(private readonly scope: Scope<z.infer<typeof params>, "malformed", undefined>) {}

  request(): ExchangeVerdict {
    return this.scope.at === "before" ? this.#malformed({}) : pass;
  }

  response(answer: Parameters<NonNullable<ExchangeFault["response"]>>[0]): ExchangeVerdict {
    if (this.scope.at === "before" || failed(answer)) return pass;
    return this.#malformed({ true_status: answer.status });
  }

  #malformed(detail: Detail): RawAnswer {
    if (this.#answer === null) {
      const { mode } = this.scope.params;
      this.scope.count("malformed", 1, { mode, ...detail });
      this.#answer = { do: "raw", bytes: BYTES[mode](this.scope.random) };
    }
    return this.#answer;
  }
}

const SENT: Readonly<Record<Mode, string>> = {
  status_line: "a status line without a status",
  header: "a head with a line that is no field",
  chunk: "a chunk whose size is no number",
  length: "a Content-Length that is no number",
  garbage: "random bytes",
  empty: "not one byte",
};

export default defineFault({
  type: "http_malformed",
  summary: "Sends what a broken server sends, in place of a response, and closes.",
  params,
  example: { type: "http_malformed", mode: "garbage" },
  effects: { malformed: "exchanges that got bytes in place of a response" },
  directions: null,
  at: ["after", "before"],
  explain: ({ mode }) => `sends ${SENT[mode]} in place of a response, and closes`,
  exchange: (scope) => new HttpMalformed(scope),
});
