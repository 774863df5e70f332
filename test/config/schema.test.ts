/** The JSON Schemas are those of the types there are, take what the daemon takes, and refuse what is plainly wrong. */
import { readFileSync, readdirSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { jsonSchemas } from "../../src/config/schema.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { BROKEN_CONFIGS } from "./broken-configs.js";
import { BROKEN_FAULTS } from "./broken-faults.js";
import { BROKEN_PHASES } from "./broken-phases.js";

const ROOT = new URL("../../", import.meta.url);
const schemas = jsonSchemas(new Map(FAULT_TYPES.map((type) => [type.type, type])));
const ajv = new Ajv2020({ strictTypes: false, strictRequired: false, allErrors: true });
const isProfile = ajv.compile(schemas.profile);
const isConfig = ajv.compile(schemas.squall);

const documents = (text: string): unknown[] =>
  parseAllDocuments(text).map((document) => document.toJS() as unknown);
const yamlIn = (folder: string): string[] => {
  return readdirSync(new URL(folder, ROOT))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => `${folder}${file}`);
};

describe("the committed schemas", () => {
  it.each(["profile", "squall"] as const)("of %s are those that the sources make", async (name) => {
    const json = `${JSON.stringify(schemas[name], null, 2)}\n`;
    await expect(json).toMatchFileSnapshot(new URL(`schema/${name}.schema.json`, ROOT).pathname);
  });
});

describe("the schema of profiles", () => {
  it.each([...yamlIn("profiles/"), ...yamlIn("test/golden/")])("takes %s", (file) => {
    for (const document of documents(readFileSync(new URL(file, ROOT), "utf8"))) {
      isProfile(document);
      expect(isProfile.errors ?? []).toEqual([]);
    }
  });

  it.each([...FAULT_TYPES])(
    "takes the example of $type, and not with a key too many",
    ({ type, example }) => {
      expect(isProfile({ profile: type, faults: [example] })).toBe(true);
      expect(isProfile({ profile: type, faults: [{ ...example, exmaple: 1 }] })).toBe(false);
    },
  );

  it("takes a case, whole and of the version there is", () => {
    const whole = {
      version: 1,
      signature: "FAILED exit 1",
      seed: 7,
      failed: "3 of 3",
      clean: "0 of 9",
      shrunk: { from: 50, to: 1, runs: 14, took: "38s" },
      threshold: null,
      run: { command: ["npm", "test"] },
    };
    const withCase = (block: object): object => ({
      profile: "case-0001",
      faults: [{ type: "reset" }],
      case: block,
    });
    expect(isProfile(withCase(whole))).toBe(true);
    expect(isProfile(withCase({ ...whole, version: 2 }))).toBe(false);
    expect(isProfile(withCase({ ...whole, sede: 7 }))).toBe(false);
    expect(isProfile(withCase({ version: 1 }))).toBe(false);
  });

  // What hangs on names elsewhere in the text, on sums, or on the library is not for a schema to know.
  const BEYOND = [
    "a reserved name",
    "a duration beyond the limit",
    "a share beyond the whole",
    "parameters that contradict each other",
    "a closed port for some",
    "a closed port for half",
    "two faults of one name",
    "a fault in a phase called like one outside",
    "half an address",
    "a block that is too narrow",
    "a span of no time",
    "a ramp outside of phases",
    "a ramp in a phase without end",
    "a ramp that is wrong at its end only",
    "a ramp of a probability outside of phases",
    "two phases of one name",
    "a phase without end before the last",
    "a phase of no time",
    "repeating without end",
    "repeating for ever without end",
    "repeating nothing",
    "an unknown param",
    "a param of the environment",
    "a param with a fallback of its own",
    "a default that is wrong where it is used",
    "a default made of another param",
    "an unknown parent",
    "a parent that is itself",
    "the same profile twice in a text",
    "two profiles where one is wanted",
    "phases that are inherited already",
    "a child that spoils its parent's fault",
    "a param that is not closed",
  ];
  const broken = [...BROKEN_FAULTS, ...BROKEN_PHASES].filter(
    ({ name }) => name !== "an empty text" && !name.includes("braces"),
  );

  it.each(broken.filter(({ name }) => !BEYOND.includes(name)))("refuses $name", ({ text }) => {
    expect(documents(text).every((document) => isProfile(document))).toBe(false);
  });

  it("leaves to the daemon only what a schema cannot know", () => {
    const taken = broken.filter(({ text }) => documents(text).every((document) => isProfile(document)));
    expect(taken.map(({ name }) => name).filter((name) => !BEYOND.includes(name))).toEqual([]);
  });

  it("asks for all parameters of a fault unless they may be inherited", () => {
    const faults = [{ name: "a", type: "latency", jitter: "5ms" }];
    expect(isProfile({ profile: "x", faults })).toBe(false);
    expect(isProfile({ profile: "x", extends: "y", faults })).toBe(true);
    expect(isProfile({ profile: "x", extends: "y", faults: [{ name: "a", enabled: false }] })).toBe(true);
  });
});

describe("the schema of squall.yaml", () => {
  it("takes a whole configuration, with variables wherever there is a value", () => {
    const text = `
admin: { listen: 127.0.0.1:8474, token: "\${TOKEN}", hosts: [squall.internal], body: "\${BODY:-1MiB}" }
profiles: [./profiles]
journal: { keep: "\${KEEP}", file: ./journal.jsonl, rotate: 64MiB, files: 5 }
limits: { connections: 8000, header: 64KiB, held: 256MiB, drain: 10s }
seed: 7
log: { level: info, format: auto }
proxies:
  broker:
    listen: 0.0.0.0:6380
    upstream: tcp://redis:6379
    identify: [client]
    except: [{ client: 127.0.0.1 }]
    dial_timeout: 5s
    proxy_protocol: accept
    enabled: \${ON}
    limits: { connections: 100 }
  api:
    listen: :8081
    upstream: https://api
    tls: { ca: ca.pem, insecure: "\${ON}", servername: api.example }
    identify: [{ header: x-bot }, bearer, { bearer: { claim: sub } }, { query: bot }, { path: "/:bot/**" }, client]
    except: [{ path: /healthz, method: [GET, HEAD], header: { x-a: , x-b: b*, x-c: [c, d] } }, { client: "\${PROBE}" }]
    persona: nginx
    fault_header: true
    ambiguous: relay
    head_timeout: 5s
activate: { profile: x, params: { a: 1 }, seed: 1, ttl: 30s, proxies: [broker], mode: observe }
watch: false
`;
    isConfig(parse(text));
    expect(isConfig.errors ?? []).toEqual([]);
  });

  const SHAPES = [
    "an unknown key",
    "an unknown key inside",
    "a size without unit",
    "a limit of nothing",
    "an unknown level",
  ];
  const MORE = [
    "a proxy of nothing",
    "a pool",
    "an exception for a status",
    "an exception for a question",
    "bots known by nothing",
    "odd settings of HTTP",
    "a seed that is a share",
  ];

  it.each(BROKEN_CONFIGS.filter(({ name }) => [...SHAPES, ...MORE].includes(name)))(
    "refuses $name",
    ({ text }) => {
      expect(isConfig(parse(text ?? ""))).toBe(false);
    },
  );
});
