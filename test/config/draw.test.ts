/** `draw` of a fault: what may stand there, on which types, and beside what. */
import { describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { keyedKind } from "../../src/config/draw.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileProfile } from "../../src/plan/compile.js";
import { explainProfile } from "../../src/plan/explain.js";
import { actsOn } from "../../src/plan/subjects.js";
import type { Seam } from "../../src/faults/contract/index.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { refusalOf, told } from "./broken-text.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

function faultOf(
  text: string,
  params: Record<string, string> = {},
): { readonly fault: CompiledFault; readonly said: string } {
  const library = new Library(TYPES);
  library.put(`profile: x\n${text.startsWith("params") ? "" : "faults:\n  - "}${text}\n`);
  const compiled = compileProfile("x", library, params, TYPES);
  const [one] = compiled.faults;
  if (one === undefined) throw new Error("no fault");
  return { fault: one, said: explainProfile(compiled, TYPES)[0] ?? "" };
}

function problemsOf(fault: string): readonly string[] {
  const library = new Library(TYPES);
  return told(refusalOf(() => library.put(`profile: x\nfaults:\n  - ${fault}\n`)).details, "request");
}

describe("draw", () => {
  it.each([
    [
      "{ type: http_status, status: 503, when: { probability: 1% }, draw: { by: header:Idempotency-Key } }",
      { by: "header:idempotency-key" },
      "On every http proxy, 1% of exchanges (drawn by header idempotency-key): ",
    ],
    [
      "{ type: http_status, status: 503, draw: { by: path, attempt: true } }",
      { by: "path", attempt: true },
      "On every http proxy, all exchanges (drawn by path, each attempt anew): ",
    ],
    [
      "{ type: truncate, after: 1B, draw: { by: body, attempt: false } }",
      { by: "body" },
      "On every http proxy, all exchanges (drawn by body): ",
    ],
    [
      "{ type: latency, delay: 1s, when: { probability: 5%, after: 1s }, draw: { by: body } }",
      { by: "body" },
      "On every http and udp proxy, 5% of exchanges or datagrams (drawn by body): ",
    ],
    [
      "{ type: duplicate, share: 5%, draw: { by: body } }",
      { by: "body" },
      "On every proxy, all datagrams (drawn by body): ",
    ],
    [
      "{ type: dns_drop, draw: { by: name } }",
      { by: "name" },
      "On every dns proxy, all queries (drawn by name): ",
    ],
  ])("is read from %s", (text, draw, said) => {
    const read = faultOf(text);
    expect(read.fault.draw).toEqual(draw);
    expect(read.said).toContain(said);
  });

  it("may hang on a param", () => {
    const text =
      'params: { field: { default: "header:x-id" }, anew: true }\nfaults:\n  - { type: latency, delay: 1s, draw: { by: "${field}", attempt: "${anew}" } }';
    expect(faultOf(text).fault.draw).toEqual({ by: "header:x-id", attempt: true });
    expect(faultOf(text, { field: "path" }).fault.draw).toEqual({ by: "path", attempt: true });
    const without = 'params: { field: }\nfaults:\n  - { type: latency, delay: 1s, draw: { by: "${field}" } }';
    expect(faultOf(without, { field: "path" }).fault.draw).toEqual({ by: "path" });
  });

  it("is no part of a fault that has none, nor where it is left blank", () => {
    expect("draw" in faultOf("{ type: latency, delay: 1s }").fault).toBe(false);
    expect("draw" in faultOf("{ type: latency, delay: 1s, draw: }").fault).toBe(false);
  });

  const unkeyed = "only HTTP exchanges, datagrams and DNS queries have something to draw by, and";
  it.each([
    [
      "{ type: http_status, status: 503, draw: { by: cookie } }",
      "cookie",
      'draw.by: expected header:NAME, path or body, got "cookie"',
    ],
    [
      "{ type: http_status, status: 503, draw: { by: 'header:' } }",
      "'header",
      'draw.by: expected header:NAME, path or body, got "header:"',
    ],
    ["{ type: dns_drop, draw: { by: path } }", "path", 'draw.by: expected name, got "path"'],
    ["{ type: duplicate, share: 5%, draw: { by: path } }", "path", 'draw.by: expected body, got "path"'],
    [
      "{ type: http_status, status: 503, draw: { attempt: true } }",
      "{ att",
      "draw.by: is required: header:NAME, path or body",
    ],
    [
      "{ type: http_status, status: 503, draw: { by: path, key: x } }",
      "key",
      "draw.key: unknown key (known: by, attempt)",
    ],
    ["{ type: http_status, status: 503, draw: path }", "path", 'draw: expected a mapping, got "path"'],
    [
      "{ type: reset, after: 1B, draw: { by: path } }",
      "draw",
      `draw: ${unkeyed} reset decides about none of them; for one exchange: ${TYPES.get("reset")?.perExchange ?? ""}`,
    ],
    [
      "{ type: corrupt, rate: 1%, at: tls, draw: { by: body } }",
      "draw",
      `draw: ${unkeyed} corrupt decides about none of them with \`at: tls\``,
    ],
    [
      "{ type: packet_loss, loss: 1%, draw: { by: body } }",
      "draw",
      `draw: ${unkeyed} packet_loss decides about none of them; for one exchange: ${TYPES.get("packet_loss")?.perExchange ?? ""}`,
    ],
    [
      "{ type: latency, delay: 1s, jitter: 1s, correlation: 20%, draw: { by: path } }",
      "20%",
      "correlation: `correlation` makes a delay resemble the one before it on this daemon, and with `draw` the key alone decides: leave out `correlation`, or `draw`",
    ],
  ])("is refused in %s", (text, at, problem) => {
    expect(problemsOf(text)).toEqual([`3:${5 + text.lastIndexOf(at)} faults[0].${problem}`]);
  });

  it.each(["skip: 1", "every: 2", "count: 3", "only: [1, 2]", "per: bot", "follow: retries", "lasts: 5s"])(
    "is refused beside %s, at the place of that",
    (rule) => {
      const [key, value = ""] = rule.split(": ");
      const text = `{ type: http_status, status: 503, when: { ${rule} }, draw: { by: path } }`;
      expect(problemsOf(text)).toEqual([
        `3:${5 + text.indexOf(value, text.indexOf("when"))} faults[0].when.${key}: \`${key}\` depends on what this daemon has seen before, and with \`draw\` the key alone decides: leave out \`${key}\`, or \`draw\``,
      ]);
    },
  );

  it("is for each type what its subjects have, and for no other", () => {
    const names = (kind: string): string[] =>
      FAULT_TYPES.filter((type) => (keyedKind(type) ?? "none") === kind).map(({ type }) => type);
    for (const type of FAULT_TYPES)
      if (type.exchange !== undefined) expect(names("exchanges")).toContain(type.type);
    expect(names("queries")).toEqual(
      FAULT_TYPES.filter(({ query }) => query !== undefined).map(({ type }) => type),
    );
    expect(names("datagrams")).toEqual(["duplicate", "reorder"]);
    expect(names("none")).toEqual(expect.arrayContaining(["reset", "packet_loss", "flap", "down"]));
  });

  it("keeps a fault to proxies that know such a key", () => {
    const proxies: Record<string, ReadonlySet<Seam>> = {
      tcp: new Set(["listener", "connection", "stream", "query"]),
      http: new Set(["listener", "connection", "stream", "exchange", "query"]),
      udp: new Set(["listener", "datagram", "query"]),
    };
    const reached = (by: string): string[] => {
      const { fault } = faultOf(`{ type: latency, delay: 1s, draw: { by: ${by} } }`);
      const type = TYPES.get("latency");
      return Object.keys(proxies).filter(
        (name) => type !== undefined && actsOn(fault, type, proxies[name] ?? new Set()),
      );
    };
    expect(reached("path")).toEqual(["http"]);
    expect(reached("header:x")).toEqual(["http"]);
    expect(reached("body")).toEqual(["http", "udp"]);
  });
});
