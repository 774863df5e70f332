/** Texts and changes that would keep the daemon busy: each is linear, or refused by a limit before it costs anything. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nameFaults } from "../../src/config/extends.js";
import { Library } from "../../src/config/library.js";
import type { LocatedList } from "../../src/config/located.js";
import { Problems } from "../../src/config/problems.js";
import { READ_LIMITS } from "../../src/config/scan.js";
import { readDocuments } from "../../src/config/source.js";
import type { SquallError } from "../../src/core/errors.js";
import { TYPES } from "../support/lab.js";
import { scaled } from "../support/scope.js";
import { AdminLab } from "../admin/admin-lab.js";

const faults = (count: number): object[] =>
  Array.from({ length: count }, () => ({ type: "latency", delay: "1ms" }));

/** What was said against it. */
const refused = (run: () => unknown): SquallError => {
  try {
    run();
  } catch (error) {
    return error as SquallError;
  }
  throw new Error("it was taken");
};

describe("reading", () => {
  it("names faults without names in a time that grows with their number, not with its square", () => {
    const problems = new Problems();
    const wide = { ...READ_LIMITS, tokens: 2_000_000, nodes: 1_000_000, bytes: 2 ** 24 };
    const count = scaled(15_000, 60_000);
    const [document] = readDocuments(`[${"{type: latency},".repeat(count)}]`, "x", problems, wide);
    // Compared each with each, these would take until long after the test's own limit.
    const named = nameFaults(document?.tree as LocatedList, new Set(["latency-3"]), problems);
    expect(named.slice(0, 4).map(({ name }) => name)).toEqual([
      "latency",
      "latency-2",
      "latency-4",
      "latency-5",
    ]);
    expect(named.at(-1)?.name).toBe(`latency-${count + 1}`);
  });

  it("gives numbers past those that are written, wherever they stand", () => {
    const [document] = readDocuments(
      "[{type: latency}, {type: latency, name: latency-2}, {type: down}, {type: latency}, {type: down}]",
      "x",
      new Problems(),
    );
    const named = nameFaults(document?.tree as LocatedList, new Set(), new Problems());
    expect(named.map(({ name }) => name)).toEqual(["latency", "latency-2", "down", "latency-3", "down-2"]);
  });

  it.each([
    ["in one text", `"${"\\q".repeat(400_000)}"`],
    ["in many", `[${'"\\q",'.repeat(20_000)}]`],
    ["that are half", `"${"\\u12 ".repeat(100_000)}"`],
  ])("stops at the hundredth escape that is none, %s", (_where, text) => {
    const problems = new Problems();
    readDocuments(text, "x", problems);
    expect(problems.list().map(({ message }) => message)).toEqual([
      "has more than 100 escapes that are none",
    ]);
  });

  it("takes every escape that YAML has, and says where one is that it has not", () => {
    const problems = new Problems();
    const good = '"\\0\\a\\b\\e\\f\\n\\r\\t\\v\\N\\L\\P\\_\\ \\"\\/\\\\\\x41\\u0041\\U00000041"'.repeat(1);
    expect(readDocuments(`[${`${good},`.repeat(150)}]`, "x", problems)).toHaveLength(1);
    expect(problems.count).toBe(0);
    readDocuments('a: "\\q"', "x", problems);
    expect(problems.list()).toMatchObject([{ line: 1, column: 5 }]);
  });

  it("quotes no more of a line than what is around a mistake, and the caret stands there", () => {
    const text = `[${"{type: nothing, delay: 1},".repeat(400)}]`;
    const { details = [] } = refused(() => new Library(TYPES).put(`{profile: x, faults: ${text}}`));
    expect(details).toHaveLength(100);
    for (const { source = "", column, cut = 0 } of details) {
      expect(source.length).toBeLessThanOrEqual(400);
      expect(source.slice(column - 1 - cut)).toMatch(/^nothing/u);
    }
    expect(details[0]?.cut).toBeUndefined();
    expect(details[99]?.cut).toBeGreaterThan(0);
  });
});

describe("a profile", () => {
  const text = (name: string, count: number, more = ""): string =>
    `profile: ${name}\n${more}faults: ${JSON.stringify(faults(count))}\n`;

  it("has 500 faults at most", () => {
    const library = new Library(TYPES);
    library.put(text("full", 500));
    expect(refused(() => library.put(text("fuller", 501)))).toMatchObject({
      code: "SQ_INVALID_PROFILE",
      message: expect.stringContaining("has 501 faults, and may have 500") as string,
    });
  });

  it("has no more with those of its parents and phases", () => {
    const library = new Library(TYPES);
    library.put(
      text("parent", 300, "")
        .replaceAll("latency", "bandwidth")
        .replaceAll('"delay":"1ms"', '"rate":"1MB/s"'),
    );
    expect(refused(() => library.put(text("child", 300, "extends: parent\n"))).message).toContain(
      "has 600 faults",
    );
    const phases = Array.from({ length: 6 }, (_, n) => ({ phase: `p-${n}`, for: "1s", faults: faults(100) }));
    expect(refused(() => library.put(JSON.stringify({ profile: "phases", phases }))).message).toContain(
      "has 600 faults",
    );
  });

  it("that comes by the API has fewer parts than one in a file", () => {
    const big = `profile: big\ntags: [${"a,".repeat(22_000)}]\nfaults: []\n`;
    expect(refused(() => new Library(TYPES).put(big)).message).toContain("has more than 20000 values");
    new Library(TYPES).replaceFiles([{ file: "big.yaml", text: big }]);
  });
});

describe("faults in force", () => {
  let here: AdminLab;
  beforeEach(async () => {
    here = await AdminLab.open();
    const proxies = Array.from({ length: 19 }, (_, n) => ({
      name: `p-${n}`,
      listen: "127.0.0.1:0",
      upstream: "127.0.0.1:9",
      enabled: false,
    }));
    expect((await here.call("POST", "/populate", { body: JSON.stringify(proxies) })).status).toBe(201);
  });
  afterEach(() => here.close());

  const put = (method: string, body: object): ReturnType<AdminLab["call"]> =>
    here.call(method, "/active", { body: JSON.stringify(body) });

  it("are 5,000 at most over all proxies, and what is on stays on when there would be more", async () => {
    // 20 proxies.
    expect((await put("PUT", { faults: faults(250) })).status).toBe(200);
    expect((await put("POST", { faults: faults(1) })).json).toMatchObject({
      status: 429,
      code: "SQ_TOO_MANY",
    });
    expect((await put("PUT", { faults: faults(251) })).status).toBe(429);
    expect(
      (await put("PUT", { activations: [{ faults: faults(200) }, { faults: faults(51) }] })).status,
    ).toBe(429);
    expect((await here.get("/active")).json.activations).toHaveLength(1);
    // In its place, and on fewer proxies.
    expect((await put("PUT", { faults: faults(250) })).status).toBe(200);
    expect((await put("PUT", { faults: faults(500), proxies: ["p-1", "p-2"] })).status).toBe(200);
    expect((await put("POST", { faults: [{ type: "latency", delay: "1ms", proxy: "p-1" }] })).status).toBe(
      200,
    );
  });

  it("let no proxy be added when they are as many as can be", async () => {
    expect((await put("PUT", { faults: faults(250) })).status).toBe(200);
    const proxy = JSON.stringify({
      name: "more",
      listen: "127.0.0.1:0",
      upstream: "127.0.0.1:9",
      enabled: false,
    });
    expect((await here.call("POST", "/proxies", { body: proxy })).status).toBe(429);
    expect((await here.call("DELETE", "/active")).status).toBe(200);
    expect((await here.call("POST", "/proxies", { body: proxy })).status).toBe(201);
  });

  it("do not grow beyond that with the text of a profile that is on", async () => {
    const text = (count: number): string => JSON.stringify({ profile: "grows", faults: faults(count) });
    expect((await here.call("PUT", "/profiles/grows", { body: text(200) })).status).toBe(201);
    expect((await put("PUT", { profile: "grows" })).status).toBe(200);
    expect((await here.call("PUT", "/profiles/grows", { body: text(300) })).status).toBe(429);
    expect((await here.call("PUT", "/profiles/grows", { body: text(250) })).status).toBe(200);
    expect(
      (await here.call("PUT", "/profiles/other", { body: text(300).replace("grows", "other") })).status,
    ).toBe(201);
  });

  it("of phases count as many as the largest phase has", async () => {
    const phases = (count: number): object[] =>
      ["a", "b", "c"].map((phase) => ({ phase, for: "1s", faults: faults(count) }));
    const body = JSON.stringify({ profile: "three", phases: phases(150) });
    expect((await here.call("PUT", "/profiles/three", { body })).status).toBe(201);
    expect((await put("PUT", { profile: "three" })).status).toBe(200);
    expect((await put("POST", { faults: faults(101) })).status).toBe(429);
    expect((await put("POST", { faults: faults(100) })).status).toBe(200);
  });
});
