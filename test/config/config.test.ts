/** squall.yaml becomes plain values: defaults, then the file, then the environment, then flags. */
import { describe, expect, it } from "vitest";
import { readConfig, type Config, type ConfigInput } from "../../src/config/config.js";
import { refusalOf, told } from "./broken-text.js";

const config = (input: ConfigInput): Config => readConfig(input).config;

const FILE = `
admin:
  listen: 0.0.0.0:9000
  token: \${TOKEN}
  hosts: squall.internal
profiles: [./profiles, /opt/more.yaml]
journal: { file: journal.jsonl, keep: "\${KEEP:-500}" }
limits: { connections: 100 }
proxies:
  jobs:
    listen: :8080
    upstream: tcp://job-server:3000
  api:
    listen: :8081
    upstream: https://api.internal
    tls: { ca: certs/ca.pem, servername: api.example.com }
    identify: [{ header: X-Bot-Id }, { query: bot }, { path: "/v1/bots/:bot/**" }, bearer, { bearer: { claim: client_id } }, client]
    except: [{ path: /healthz, method: get }, { header: { X-Probe: } }]
    persona: envoy
    fault_header: true
    ambiguous: relay
    host: api.example.com:8080
    rewrite: location
    head_timeout: 5s
  my-broker:
    listen: "[::1]:6380"
    upstream: tcp://[fd00::1]:6379
    identify: client
    except: [{ client: 10.0.0.0/8 }, { client: [127.0.0.1, "::1"] }]
    dial_timeout: 500ms
    proxy_protocol: accept
    enabled: false
    limits: { connections: 10 }
activate: [calm, { profile: lost, params: { after: 3s, n: 4 }, seed: 7, ttl: 30s, proxies: jobs, mode: observe }]
watch: false
`;

describe("a configuration", () => {
  it("may be absent: everything has a default", () => {
    const { config: defaults, warnings } = readConfig({});
    expect(defaults).toEqual({
      admin: { listen: { host: "127.0.0.1", port: 8474 }, token: null, hosts: [], tls: null, body: 2 ** 20 },
      profiles: { library: true, paths: null },
      journal: { keep: 10_000, file: null, rotate: 64 * 2 ** 20, files: 5, exchanges: "faulted" },
      limits: {
        connections: 8_000,
        flows: 8_000,
        header: 65_536,
        held: 256 * 2 ** 20,
        keepalive: 15_000,
        drain: 5_000,
      },
      tls: { source: "memory", share: null, names: [], key: "ec", keylog: null },
      seed: null,
      log: { level: "info", format: "auto" },
      proxies: [],
      activate: [],
      fleet: null,
      state: null,
      ui: { bodies: 0 },
      watch: true,
    });
    expect(warnings).toEqual([]);
    expect(config({ text: "# nothing\n" })).toEqual(defaults);
  });

  it("keeps state where it says, from the folder of its file, and nowhere if it names nothing", () => {
    const file = "/etc/squall/squall.yaml";
    expect(config({ text: "state: ./state.json", file }).state).toBe("/etc/squall/state.json");
    expect(config({ text: "state: ${STATE:-}", file }).state).toBeNull();
    expect(config({ text: "state: ${STATE:-}", file, env: { STATE: "/var/s.json" } }).state).toBe(
      "/var/s.json",
    );
    expect(config({ env: { SQUALL__STATE: "/var/s.json" } }).state).toBe("/var/s.json");
    expect(() => config({ text: "state: [a]" })).toThrow("state: expected text");
  });

  it("has the CA in memory, in a folder or in files, with paths from the folder of its file", () => {
    const file = "/etc/squall/squall.yaml";
    const tls = (text: string): unknown => config({ text: `tls: ${text}`, file }).tls;
    const defaults = { share: null, names: [], key: "ec", keylog: null };
    expect(tls("{ ca: ./squall-ca }")).toEqual({ ...defaults, source: { folder: "/etc/squall/squall-ca" } });
    expect(tls("{ ca: { cert: a.pem, key: /b.key } }")).toEqual({
      ...defaults,
      source: { cert: "/etc/squall/a.pem", key: "/b.key" },
    });
    expect(tls("{ ca: , share: ./trust, names: '*.jobs.example', key: rsa, keylog: ./keys.log }")).toEqual({
      source: "memory",
      share: "/etc/squall/trust",
      names: ["*.jobs.example"],
      key: "rsa",
      keylog: "/etc/squall/keys.log",
    });
    expect(tls("{ names: [jobs.example, 10.0.0.0/8, '::1'] }")).toMatchObject({
      names: ["jobs.example", "10.0.0.0/8", "::1"],
    });
    expect(config({ env: { SQUALL__TLS__CA: "/ca" } }).tls.source).toEqual({ folder: "/ca" });
    for (const [text, message] of [
      ["{ ca: [a] }", "tls.ca: expected a folder, or files such as { cert: ./ca.pem, key: ./ca.key }"],
      ["{ ca: { cert: a.pem } }", "tls.ca.key: is required"],
      ["{ names: [a b] }", "tls.names[0]: expected a host name, an address or a subnet"],
      ["{ key: dsa }", "tls.key: expected"],
      ["{ keylog: '' }", "tls.keylog: expected a path"],
      ["{ folder: a }", "tls.folder: unknown key"],
    ] as const)
      expect(() => tls(text)).toThrow(message);
  });

  it("becomes plain values, with paths from the folder of its file", () => {
    const read = config({ text: FILE, file: "/etc/squall/squall.yaml", env: { TOKEN: "12345" } });
    expect(read.admin).toEqual({
      listen: { host: "0.0.0.0", port: 9000 },
      token: "12345",
      hosts: ["squall.internal"],
      tls: null,
      body: 2 ** 20,
    });
    expect(read.profiles).toEqual({ library: true, paths: ["/etc/squall/profiles", "/opt/more.yaml"] });
    expect(read.journal).toEqual({
      keep: 500,
      file: "/etc/squall/journal.jsonl",
      rotate: 64 * 2 ** 20,
      files: 5,
      exchanges: "faulted",
    });
    const plain = {
      tls: null,
      secure: null,
      persona: "plain",
      faultHeader: false,
      ambiguous: "reject",
      host: "preserve",
      rewrite: [],
      headTimeout: 60_000,
    };
    expect(read.proxies).toEqual([
      {
        name: "jobs",
        protocol: "tcp",
        listen: { host: "", port: 8080 },
        upstream: { host: "job-server", port: 3000 },
        pool: null,
        identify: [{ by: "client" }],
        except: [],
        dialTimeout: 10_000,
        idleTimeout: 60_000,
        dns: { queries: 10_000, records: [], source: "server" },
        proxyProtocol: "off",
        enabled: true,
        connections: null,
        ...plain,
      },
      {
        name: "api",
        protocol: "http",
        listen: { host: "", port: 8081 },
        upstream: { host: "api.internal", port: 443 },
        pool: null,
        tls: {
          ca: "/etc/squall/certs/ca.pem",
          insecure: false,
          servername: "api.example.com",
          own: null,
          min: null,
        },
        secure: null,
        identify: [
          { by: "header", name: "x-bot-id" },
          { by: "query", name: "bot" },
          { by: "path", pattern: "/v1/bots/:bot/**" },
          { by: "bearer", claim: "sub" },
          { by: "bearer", claim: "client_id" },
          { by: "client" },
        ],
        except: [{ path: ["/healthz"], method: ["GET"] }, { header: { "x-probe": ["*"] } }],
        dialTimeout: 10_000,
        idleTimeout: 60_000,
        dns: { queries: 10_000, records: [], source: "server" },
        proxyProtocol: "off",
        enabled: true,
        connections: null,
        persona: "envoy",
        faultHeader: true,
        ambiguous: "relay",
        host: "api.example.com:8080",
        rewrite: ["location"],
        headTimeout: 5_000,
      },
      {
        name: "my-broker",
        protocol: "tcp",
        listen: { host: "::1", port: 6380 },
        upstream: { host: "fd00::1", port: 6379 },
        pool: null,
        identify: [{ by: "client" }],
        except: [{ client: ["10.0.0.0/8"] }, { client: ["127.0.0.1", "::1"] }],
        dialTimeout: 500,
        idleTimeout: 60_000,
        dns: { queries: 10_000, records: [], source: "server" },
        proxyProtocol: "accept",
        enabled: false,
        connections: 10,
        ...plain,
      },
    ]);
    expect(read.activate).toEqual([
      { profile: "calm", params: {}, seed: null, ttl: null, proxies: null, mode: "inject" },
      {
        profile: "lost",
        params: { after: "3s", n: 4 },
        seed: 7,
        ttl: 30_000,
        proxies: ["jobs"],
        mode: "observe",
      },
    ]);
    expect(read.watch).toBe(false);
  });

  it("makes a proxy that understands HTTP of an http:// upstream, which is dialled without TLS", () => {
    const text = "proxies:\n  jobs: { listen: ':1', upstream: 'http://server' }\n";
    expect(config({ text }).proxies).toMatchObject([
      { protocol: "http", upstream: { host: "server", port: 80 }, tls: null, identify: [{ by: "client" }] },
    ]);
  });

  it("dials an https:// upstream with TLS, and checks its certificate unless told otherwise", () => {
    const text = "proxies:\n  jobs: { listen: ':1', upstream: 'https://server' }\n";
    expect(config({ text }).proxies[0]?.tls).toEqual({
      ca: null,
      insecure: false,
      servername: null,
      own: null,
      min: null,
    });
    const env = { SQUALL__PROXIES__JOBS__TLS__INSECURE: "true" };
    expect(config({ text, env }).proxies[0]?.tls).toEqual({
      ca: null,
      insecure: true,
      servername: null,
      own: null,
      min: null,
    });
  });

  it.each([
    ["profiles: ./a", { library: true, paths: ["/etc/a"] }],
    ["profiles: []", { library: true, paths: [] }],
    ["profiles: {}", { library: true, paths: null }],
    ["profiles: { library: false }", { library: false, paths: null }],
    ["profiles: { library: false, paths: a }", { library: false, paths: ["/etc/a"] }],
    ["profiles: { paths: [a, b] }", { library: true, paths: ["/etc/a", "/etc/b"] }],
    ["profiles: { paths: }", { library: true, paths: null }],
  ])("says where profiles come from: %s", (text, expected) => {
    expect(config({ text, file: "/etc/squall.yaml" }).profiles).toEqual(expected);
  });

  it.each([
    ["profiles: 7", "1:11 profiles: expected a folder or a file, a list of them, or a mapping such as"],
    ["profiles: [7]", "1:12 profiles[0]: expected text, got 7 (put it in quotes)"],
    ["profiles: { librari: false }", '1:13 profiles.librari: unknown key (did you mean "library"?)'],
    ["profiles: { library: maybe }", '1:22 profiles.library: expected true or false, got "maybe"'],
  ])("refuses another form: %s", (text, message) => {
    expect(refusalOf(() => config({ text })).message).toContain(message);
  });

  it("that leaves a setting blank has not set it", () => {
    const read = config({ text: "admin:\n  token:\n  listen:\nproxies:\nprofiles:\njournal:\n  file: ~\n" });
    expect(read).toEqual(config({}));
  });

  it("starts with nothing for none", () => {
    expect(config({ text: "activate: none\n" }).activate).toEqual([]);
  });

  it("gives paths from a folder that is handed in when there is no file", () => {
    const overrides = [{ path: ["profiles"], value: '["a", "/b"]', origin: "--profiles" }];
    expect(config({ overrides, folder: "/srv" }).profiles.paths).toEqual(["/srv/a", "/b"]);
    expect(config({ overrides }).profiles.paths).toEqual(["a", "/b"]);
  });
});

describe("a variable in the text", () => {
  const token = (text: string, env: Record<string, string>): string | null =>
    config({ text: `admin:\n  token: ${text}\n`, env }).admin.token;

  it("is read from the environment that was handed in, and from nowhere else", () => {
    expect(token("${A}", { A: "x" })).toBe("x");
    expect(refusalOf(() => token("${PATH}", {})).message).toContain("the environment has no variable PATH");
    expect(refusalOf(() => token("${constructor}", {})).message).toContain(
      "the environment has no variable constructor",
    );
  });

  it("has a default for when it is not set or empty", () => {
    expect(token("${A:-x}", {})).toBe("x");
    expect(token("${A:-x}", { A: "" })).toBe("x");
    expect(token("${A:-x}", { A: "y" })).toBe("y");
    expect(token("${A:-}", {})).toBe(null);
    expect(token("${A}", { A: "" })).toBe(null);
  });

  it("may stand within text, and twice", () => {
    expect(token("<${A}-${B:-b}>", { A: "1" })).toBe("<1-b>");
    expect(token("$${A}", { A: "1" })).toBe("${A}");
  });

  it("is put in once: what comes out of it is not looked at again", () => {
    expect(token("${A}", { A: "${B}", B: "x" })).toBe("${B}");
  });

  it("keeps its characters where text is wanted, and is a number where one is wanted", () => {
    expect(token("${A}", { A: "007" })).toBe("007");
    expect(token("${A}", { A: "true" })).toBe("true");
    expect(config({ text: "seed: ${A}\n", env: { A: "007" } }).seed).toBe(7);
    expect(config({ text: "watch: ${A}\n", env: { A: "false" } }).watch).toBe(false);
  });

  it("cannot add settings", () => {
    const refusal = refusalOf(() =>
      config({ text: "log: { level: '${A}' }\n", env: { A: "info, format: json" } }),
    );
    expect(told(refusal.details, "squall.yaml")).toEqual([
      '1:15 log.level: expected error, warn, info or debug, got "info, format: json" (the value of ${A})',
    ]);
  });

  it("is not told back when it is a secret", () => {
    const refusal = refusalOf(() => config({ text: "admin: { token: '${A}' }\n", env: { A: "se cret" } }));
    expect(JSON.stringify(refusal)).not.toContain('cret"');
    expect(JSON.stringify(refusal)).not.toContain("se c");
    const other = refusalOf(() => config({ env: { SQUALL__ADMIN__TOKEN: "se cret" } }));
    expect(JSON.stringify(other)).not.toContain("se c");
  });
});

describe("a setting from outside", () => {
  const text = FILE.replace("${TOKEN}", "t");

  it("overrides the file by a variable, whatever its case and its dashes", () => {
    const read = config({
      text,
      env: {
        SQUALL__PROXIES__JOBS__UPSTREAM: "tcp://other:1",
        SQUALL__PROXIES__MY_BROKER__DIAL_TIMEOUT: "1s",
        SQUALL__proxies__my_broker__ENABLED: "true",
        SQUALL__LIMITS__CONNECTIONS: "7",
        SQUALL_ADMIN_TOKEN: "not a setting",
      },
    });
    expect(read.proxies.map((proxy) => proxy.name)).toEqual(["jobs", "api", "my-broker"]);
    expect(read.proxies[0]?.upstream).toEqual({ host: "other", port: 1 });
    expect(read.proxies[2]).toMatchObject({ dialTimeout: 1_000, enabled: true });
    expect(read.limits.connections).toBe(7);
  });

  it("adds what the file does not have", () => {
    const read = config({
      env: {
        SQUALL__PROXIES__JOBS__LISTEN: ":1",
        SQUALL__PROXIES__JOBS__UPSTREAM: "tcp://a:1",
        SQUALL__LOG__LEVEL: "debug",
      },
    });
    expect(read.proxies).toMatchObject([
      { name: "jobs", listen: { host: "", port: 1 }, upstream: { host: "a", port: 1 } },
    ]);
    expect(read.log).toEqual({ level: "debug", format: "auto" });
  });

  it("may be a list, or one entry of a list", () => {
    expect(config({ text, env: { SQUALL__PROFILES: "[a, b]" }, folder: "/" }).profiles.paths).toEqual([
      "/a",
      "/b",
    ]);
    expect(config({ text, env: { SQUALL__PROFILES: "a" }, folder: "/" }).profiles.paths).toEqual(["/a"]);
    expect(config({ text, env: { SQUALL__PROFILES__1: "b" }, folder: "/" }).profiles.paths).toEqual([
      "/profiles",
      "/b",
    ]);
    const refusal = refusalOf(() => config({ text, env: { SQUALL__PROFILES__9: "b" } }));
    expect(refusal.message).toBe(
      "SQUALL__PROFILES__9:1:1 profiles.9: expected the number of an entry, 0 to 2",
    );
  });

  it("may be one of the two about profiles, whichever form the file has", () => {
    const read = (profiles: string, env: Record<string, string>): unknown =>
      config({ text: `profiles: ${profiles}`, env, folder: "/" }).profiles;
    const without = { SQUALL__PROFILES__LIBRARY: "false" };
    expect(read("[a, b]", without)).toEqual({ library: false, paths: ["/a", "/b"] });
    expect(read("a", without)).toEqual({ library: false, paths: ["/a"] });
    expect(read("", without)).toEqual({ library: false, paths: null });
    expect(read("{ library: true, paths: a }", without)).toEqual({ library: false, paths: ["/a"] });
    expect(read("{ library: false }", { SQUALL__PROFILES__PATHS: "[b]" })).toEqual({
      library: false,
      paths: ["/b"],
    });
    expect(read("{ library: false }", { SQUALL__PROFILES: "[b]" })).toEqual({ library: true, paths: ["/b"] });
    expect(config({ env: without }).profiles).toEqual({ library: false, paths: null });
  });

  it("as a flag wins over the environment", () => {
    const overrides = [{ path: ["log", "level"], value: "error", origin: "--log-level" }];
    expect(config({ text, env: { SQUALL__LOG__LEVEL: "debug" }, overrides }).log.level).toBe("error");
  });

  it("is text where text is wanted, even if it looks like a number", () => {
    expect(config({ env: { SQUALL__ADMIN__TOKEN: "0123" } }).admin.token).toBe("0123");
  });

  it("mends what is wrong in the file", () => {
    expect(config({ text: "seed: -1\n", env: { SQUALL__SEED: "5" } }).seed).toBe(5);
  });

  it("is not a variable of its own: what it holds is taken as it is", () => {
    expect(config({ env: { SQUALL__ADMIN__TOKEN: "${A}", A: "x" } }).admin.token).toBe("${A}");
  });

  it("that nothing is called is told with its variable and the nearest name", () => {
    const refusal = refusalOf(() => config({ text, env: { SQUALL__PROXIES__JOBS__UPSTREM: "x" } }));
    expect(refusal.message).toBe(
      'SQUALL__PROXIES__JOBS__UPSTREM:1:1 proxies.jobs.upstrem: unknown setting (did you mean "upstream"?)',
    );
  });
});

describe("two listeners", () => {
  const both = (one: string, other: string): Config =>
    config({
      text: `proxies:\n  a: { listen: '${one}', upstream: 'tcp://x:1' }\n  b: { listen: '${other}', upstream: 'tcp://x:1' }\n`,
    });

  it.each([
    ["127.0.0.1:80", "127.0.0.1:80"],
    [":80", "127.0.0.1:80"],
    ["0.0.0.0:80", "localhost:80"],
    ["[::]:80", "[::1]:80"],
    ["Host:80", "host:80"],
    ["[::0:1]:80", "[::1]:80"],
    ["[::ffff:10.0.0.1]:80", "10.0.0.1:80"],
  ])("on %s and %s are refused", (one, other) => {
    expect(refusalOf(() => both(one, other)).message).toContain("cannot listen on");
  });

  it.each([
    ["127.0.0.1:80", "127.0.0.1:81"],
    ["127.0.0.1:80", "127.0.0.2:80"],
    [":0", ":0"],
    ["0.0.0.0:80", "[::1]:80"],
  ])("on %s and %s can both be", (one, other) => {
    expect(both(one, other).proxies).toHaveLength(2);
  });
});
