/** The state file as text: what is written can be read, and what cannot be read is told with its place and what was expected. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SquallError } from "../../src/core/errors.js";
import { readState, writeState, type State } from "../../src/state/format.js";

const EMPTY: State = {
  seed: 7,
  profiles: [],
  proxies: [],
  changed: [],
  removed: [],
  active: null,
  unrestored: [],
};

const REDIS = {
  proxy: "redis",
  listen: "127.0.0.1:3310",
  upstream: "127.0.0.1:6379",
  enabled: true,
  over_file: false,
  rest_from_file: false,
  toxics: [],
};

function problems(text: string): string[] {
  try {
    readState(text, "state.json");
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    expect(error.code).toBe("SQ_INVALID_STATE");
    return (error.details ?? []).map(
      ({ file, line, column, path, message }) => `${file}:${line}:${column} ${path}: ${message}`,
    );
  }
  throw new Error("was read");
}

describe("a state", () => {
  it("comes back as it was written, whatever texts are in it", () => {
    const word = fc.string({ minLength: 1, unit: "binary" });
    fc.assert(
      fc.property(
        word,
        fc.array(fc.string({ unit: "binary" }), { minLength: 1 }),
        fc.dictionary(
          word,
          fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()),
        ),
        fc.nat(),
        (name, lines, params, seed) => {
          fc.pre(!Object.hasOwn(params, "__proto__"));
          const activation = {
            id: name,
            profile: name,
            params,
            seed,
            seeded: true,
            mode: "inject" as const,
            started: "2026-03-01T14:03:07.120Z",
            ttl_ms: 1.5,
          };
          const state: State = {
            seed,
            profiles: [{ profile: name, text: lines }],
            proxies: [{ ...REDIS, proxy: name, asked: ":0" }],
            changed: [
              { proxy: name, enabled: { file: true, now: false }, toxics: { file: [], now: [{ name }] } },
            ],
            removed: [{ proxy: name, listen: ":1", upstream: name }],
            active: { activate: [{ profile: name }], activations: [activation] },
            unrestored: [{ what: "activation", why: name, entry: activation }],
          };
          const read = JSON.stringify(readState(writeState(state, "1.0"), "state.json"));
          expect(JSON.parse(read)).toEqual(JSON.parse(JSON.stringify(state)));
        },
      ),
    );
  });

  it("is read though somebody has put comments in it, and left out what is empty", () => {
    expect(readState('# mine\n{ "squall_state": 1, "seed": 7, # drawn\n}', "state.json")).toEqual(EMPTY);
  });
});

describe("what is no state", () => {
  const whole = writeState({ ...EMPTY, proxies: [REDIS] }, "1.0");

  it.each([
    ["nothing at all", "", ["state.json:1:1 : expected the state that Squall wrote, got an empty file"]],
    [
      "nothing but blanks",
      " \n\n",
      ["state.json:1:1 : expected the state that Squall wrote, got an empty file"],
    ],
    [
      "something else",
      '{"hello": 1}',
      ['state.json:1:1 : expected a state file of Squall, with "squall_state": 1'],
    ],
    ["a list", "[]", ['state.json:1:1 : expected a state file of Squall, with "squall_state": 1']],
    [
      "the state of a newer Squall",
      '{\n  "squall_state": 2,\n  "stars": []\n}',
      ["state.json:2:19 squall_state: expected version 1, got 2: a newer Squall wrote this file"],
    ],
    [
      "a version that is none",
      '{"squall_state": "1"}',
      ['state.json:1:18 squall_state: expected a state file of Squall, with "squall_state": 1'],
    ],
    [
      "several mistakes",
      '{"squall_state": 1,\n"seed": "x",\n"proxies": [{"proxy": "a", "listen": 1, "upstream": "u", "enabled": "no", "toxics": {}}],\n"proxys": []}',
      [
        "state.json:2:9 seed: expected a whole number",
        "state.json:3:38 proxies[0].listen: expected text, got 1",
        "state.json:3:69 proxies[0].enabled:",
        "state.json:3:85 proxies[0].toxics: expected a list, got",
        "state.json:4:1 proxys: unknown key",
      ],
    ],
    [
      "what is missing",
      '{"squall_state": 1, "seed": 1, "removed": [{"proxy": "a"}]}',
      ["state.json:1:44 removed[0].listen: is required", "state.json:1:44 removed[0].upstream: is required"],
    ],
    [
      "a time that is none",
      '{"squall_state": 1, "seed": 1, "active": {"activate": [], "activations": [\n{"id": "a", "seed": 1, "started": "yesterday"}]}}',
      ["state.json:2:35 active.activations[0].started: expected a time such as 2026-03-01T14:03:07.120Z"],
    ],
    [
      "something left out that is broken itself",
      '{"squall_state": 1, "seed": 1, "unrestored": [\n{"what": "proxy", "why": "", "entry": {"proxy": 1}}]}',
      ["state.json:2:49 unrestored[0].entry.proxy: expected text, got 1"],
    ],
    [
      "something left out that nobody knows",
      '{"squall_state": 1, "seed": 1, "unrestored": [\n{"what": "moon", "why": "", "entry": {}}]}',
      ["state.json:2:10 unrestored[0].what: expected"],
    ],
  ])("%s is refused", (_what, text, expected) => {
    const found = problems(text);
    for (const start of expected)
      expect(
        found.some((one) => one.startsWith(start)),
        `${start}\n${found.join("\n")}`,
      ).toBe(true);
  });

  it("a state that was cut short anywhere is refused, and never taken for a smaller one", () => {
    for (let end = 0; end < whole.trimEnd().length; end++) {
      const found = problems(whole.slice(0, end));
      expect(found[0]).toMatch(/^state\.json:\d+:\d+ /u);
    }
  });
});
