/** An answer that the upstream did not give, in the words of a balancer if wanted. */
import { z } from "zod";
import { mayHaveContent } from "../../../core/message-rules.js";
import { formatDuration } from "../../../core/units.js";
import {
  defineFault,
  pass,
  type Answer,
  type Detail,
  type ExchangeFault,
  type ExchangeVerdict,
  type Scope,
} from "../../contract/index.js";
import { FRAMING_FIELDS, failed, fieldOf, withField } from "../../messages.js";
import { choice, duration, fieldMap, statusCode, text } from "../../params.js";
import { PERSONAS, personaAnswer } from "../../personas.js";

const params = z.object({
  status: statusCode().describe("the status of the response, 200 to 599"),
  persona: choice(PERSONAS)
    .default("plain")
    .describe("whose status line, fields and text it has; a balancer's are HTML or plain text, never JSON"),
  body: text().optional().describe("the body in place of the persona's; JSON is labelled as JSON"),
  headers: fieldMap().optional().describe("fields that are added, or that replace the persona's"),
  retry_after: duration().optional().describe("a Retry-After, in whole seconds, rounded up"),
});
type Params = z.infer<typeof params>;
type StatusScope = Scope<Params, "answered", undefined>;

class HttpStatus implements ExchangeFault {
  #answer: Answer | null = null;

  constructor(private readonly scope: StatusScope) {}

  request(): ExchangeVerdict {
    return this.scope.at === "after" ? pass : this.#answered({});
  }

  /** Without an answer there is nothing to hide: the failure speaks for itself. */
  response(answer: Parameters<NonNullable<ExchangeFault["response"]>>[0]): ExchangeVerdict {
    if (this.scope.at !== "after" || failed(answer)) return pass;
    return this.#answered({ true_status: answer.status });
  }

  #answered(detail: Detail): Answer {
    if (this.#answer === null) {
      this.scope.count("answered", 1, { status: this.scope.params.status, ...detail });
      this.#answer = answerOf(this.scope.params, this.scope.wallTime());
    }
    return this.#answer;
  }
}

function answerOf(
  { persona, status, body, headers = {}, retry_after }: Readonly<Params>,
  now: number,
): Answer {
  const spoken = personaAnswer(persona, status, { now, retryAfter: retry_after });
  let { fields } = spoken.head;
  if (body !== undefined && mayHaveContent(status)) {
    const typeName = fields.find(([name]) => /^content-type$/iu.test(name))?.[0] ?? "content-type";
    fields = withField(fields, typeName, mediaTypeOf(body));
    const lengthName = fields.find(([name]) => /^content-length$/iu.test(name))?.[0] ?? "content-length";
    fields = withField(fields, lengthName, String(Buffer.byteLength(body)));
  }
  for (const [name, value] of Object.entries(headers)) fields = withField(fields, name, value);
  return {
    ...spoken,
    head: { ...spoken.head, fields },
    body: body === undefined ? spoken.body : Buffer.from(body),
  };
}

function mediaTypeOf(body: string): string {
  if (/^\s*[[{]/u.test(body)) return "application/json";
  return /^\s*</u.test(body) ? "text/html; charset=utf-8" : "text/plain; charset=utf-8";
}

export default defineFault({
  type: "http_status",
  summary:
    "Responds with a status of its own, before the request is forwarded or after the upstream did the work.",
  params,
  example: { type: "http_status", status: 503, persona: "nginx", retry_after: "2s" },
  effects: { answered: "exchanges that got this response in place of the upstream's" },
  directions: null,
  at: ["before", "after"],
  explain: ({ status, persona, retry_after }) =>
    `responds with ${status}${persona === "plain" ? "" : ` as ${persona} does`}` +
    (retry_after === undefined ? "" : `, to be tried again after ${formatDuration(retry_after)}`),
  check: ({ params: { status, body, headers = {}, retry_after } }) => {
    if (body !== undefined && body !== "" && !mayHaveContent(status))
      return { path: "body", message: `must be empty: a response of status ${status} has no body` };
    const framing = Object.keys(headers).find((name) => FRAMING_FIELDS.has(name.toLowerCase()));
    if (framing !== undefined)
      return {
        path: "headers",
        message: `must not have ${framing}: how a message is framed is not for a fault to say`,
      };
    if (retry_after !== undefined && fieldOf(Object.entries(headers), "retry-after") !== undefined)
      return { path: "retry_after", message: "must not be given twice: headers have a Retry-After already" };
    return undefined;
  },
  exchange: (scope) => new HttpStatus(scope),
});
