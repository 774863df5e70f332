import { describe, expect, it } from "vitest";
import { harmless, isSecretName, jsonLine, record, recordFields } from "../../src/telemetry/entry.js";
import { FACTS, hit, over, SAMPLES } from "./samples.js";

const started = SAMPLES.activation_started;

describe("a fact that is written down", () => {
  it.each(FACTS.filter(({ kind }) => kind !== "mistake").map((fact) => [fact.kind, fact] as const))(
    "%s keeps all its fields",
    (_kind, fact) => {
      expect(record(fact)).toEqual({ fact, cut: false, size: expect.any(Number) as number });
    },
  );

  it("is not larger than 8 KiB and the beginnings of what comes behind them, and says about how large it is", () => {
    const faults = Array.from({ length: 100 }, (_, n) => `${n}-${"x".repeat(250)}`);
    const { fact, cut, size } = record(over({ faults, bot: "b".repeat(250) }));
    const line = jsonLine(fact);
    expect(cut).toBe(true);
    expect(line.length).toBeLessThan(10_000);
    expect(size / line.length).toBeGreaterThan(0.7);
    expect(size / line.length).toBeLessThan(1.3);
    // What is a number or a choice stays what it is.
    expect(fact).toMatchObject({ kind: "exchange_over", upstream_status: 200, end: "reset" });
  });

  it("does not change with the objects that it was made of", () => {
    const effects: Record<string, number> = { delayed: 1 };
    const { fact } = record({ ...SAMPLES.fault_total, effects });
    effects["delayed"] = 2;
    expect(fact).toMatchObject({ effects: { delayed: 1 } });
  });

  it("keeps the text of a mistake and not its trace", () => {
    expect(record(SAMPLES.mistake).fact).toEqual({
      kind: "mistake",
      where: "connection 7",
      text: "RangeError: offset is out of bounds",
    });
    expect(record({ kind: "mistake", where: "x", error: "thrown text" }).fact).toMatchObject({
      text: "thrown text",
    });
  });

  it("cuts long texts at 200 characters and says so", () => {
    const { fact, cut } = record(hit({ bot: "b".repeat(5_000), detail: { path: "/".repeat(201) } }));
    expect(cut).toBe(true);
    expect(fact).toMatchObject({ bot: `${"b".repeat(200)}…`, detail: { path: `${"/".repeat(200)}…` } });
    expect(record(hit({ bot: "b".repeat(200) })).cut).toBe(false);
  });

  it("never leaves half a character behind", () => {
    const { fact } = record(hit({ bot: `${"b".repeat(199)}😀😀` }));
    expect(fact).toMatchObject({ bot: `${"b".repeat(199)}…` });
  });

  it("is bounded whatever the parameters are", () => {
    const wide = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [`p${index}`, "x".repeat(1_000)]),
    );
    const long = Array.from({ length: 5_000 }, () => wide);
    const deep: Record<string, unknown> = {};
    deep["deeper"] = deep;
    const { fact, cut } = record({ ...started, params: { wide, long, deep } });
    expect(cut).toBe(true);
    expect(jsonLine(fact).length).toBeLessThan(600_000);
  });

  it("copes with parameters named like the insides of objects", () => {
    const params = JSON.parse(
      '{"constructor": "a", "__proto__": {"polluted": 1}, "toString": "b"}',
    ) as Record<string, unknown>;
    const { fact } = record({ ...started, params });
    expect(fact).toMatchObject({ params: { constructor: "a", toString: "b" } });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("has the times of an exchange no finer than a clock knows them", () => {
    const { fact } = record(over({ upstream_ms: 4.200000047683716, client_ms: 4.43999981880188 }));
    expect(fact).toMatchObject({ upstream_ms: 4.2, client_ms: 4.44 });
    expect(record(over({ upstream_ms: null })).fact).toMatchObject({ upstream_ms: null });
  });

  it("cuts the path of an exchange, and keeps its number", () => {
    const exchange = { id: 12, method: "GET", path: `/${"x".repeat(60_000)}` };
    for (const one of [hit({ exchange }), over({ exchange })]) {
      const { fact, cut } = record(one);
      expect(cut).toBe(true);
      expect(fact).toMatchObject({ exchange: { id: 12, path: `/${"x".repeat(199)}…` } });
    }
  });

  it("writes numbers that JSON does not have as words", () => {
    expect(recordFields({ limit: Infinity, share: NaN, big: 10n, none: undefined })).toEqual({
      limit: "Infinity",
      share: "NaN",
      big: "10",
    });
  });
});

describe("secrets", () => {
  it.each([
    "token",
    "authToken",
    "SECRET",
    "db_password",
    "api-key",
    "apiKey",
    "x-api-key",
    "jwt",
    "client_secret",
    "authorization",
  ])("%s is a secret's name", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it.each([
    "delay",
    "key",
    "keyspace",
    "passes",
    "author",
    "bytes",
    "monkey",
    "jitter",
    "tokenise",
    "compass",
  ])("%s is not", (name) => {
    expect(isSecretName(name)).toBe(false);
  });

  it("are masked in parameters, at any depth", () => {
    const { fact } = record({
      ...started,
      params: { token: "abc", delay: 200, upstream: { password: 1234, user: "u" } },
    });
    expect(fact).toMatchObject({
      params: { token: "***", delay: 200, upstream: { password: "***", user: "u" } },
    });
  });

  it("are masked in the line that starts the run again, quoted or not", () => {
    const again = String.raw`squall use wan --seed 7 --param token=abc --param 'password=it'\''s "x" --param y=1' --param delay=200 --proxy jobs`;
    expect(record({ ...started, again }).fact).toMatchObject({
      again: "squall use wan --seed 7 --param token=*** --param password=*** --param delay=200 --proxy jobs",
    });
  });

  it("are masked in what a fault tells about a hit", () => {
    expect(record(hit({ detail: { token: "abc", status: 401 } })).fact).toMatchObject({
      detail: { token: "***", status: 401 },
    });
  });
});

describe("characters that could harm", () => {
  const bot = "a\u001b[2J\u009b1m\n\u202egnp\u2066\u0007";

  it("are shown by their codes to people", () => {
    expect(harmless(bot)).toBe(String.raw`a\x1b[2J\x9b1m\x0a\u202egnp\u2066\x07`);
    expect(harmless("Zürich 😀 …")).toBe("Zürich 😀 …");
  });

  it("are escaped in JSON, on one line, and come back unchanged", () => {
    const line = jsonLine({ bot });
    expect(line).toMatch(/^[\u0020-\u007e]+$/u);
    expect(JSON.parse(line)).toEqual({ bot });
  });
});
