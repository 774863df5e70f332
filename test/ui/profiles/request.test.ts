/** What the form of a profile asks for, as a body and as lines; what it takes; and where the daemon's mistakes stand in it. */
import { describe, expect, it } from "vitest";
import { mistakesOf } from "../../../src/ui/profiles/mistakes.js";
import {
  bodyOf,
  commandLine,
  curlLine,
  methodOf,
  pytestLine,
  type Wanted,
} from "../../../src/ui/profiles/request.js";
import { unitOf } from "../../../src/ui/profiles/units.js";
import type { FaultTypes, ProfileParam } from "../../../src/ui/profiles/answers.js";

const PARAMS: readonly ProfileParam[] = [
  { name: "path", summary: "", required: false, default: "/v1/jobs/:id/complete" },
  { name: "every", summary: "", required: false, default: 3 },
  { name: "hard", summary: "", required: false, default: false },
];
const PLAIN: Wanted = {
  profile: "lost-ack",
  params: new Map(),
  seed: "",
  ttl: "",
  proxies: null,
  observe: false,
  beside: false,
};
const HERE = { origin: "http://127.0.0.1:8474", guarded: false };

const ROWS: readonly (readonly [string, Partial<Wanted>, object, string, string])[] = [
  ["nothing", {}, { profile: "lost-ack" }, "squall use lost-ack", 'squall.use("lost-ack")'],
  [
    "what stands there anyway",
    {
      params: new Map([
        ["every", "3"],
        ["path", " "],
      ]),
    },
    { profile: "lost-ack" },
    "squall use lost-ack",
    'squall.use("lost-ack")',
  ],
  [
    "params of three kinds, a seed and the fixture's own time",
    {
      params: new Map([
        ["every", "1"],
        ["hard", "true"],
        ["path", "/it's"],
      ]),
      seed: "7",
      ttl: "1m",
    },
    { profile: "lost-ack", params: { path: "/it's", every: 1, hard: true }, seed: 7, ttl: "1m" },
    String.raw`squall use lost-ack --seed 7 --param 'path=/it'\''s' --param every=1 --param hard=true --ttl 1m`,
    `squall.use("lost-ack", seed=7, path="/it's", every=1, hard=True)`,
  ],
  [
    "some proxies, only to observe, beside what is on",
    { proxies: ["jobs", "a b"], observe: true, beside: true, ttl: "30s" },
    { profile: "lost-ack", ttl: "30s", proxies: ["jobs", "a b"], mode: "observe" },
    "squall use lost-ack --ttl 30s --proxy jobs 'a b' --observe --add",
    'squall.call("POST", "/active", json={"profile": "lost-ack", "ttl": "30s", "proxies": ["jobs", "a b"], "mode": "observe"})',
  ],
  [
    "what is wrong, as it stands",
    { seed: "seven", ttl: "soon", params: new Map([["every", "x"]]) },
    { profile: "lost-ack", params: { every: "x" }, seed: "seven", ttl: "soon" },
    "squall use lost-ack --seed seven --param every=x --ttl soon",
    'squall.call("PUT", "/active", json={"profile": "lost-ack", "params": {"every": "x"}, "seed": "seven", "ttl": "soon"})',
  ],
];

describe("the form", () => {
  it.each(ROWS)("asks for %s", (_what, change, body, command, pytest) => {
    const wanted = { ...PLAIN, ...change };
    expect(bodyOf(wanted, PARAMS)).toEqual(body);
    expect(commandLine(wanted, PARAMS, HERE)).toBe(command);
    expect(pytestLine(wanted, PARAMS)).toBe(pytest);
  });

  it("is a curl line that sends the same, with the token and the CA of whoever runs it", () => {
    const wanted = { ...PLAIN, params: new Map([["path", "/it's"]]), beside: true };
    expect(methodOf(wanted)).toBe("POST");
    expect(curlLine(wanted, PARAMS, HERE)).toBe(
      String.raw`curl -X POST http://127.0.0.1:8474/active -d '{"profile":"lost-ack","params":{"path":"/it'\''s"}}'`,
    );
    expect(curlLine(PLAIN, PARAMS, { origin: "https://chaos:8474", guarded: true })).toBe(
      `curl -X PUT https://chaos:8474/active --cacert "$SQUALL_ADMIN_CA" -H "Authorization: Bearer $SQUALL_ADMIN_TOKEN" -d '{"profile":"lost-ack"}'`,
    );
    expect(commandLine(PLAIN, PARAMS, { origin: "https://chaos:8474", guarded: true })).toBe(
      "squall use lost-ack --admin https://chaos:8474",
    );
  });

  it("has no pytest line with a name that is none there", () => {
    const odd = [{ name: "from", summary: "", required: true }];
    expect(pytestLine({ ...PLAIN, params: new Map([["from", "a"]]) }, odd)).toBe(
      'squall.call("PUT", "/active", json={"profile": "lost-ack", "params": {"from": "a"}})',
    );
  });
});

describe("mistakes", () => {
  const params = new Set(["every", "calm", "a.b"]);
  const one = (path: string, message: string, hint?: string): Parameters<typeof mistakesOf>[0] => ({
    message: "all in one",
    path: "",
    hint: "",
    mistakes: [{ path, message, ...(hint === undefined ? {} : { hint }) }],
  });

  it.each([
    ["ttl", 'expected a duration such as 50ms, got "soon"', "ttl"],
    ["seed", "expected a whole number", "seed"],
    ["proxies[0]", "no proxy is called x", "proxies"],
    ["params.every", "unknown param", "params.every"],
    ["faults[0].when.every", 'expected a whole number, got "x" (the value of param "every")', "params.every"],
    ["phases[0].for", 'expected a duration (the value of param "calm")', "params.calm"],
  ])("at %s (%s) stand at the field %s", (path, message, field) => {
    const { fields, others } = mistakesOf(one(path, message), params);
    expect([...fields.keys()]).toEqual([field]);
    expect(fields.get(field)).toBe(message.replace(/ \(the value of param .*$/u, ""));
    expect(others).toEqual([]);
  });

  it("that belong to no field are told above all, with what would have been right", () => {
    expect(mistakesOf(one("faults[0]", "is odd", "write it so"), params).others).toEqual([
      "is odd (write it so)",
    ]);
    const bare = { message: "no profile is called x", path: "", hint: "", mistakes: [] };
    expect(mistakesOf(bare, params)).toEqual({ fields: new Map(), others: ["no profile is called x"] });
  });
});

describe("units", () => {
  const types: FaultTypes = {
    types: [
      {
        type: "lost_response",
        params: [
          { name: "then", kind: "choice", values: ["reset", "close"] },
          { name: "wait", kind: "duration" },
        ],
      },
    ],
  };
  const text =
    'profile: x\nfaults:\n  - { type: lost_response, then: "${then}", wait: ${wait}, when: { every: "${n}", probability: ${part} } }\nphases:\n  - for: ${calm}\n';

  it.each([
    [
      { name: "then", default: "reset" },
      { hint: "", choices: ["reset", "close"] },
    ],
    [
      { name: "then", default: "other" },
      { hint: "", choices: [] },
    ],
    [{ name: "wait" }, { hint: "such as 200ms or 2m", choices: [] }],
    [{ name: "n" }, { hint: "a whole number", choices: [] }],
    [{ name: "part" }, { hint: "such as 25%", choices: [] }],
    [{ name: "calm" }, { hint: "such as 200ms or 2m", choices: [] }],
    [
      { name: "free", default: "16KiB" },
      { hint: "such as 512B or 16KiB", choices: [] },
    ],
    [
      { name: "free", default: "1Mbit/s" },
      { hint: "such as 20kB/s or 1Mbit/s", choices: [] },
    ],
    [
      { name: "free", default: "/v1/lease" },
      { hint: "", choices: [] },
    ],
    [
      { name: "free", default: true },
      { hint: "", choices: ["true", "false"] },
    ],
  ])("of %j are %j", (param, unit) => {
    expect(unitOf({ summary: "", required: false, ...param }, text, types)).toEqual(unit);
  });
});
