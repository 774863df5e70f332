/** Whatever arrives: no 5xx, no crash, no hang, and nothing left behind. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { turns } from "../support/lab.js";
import { AdminLab } from "./admin-lab.js";
import { scaled } from "../support/scope.js";

let here: AdminLab;

beforeAll(async () => {
  here = await AdminLab.open({
    hosts: ["squall.internal"],
    limits: { bodyBytes: 2_000, headerBytes: 4_096 },
  });
});

afterAll(async () => {
  await here.close();
});

interface Wire {
  readonly bytes: Buffer;
  /** Nothing is wrong with it as HTTP, so it must be answered. */
  readonly whole: boolean;
  readonly then: "wait" | "fin" | "reset";
}

const oneOf = (...words: string[]): fc.Arbitrary<string> => fc.constantFrom(...words);

const nasty = fc.oneof(
  oneOf(
    "..",
    "%00",
    "%2e%2e%2f",
    "%zz",
    "%",
    "%c0%80",
    "%ff",
    "%F0%9F%92%A9",
    "__proto__",
    "constructor",
    "a".repeat(3_000),
  ),
  oneOf(
    "slow",
    "restart",
    "needs",
    "inline",
    "none",
    "toxics",
    "{name}",
    "*",
    ":",
    ";",
    "//",
    "\\",
    "%5C",
    "%20",
  ),
  fc.string({ maxLength: 20 }).map(encodeURIComponent),
);

const path = fc.oneof(
  oneOf(
    "/",
    "/active",
    "/profiles",
    "/journal",
    "/journal/marks",
    "/status",
    "/reload",
    "/healthz",
    "/readyz",
  ),
  oneOf(
    "/metrics",
    "/openapi.json",
    "/fault-types",
    "/schema/profile.schema.json",
    "/proxies",
    "/version",
    "*",
    "//",
  ),
  nasty.map((name) => `/profiles/${name}`),
  nasty.map((name) => `/active/${name}`),
  fc.array(nasty, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`),
);

const query = fc.oneof(
  { weight: 4, arbitrary: fc.constant("") },
  oneOf(
    "?wait=end",
    "?wait=phase:x",
    "?wait=change&timeout=1s",
    "?limit=1",
    "?since=0&limit=10000",
    "?format=yaml",
  ),
  fc
    .array(
      fc.tuple(
        fc.oneof(oneOf("wait", "timeout", "limit", "since", "bot", "kind", "format", "after"), nasty),
        nasty,
      ),
    )
    .map((pairs) => `?${pairs.map(([key, value]) => `${key}=${value}`).join("&")}`),
  oneOf("?", "??", "?&&", "?=", "?a[]=1&a[b]=2", "?limit", "?limit=1&limit=1"),
);

const json: fc.Arbitrary<string> = fc
  .record(
    {
      profile: fc.oneof(oneOf("slow", "restart", "nope"), fc.jsonValue()),
      faults: fc.oneof(
        fc.array(
          fc.record({
            type: oneOf("latency", "down", "cut", "nope"),
            delay: fc.oneof(oneOf("1ms", "1"), fc.jsonValue()),
          }),
        ),
        fc.jsonValue(),
      ),
      params: fc.oneof(
        fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue(), { maxKeys: 3 }),
        fc.jsonValue(),
      ),
      seed: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
      ttl: fc.oneof(oneOf("1s", "1", "99999999d", "0s"), fc.jsonValue()),
      proxies: fc.oneof(fc.array(oneOf("jobs", "job")), fc.jsonValue()),
      mode: fc.oneof(oneOf("observe", "inject", "x"), fc.jsonValue()),
      activations: fc.jsonValue(),
      text: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  .map((value) => JSON.stringify(value));

const body: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  json,
  fc.json(),
  fc.string({ maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }),
  oneOf(
    "profile=slow&seed=1",
    "profile=slow&params.by=1s",
    "&&&=",
    "a.b.c=1",
    "proxies=,,",
    "%=%",
    "text=x",
    "x".repeat(3_000),
  ),
  oneOf(
    "profile: x\nfaults: []\n",
    "a: &a [*a, *a]",
    "[".repeat(500),
    "{".repeat(500),
    "- ".repeat(500),
    "? : ? :",
    "%YAML 9.9\n---\n",
  ),
);

const header = fc.oneof(
  oneOf(
    "Content-Type: application/x-www-form-urlencoded",
    "Content-Type: text/yaml",
    "Content-Type: ;;charset=,",
    "Accept: */*",
  ),
  oneOf(
    "Accept: text/yaml",
    "Accept: ;q=",
    "Accept: text/html",
    "Content-Encoding: br",
    "Expect: 100-continue",
    "Expect: x",
  ),
  oneOf(
    "Origin: null",
    "Origin: http://localhost",
    "Authorization: Bearer",
    "Last-Event-ID: x-1",
    "Upgrade: h2c",
    "TE: trailers",
  ),
  oneOf(
    "X-Forwarded-Host: evil.example",
    "Cookie: a=b; a=b",
    "If-None-Match: *",
    "Range: bytes=0-1",
    "Connection: Upgrade",
  ),
);

const host = fc.oneof(
  { weight: 20, arbitrary: oneOf("localhost", "127.0.0.1:8474", "squall.internal") },
  { weight: 1, arbitrary: oneOf("evil.example", "", "[::1", "a b", "localhost:99999999") },
);

const method = oneOf("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "PROPFIND", "TRACE");

/** Half of them are calls that there are. */
const target = fc.oneof(
  fc.tuple(method, path),
  oneOf(
    "PUT /active",
    "PUT /active",
    "POST /active",
    "POST /journal/marks",
    "PUT /profiles/x",
    "GET /journal",
  ).map((call): [string, string] => [call.split(" ")[0] ?? "", call.split(" ")[1] ?? ""]),
);

const request = fc
  .record({ target, query, host, headers: fc.array(header, { maxLength: 3 }), body })
  .map((parts): Buffer => {
    const content = Buffer.from(parts.body as string);
    const head = [
      `${parts.target.join(" ")}${parts.query} HTTP/1.1`,
      `Host: ${parts.host}`,
      ...parts.headers,
      `Content-Length: ${content.length}`,
    ];
    return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), content]);
  });

/** Bytes that are changed, put in, left out or cut off. */
const mangled = fc
  .tuple(
    request,
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), oneOf("change", "put in", "leave out", "cut")), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([bytes, edits]) =>
    edits.reduce((now, [where, byte, edit]) => {
      const at = now.length === 0 ? 0 : where % now.length;
      const before = now.subarray(0, at);
      if (edit === "cut") return before;
      const behind = now.subarray(edit === "put in" ? at : at + 1);
      return Buffer.concat(edit === "leave out" ? [before, behind] : [before, Buffer.from([byte]), behind]);
    }, bytes),
  );

const wire: fc.Arbitrary<Wire> = fc.oneof(
  { weight: 3, arbitrary: request.map((bytes): Wire => ({ bytes, whole: true, then: "wait" })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.oneof(mangled, request), fc.constantFrom("fin" as const, "reset" as const))
      .map(([bytes, then]): Wire => ({ bytes, whole: false, then })),
  },
);

/** Sends it, and resolves with what came back once that is an answer or the connection is over. */
function send({ bytes, whole, then }: Wire): Promise<string> {
  return new Promise((resolve) => {
    const socket = here.socket();
    let text = "";
    const done = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on("close", done).on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const answer = text.replace(/^HTTP\/1.1 100 Continue\r\n\r\n/u, "");
      if (whole && answer.includes("\r\n\r\n")) done();
    });
    socket.write(bytes, () => {
      if (then === "fin") socket.end();
      if (then === "reset") socket.resetAndDestroy();
    });
  });
}

const RUNS = scaled(20, 100);

describe("the admin port", () => {
  it(`answers ${20 * RUNS} random and mangled requests without a 5xx, a crash or a hang`, async () => {
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(wire, { minLength: 20, maxLength: 20 }), async (wires) => {
        let waiting = wires.length;
        const answers = wires.map((one) =>
          send(one).finally(() => {
            waiting--;
          }),
        );
        while (waiting > 0) {
          // Long polls and activations come to their ends.
          here.clock.advance(1_000);
          await turns(1);
        }
        for (const [index, answer] of (await Promise.all(answers)).entries()) {
          const status = Number(
            /^(?:HTTP\/1.1 100 Continue\r\n\r\n)?HTTP\/1.1 (\d{3}) /u.exec(answer)?.[1] ?? 0,
          );
          const sent = wires[index]?.bytes.toString("latin1") ?? "";
          if (wires[index]?.whole === true) expect(status, `no answer to ${sent}`).toBeGreaterThan(0);
          expect(status, `${sent} was answered ${answer}`).toBeLessThan(500);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }),
      { numRuns: RUNS },
    );
    // Requests that were only ever refused at the door would prove little.
    for (const status of [200, 400, 403, 404, 405, 422]) expect([...statuses.keys()]).toContain(status);
    expect((await here.get("/healthz")).status).toBe(200);
    await here.call("DELETE", "/active");
    expect(here.telemetry.journal.query({ kind: "mistake" })).toEqual([]);
    expect(here.telemetry.stream.subscribers).toBe(0);
    expect(here.clock.idle).toBe(true);
  });
});
