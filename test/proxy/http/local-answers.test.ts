/**
 * Every answer that the proxy gives by itself, for each method and status: read by a parser of this file's own, which knows RFC 9112
 * and nothing of the proxy. Behind each the connection either goes on with a right answer or is closed.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PERSONAS } from "../../../src/faults/personas.js";
import { contentLength, endsWithHead, mayHaveContent } from "../../../src/core/message-rules.js";
import type { CompiledFault } from "../../../src/plan/value.js";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";
import { fault, until } from "../../support/lab.js";
import { HttpLab, ok } from "../../support/http-lab.js";
import { sample } from "../../support/scope.js";

let lab: HttpLab;
let proxy: HttpProxy;

beforeAll(async () => {
  lab = new HttpLab();
  const server = await lab.scripted(({ method }) =>
    method === "HEAD" ? ok("").replace("0", "4") : ok("fine"),
  );
  proxy = await lab.http(server.port);
});

afterAll(() => lab.close());

interface Answer {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  readonly content: string;
  readonly rest: string;
}

/** RFC 9112, section 6.3, for a client that asked with this method; null while something is missing. */
function read(text: string, method: string, over: boolean): Answer | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [start = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) [^\r\n]*$/u.exec(start)?.[1]);
  expect(status, start).toBeGreaterThan(0);
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*(.*?)[\t ]*$/u.exec(line) ?? [];
    expect(name, line).not.toBe("");
    expect(fields.has(name.toLowerCase()), `${name} twice`).toBe(false);
    fields.set(name.toLowerCase(), value);
  }
  const after = text.slice(end + 4);
  const answer = (length: number): Answer | null =>
    after.length < length
      ? null
      : { status, fields, content: after.slice(0, length), rest: after.slice(length) };
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return answer(0);
  if (method === "CONNECT" && status < 300) return answer(0);
  const length = fields.get("content-length");
  if (length === undefined) return over ? answer(after.length) : null;
  expect(length).toMatch(/^\d+$/u);
  return answer(Number(length));
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT"];
const STATUSES = [
  200, 201, 202, 203, 204, 205, 206, 226, 300, 301, 303, 304, 307, 400, 401, 403, 404, 408, 410, 413, 417,
  418, 421, 429, 431, 451, 500, 501, 502, 503, 504, 511, 599,
];

async function check(method: string, status: number | null): Promise<void> {
  const about = `${method} ${status ?? ""}`;
  const client = lab.client(proxy);
  const body = method === "POST" || method === "PUT" ? "content-length: 2\r\n\r\nhi" : "\r\n";
  client.write(
    `${method} ${method === "CONNECT" ? "other.test:443" : "/jobs"} HTTP/1.1\r\nhost: jobs.test\r\nauthorization: Bearer x\r\n${body}`,
  );
  let first: Answer | null = null;
  await until(() => (first = read(client.text, method, client.end !== null)) !== null || client.end !== null);
  const answer = first as Answer | null;
  if (answer === null) throw new Error(`${about}: ${JSON.stringify(client.text)}`);
  if (status !== null) expect(answer.status, about).toBe(status);
  const { fields, content, rest } = answer;
  expect(rest, about).toBe("");
  expect(fields.has("transfer-encoding"), about).toBe(false);
  const tunnel = method === "CONNECT" && answer.status >= 200 && answer.status < 300;
  if (answer.status === 204 || tunnel) expect(fields.has("content-length"), about).toBe(false);
  else if (answer.status === 205) expect([fields.get("content-length"), content], about).toEqual(["0", ""]);
  else if (answer.status !== 304) expect(fields.get("content-length"), about).toMatch(/^\d+$/u);
  if (tunnel || fields.get("connection") === "close") {
    // Nothing comes behind it, and the connection goes.
    await until(() => client.end !== null);
    expect(read(client.text, method, true)?.rest, about).toBe("");
    return;
  }
  const from = client.text.length;
  client.write("GET /healthz HTTP/1.1\r\nhost: jobs.test\r\n\r\n");
  await until(() => read(client.text.slice(from), "GET", false) !== null || client.end !== null);
  expect(read(client.text.slice(from), "GET", client.end !== null), about).toMatchObject({
    status: 200,
    content: "fine",
    rest: "",
  });
  client.socket.destroy();
}

const use = (...faults: CompiledFault[]): void => {
  lab.use(faults.map((one) => ({ ...one, except: [{ path: ["/healthz"] }] })));
};

describe("an answer of the proxy's own", () => {
  for (const persona of PERSONAS)
    it.each(["before", "after"])(
      `is well-formed for each method and status, in the words of ${persona}, %s`,
      async (at) => {
        for (const status of sample(STATUSES, 5, undefined, `${persona} ${at}`)) {
          use(fault("http_status", { status, persona, retry_after: "1s" }, { at }));
          // What the upstream has made a tunnel of is not for this test.
          for (const method of METHODS.filter((one) => one !== "CONNECT" || at === "before"))
            await check(method, status);
        }
      },
    );

  it("has the body that was given where there may be one", async () => {
    for (const status of sample(STATUSES.filter(mayHaveContent), 5)) {
      use(fault("http_status", { status, body: '{"error":"later"}', headers: { "x-a": "1" } }));
      for (const method of METHODS) await check(method, status);
    }
  });

  it.each([
    ["rate_limit", { limit: 1, window: "1h" }, 429],
    ["rate_limit", { limit: 1, window: "1h", status: 503 }, 503],
    ["unauthorized", {}, 401],
    ["unauthorized", { status: 403, body: "{}" }, 403],
    ["lost_request", { then: "status" }, 502],
    ["lost_request", { then: "status", status: 504, persona: "alb" }, 504],
    ["lost_response", { then: "status" }, 502],
    ["lost_response", { then: "status", status: 504, persona: "alb" }, 504],
  ] as const)("is well-formed of %s %j", async (type, params, status) => {
    use(fault(type, params));
    if (type === "rate_limit") await check("GET", 200);
    for (const method of METHODS.filter((one) => one !== "CONNECT" || type !== "lost_response"))
      await check(method, status);
  });

  it("says the length to HEAD that it says to GET", async () => {
    for (const status of STATUSES)
      for (const bytes of [0, 24]) {
        expect(contentLength({ method: "HEAD", status }, bytes)).toBe(
          contentLength({ method: "GET", status }, bytes),
        );
        expect(endsWithHead({ method: "HEAD", status })).toBe(true);
      }
  });
});

describe("an answer whose body a fault changes", () => {
  const BODY = '{"jobs":[1,2,3]}';
  it.each([
    ["http_body", { mode: "replace", with: "short" }],
    ["http_body", { mode: "empty" }],
    ["http_body", { mode: "inflate", size: "100B" }],
    ["http_body", { mode: "garble_json" }],
    ["http_body", { mode: "replace", with: "short", limit: "3B" }],
    ["http_truncate", { after: "5B", framing: "honest" }],
    ["http_truncate", { after: "5B", framing: "short" }],
    ["http_truncate", { share: "50%", framing: "honest" }],
  ] as const)("has one length for HEAD and for GET: %s %j", async (type, params) => {
    const here = new HttpLab();
    const server = await here.scripted(({ method }) => {
      const head = ok(BODY, ["Content-Type: application/json"]);
      return method === "HEAD" ? head.slice(0, -BODY.length) : head;
    });
    const at = await here.http(server.port);
    here.use([fault(type, params)]);
    const lengths: (string | undefined)[] = [];
    for (const method of ["GET", "HEAD"]) {
      const client = here.client(at);
      client.write(`${method} / HTTP/1.1\r\nhost: x\r\n\r\n`);
      await until(() => client.text.includes("\r\n\r\n"));
      lengths.push(/^content-length: *(\d+)/imu.exec(client.text)?.[1]);
      client.socket.destroy();
    }
    await here.close();
    expect(lengths[1]).toBe(lengths[0]);
  });

  it("tells HEAD no length where nobody knows the one of GET", async () => {
    const here = new HttpLab();
    const server = await here.scripted(
      () => `HTTP/1.1 200 OK\r\nContent-Length: 16\r\nContent-Type: application/json\r\n\r\n`,
    );
    const at = await here.http(server.port);
    here.use([fault("http_body", { mode: "cut_json" })]);
    const { head } = await here.ask(at, "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(head).not.toMatch(/content-length/iu);
    await here.close();
  });
});
