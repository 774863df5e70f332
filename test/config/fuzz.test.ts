/** Whatever is written, reading it ends in values or in a SquallError, and soon. Seeds are printed on failure. */
import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.js";
import { Library } from "../../src/config/library.js";
import { SquallError, formatProblem } from "../../src/core/errors.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileProfile } from "../../src/plan/compile.js";
import { explainProfile } from "../../src/plan/explain.js";
import { scaled } from "../support/scope.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
/** Enough to find what is common; rare mistakes are found over many runs, since each has a seed of its own. */
const RUNS = scaled(80, 250);
const GOLDEN = new URL("../golden/", import.meta.url);
const PROFILES = readdirSync(GOLDEN)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => readFileSync(new URL(file, GOLDEN), "utf8"));
const CONFIG = `
admin: { listen: 127.0.0.1:8474, token: "\${TOKEN}" }
profiles: [./profiles]
journal: { keep: 10, file: ./journal.jsonl }
limits: { connections: 8000, held: 256MiB }
proxies:
  jobs:
    listen: 0.0.0.0:8080
    upstream: tcp://server:3000
    identify: [client]
    except: [{ client: 10.0.0.0/8 }]
  api:
    listen: 0.0.0.0:8081
    upstream: https://api.example.com
    tls: { ca: ./ca.pem, insecure: false, servername: api }
    identify: [{ header: x-bot-id }, bearer, { bearer: { claim: sub } }, { query: bot }, { path: "/:bot/**" }, client]
    except: [{ path: /healthz, method: GET, host: "*.example.com" }, { header: { x-a: , x-b: [b*, c] }, query: { q: "1" } }]
    persona: envoy
    ambiguous: relay
activate: { profile: x, params: { a: 1 }, ttl: 30s }
`;

/** A mistake must be tellable: a place that is in the text, and words that are not those of a program. */
function tellable(error: unknown, lines: number): void {
  expect(error).toBeInstanceOf(SquallError);
  const { details, message } = error as SquallError;
  expect(message).not.toMatch(/Invalid input|undefined|\[object|Error:/u);
  for (const problem of details ?? []) {
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lines);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(problem.message).not.toMatch(/Invalid input|\[object/u);
    formatProblem(problem);
  }
}

function attempt(text: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    tellable(error, text.split("\n").length);
  }
}

const readProfiles = (text: string): void => {
  attempt(text, () => {
    const library = new Library(TYPES);
    library.replaceFiles([{ file: "x.yaml", text }]);
    for (const name of library.names()) {
      const compiled = compileProfile(name, library, {}, TYPES);
      expect(JSON.parse(JSON.stringify(compiled))).toEqual(compiled);
      expect(explainProfile(compiled, TYPES).join("\n")).not.toMatch(/undefined|NaN|\[object/u);
    }
  });
};

const PIECES = fc.constantFrom(
  "\n",
  " ",
  "  ",
  "- ",
  ": ",
  "{",
  "}",
  "[",
  "]",
  ",",
  "'",
  '"',
  "#",
  "&a ",
  "*a",
  "!x ",
  "|\n",
  ">\n",
  "? ",
  "%",
  "---\n",
  "\t",
  "\u0000",
  "${",
  "${d}",
  "$${",
  "<<: ",
  "~",
  "null",
  "true",
  "-1",
  "1e999",
  ".nan",
  "5ms",
  "5%",
  "64KiB",
  "1MB/s",
  "forever",
  "client",
  "path",
  "header",
  "status",
  "5xx",
  "/:id/**",
  "profile: x\n",
  "faults:\n",
  "phases:\n",
  "  - type: latency\n",
  "    delay: ",
  "{ from: 1s, to: 2s }",
  "when: ",
  "extends: x\n",
  "__proto__: ",
);

/** A text with a few places deleted, doubled or overwritten. */
const mutated = (texts: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...texts),
      fc.array(fc.tuple(fc.nat(), fc.nat(12), PIECES), { minLength: 1, maxLength: 6 }),
    )
    .map(([text, changes]) =>
      changes.reduce((now, [where, length, piece]) => {
        const at = where % (now.length + 1);
        return now.slice(0, at) + piece + now.slice(at + length);
      }, text),
    );

describe("reading profiles", () => {
  it("survives pieces of YAML in any order", () => {
    fc.assert(
      fc.property(fc.array(PIECES, { maxLength: 40 }), (pieces) => {
        readProfiles(pieces.join(""));
      }),
      { numRuns: RUNS },
    );
  });

  it("survives good profiles that were damaged", () => {
    fc.assert(fc.property(mutated(PROFILES), readProfiles), { numRuns: RUNS });
  });

  it("survives any values in place of a profile's own", () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom("5ms", "${d}", { from: "1s", to: "2s" }, 0, -1, "both"),
    );
    const keys = fc.constantFrom(
      "type",
      "name",
      "delay",
      "jitter",
      "when",
      "match",
      "direction",
      "proxy",
      "enabled",
      "at",
      "x",
      "constructor",
      "toString",
    );
    const fault = fc.dictionary(keys, value).map((rest) => ({ type: "latency", delay: "1s", ...rest }));
    const profile = fc.record(
      {
        profile: fc.constant("x"),
        faults: fc.array(fault, { maxLength: 3 }),
        params: value,
        phases: value,
        repeat: value,
        extends: value,
        summary: value,
      },
      { requiredKeys: ["profile"] },
    );
    fc.assert(
      fc.property(profile, (given) => {
        readProfiles(JSON.stringify(given, null, 1));
      }),
      { numRuns: RUNS },
    );
  });
});

describe("reading a configuration", () => {
  const env = { TOKEN: "secret", SQUALL__SEED: "5" };

  it("survives a good one that was damaged", () => {
    fc.assert(
      fc.property(mutated([CONFIG]), (text) => {
        attempt(text, () => readConfig({ text, env }));
      }),
      { numRuns: RUNS },
    );
  });

  it("survives any environment and any flag", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "ADMIN",
        "PROXIES",
        "JOBS",
        "LISTEN",
        "UPSTREAM",
        "0",
        "LIMITS",
        "__proto__",
        "CONSTRUCTOR",
        "",
      ),
      fc.string(),
    );
    const variable = fc.array(word, { maxLength: 4 }).map((words) => `SQUALL__${words.join("__")}`);
    const flag = fc.record({
      path: fc.array(word, { maxLength: 4 }),
      value: fc.string(),
      origin: fc.constant("--flag"),
    });
    const flags = fc.array(flag, { maxLength: 3 });
    fc.assert(
      fc.property(fc.dictionary(variable, fc.string()), flags, (given, overrides) => {
        attempt(CONFIG, () => readConfig({ text: CONFIG, env: { ...env, ...given }, overrides }));
      }),
      { numRuns: RUNS },
    );
  });
});
