/** The command line and the configuration file of toxiproxy-server, given to squall. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.js";
import { logLevelOf, withoutToxiproxyFlags } from "../../src/cli/toxiproxy-flags.js";
import { command } from "../support/command-here.js";
import { getJson, ROOT, Workshop, type Json } from "../support/process.js";
import { sample } from "../support/scope.js";

describe("flags", () => {
  it.each([
    ["-host=0.0.0.0", "serve --admin :8474"],
    ["-host 0.0.0.0 -port 9000", "serve --admin :9000"],
    ["--port=9000", "serve --admin 127.0.0.1:9000"],
    ["-host ::1", "serve --admin [::1]:8474"],
    ["-host=toxiproxy -config=/x.json", "serve --admin toxiproxy:8474 --config /x.json"],
    ["-config x.json -seed 7", "serve --config x.json --seed 7"],
    ["serve --config x.json --seed=7 --log-level debug", "serve --config x.json --seed 7 --log-level debug"],
    ["-seed=-1", "serve --seed 9007199254740991"],
    ["-seed 1795373143774910412", "serve --seed 2940492081453004"],
    ["-proxy-metrics -runtime-metrics=true", "serve"],
    ["serve --admin 127.0.0.1:1", "serve --admin 127.0.0.1:1"],
    ["status --admin http://x", "status --admin http://x"],
    ["mock-server --port 3000", "mock-server --port 3000"],
    ["--version", "--version"],
    ["-v", "-v"],
    ["", ""],
  ])("%j is %j", (given, expected) => {
    const words = given === "" ? [] : given.split(" ");
    expect(withoutToxiproxyFlags(words)).toMatchObject({
      words: expected === "" ? [] : expected.split(" "),
      version: false,
    });
  });

  it.each([
    ["-runtime-metrics", 1],
    ["serve --runtime-metrics=true -proxy-metrics", 1],
    ["-runtime-metrics=false", 0],
    ["-proxy-metrics", 0],
  ])("%j is told to have no effect %i times", (given, times) => {
    expect(withoutToxiproxyFlags(given.split(" ")).notes).toHaveLength(times);
  });

  it.each(["-version", "serve --version", "serve -version", "-host=x -version"])(
    "%j asks for the versions",
    (given) => {
      expect(withoutToxiproxyFlags(given.split(" ")).version).toBe(true);
    },
  );

  it.each(["-port", "-port=x", "-seed x", "-config"])("%j lacks something", (given) => {
    expect(() => withoutToxiproxyFlags(given.split(" "))).toThrow(/a value is missing|expected a/u);
  });

  it.each([
    ["TRACE", "debug"],
    ["debug", "debug"],
    ["warning", "warn"],
    ["Fatal", "error"],
    ["panic", "error"],
    ["", undefined],
    [undefined, undefined],
    ["loud", "loud"],
  ])("LOG_LEVEL=%s is %s", (given, level) => {
    expect(logLevelOf(given)).toBe(level);
  });
});

describe("squall as toxiproxy-server", () => {
  let shop: Workshop;

  beforeEach(() => {
    shop = new Workshop();
  });

  afterEach(() => shop.close());

  const start = async (words: readonly string[], env: Record<string, string> = {}): Promise<string> => {
    const process = shop.start([...words, "--log-format", "json", "--profiles", `${ROOT}/profiles`], { env });
    return (await process.printed(/"admin":"(http:[^"]+)"/u))[1] ?? "";
  };

  const proxies = async (admin: string): Promise<Record<string, Json>> =>
    (await getJson(`${admin}/proxies`)).body as Record<string, Json>;

  it.each([
    "-1",
    "-9223372036854775808",
    "9223372036854775807",
    "1795373143774910412",
    "9007199254740991",
    "0",
  ])("may start with the seed %s", (seed) => {
    const { words } = withoutToxiproxyFlags(["-seed", seed]);
    const value = words[words.indexOf("--seed") + 1] ?? "";
    const overrides = [{ path: ["seed"], value, origin: "--seed" }];
    expect(readConfig({ folder: "/", overrides }).config.seed).toEqual(expect.any(Number));
  });

  it("says what it is", async () => {
    const { code, out } = await command(["-version"], { cwd: shop.folder });
    expect(out).toMatch(
      /^squall \d+\.\d+\.\d+\S*\ntoxiproxy-server version 2\.12\.0 \(whose API it serves\)\n$/u,
    );
    expect(code).toBe(0);
  });

  it("makes the proxies of the file, toxics and all, and reads it again", async () => {
    const toxic = { type: "latency", attributes: { latency: 1_000 } };
    const list = [
      { name: "a", listen: "localhost:0", upstream: "redis:6379", toxics: [toxic] },
      { name: "B b", listen: "127.0.0.1:0", upstream: "x:1", enabled: false },
      { Name: "c", Listen: "127.0.0.1:0", Upstream: "x:1" },
    ];
    const file = shop.file("toxiproxy.json", JSON.stringify(list));
    const admin = await start(
      ["-host=localhost", "-port", "0", "-config", file, "-seed=7", "-proxy-metrics"],
      {
        LOG_LEVEL: "trace",
      },
    );
    const first = await proxies(admin);
    expect(Object.keys(first)).toEqual(["B b", "a", "c"]);
    expect(first["a"]).toMatchObject({
      upstream: "redis:6379",
      enabled: true,
      toxics: [
        {
          name: "latency_downstream",
          type: "latency",
          stream: "downstream",
          toxicity: 1,
          attributes: { latency: 1_000, jitter: 0 },
        },
      ],
    });
    expect(first["a"]?.["listen"]).toMatch(/^127\.0\.0\.1:[1-9]/u);
    expect(first["B b"]).toMatchObject({ listen: "127.0.0.1:0", enabled: false, toxics: [] });
    // What the API changes stays until the file says something else about it.
    await fetch(`${admin}/proxies/c`, { method: "PATCH", body: '{"enabled":false}' });
    await fetch(`${admin}/proxies`, {
      method: "POST",
      body: '{"name":"mine","listen":"127.0.0.1:0","upstream":"x:1"}',
    });
    shop.file(
      "toxiproxy.json",
      JSON.stringify([{ ...list[0], toxics: [] }, { ...list[1], enabled: true }, list[2]]),
    );
    expect((await getJson(`${admin}/reload`, { method: "POST" })).status).toBe(200);
    const second = await proxies(admin);
    expect(second["a"]).toEqual({ ...first["a"], toxics: [] });
    expect(second["B b"]?.["enabled"]).toBe(true);
    expect(second["c"]?.["enabled"]).toBe(false);
    expect(second["mine"]?.["enabled"]).toBe(true);
    shop.file("toxiproxy.json", JSON.stringify([list[0], { name: "broken" }]));
    const refused = await getJson(`${admin}/reload`, { method: "POST" });
    expect([refused.status, refused.body["error"]]).toEqual([
      422,
      `${file}: missing required field: upstream at proxy 2`,
    ]);
    expect(await proxies(admin)).toEqual(second);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ["[", /toxiproxy\.json: /u],
    ['[{"name":"a"}]', /toxiproxy\.json: missing required field: upstream at proxy 1/u],
    ['[{"name":"a","upstream":"x:1"},{"name":"a","upstream":"x:1"}]', /two proxies are called "a"/u],
    [
      '[{"name":"a","upstream":"x:1","listen":"garbage"}]',
      /proxy "a": listen tcp: address garbage: missing port/u,
    ],
    [
      '[{"name":"a","upstream":"x:1","toxics":[{"type":"bandwidth","attributes":{"rate":-1}}]}]',
      /rate must be at least 0/u,
    ],
    ['[{"name":"a","upstream":"x:1","toxics":{}}]', /expected a list for toxics/u],
    ['[{"name":"a","upstream":"x:1","toxics":[{"type":"noop"},{"type":"noop"}]}]', /toxic already exists/u],
  ];
  it.each(sample(wrong, 3))("ends with the reason where the file is %j", async (text, reason) => {
    const file = shop.file("toxiproxy.json", text);
    const { code, err } = await command(["-port=0", "-config", file], { cwd: shop.folder });
    expect(err).toMatch(reason);
    expect(code).toBe(3);
  });

  it("ends where the file is not there, the API's port is taken, or a proxy's is", async () => {
    const missing = await command(["-port=0", "-config", "none.json"], { cwd: shop.folder });
    expect([missing.code, missing.err]).toEqual([3, expect.stringContaining("none.json")]);
    const taken = createServer();
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    // Whoever asks this port who it is gets no answer, and must not wait for one.
    taken.on("connection", (socket) => socket.destroy());
    const busy = await command([`-port=${port}`], { cwd: shop.folder });
    expect([busy.code, busy.err]).toEqual([1, expect.stringContaining(`127.0.0.1:${port} is in use`)]);
    const file = shop.file("toxiproxy.json", `[{"name":"a","upstream":"x:1","listen":"127.0.0.1:${port}"}]`);
    const clash = await command(["-port=0", "-config", file], { cwd: shop.folder });
    expect([clash.code, clash.err]).toEqual([1, expect.stringContaining("address already in use")]);
    taken.close();
  });
});
