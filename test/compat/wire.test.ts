/** What goes over the wire, byte for byte, as Toxiproxy 2.12.0 was seen to answer it. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CompatLab, portOf, type Answer } from "./compat-lab.js";

let here: CompatLab;

beforeAll(async () => {
  here = await CompatLab.open();
});

beforeEach(() => here.clear());

afterAll(() => here.close());

const JSON_TYPE = "application/json";
const ERROR_TYPE = "text/plain; charset=utf-8";

function expectError(answer: Answer, status: number, error: string): void {
  expect(answer.body).toBe(`${JSON.stringify({ error, status })}\n`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([status, ERROR_TYPE]);
}

function expectJson(answer: Answer, status: number, body: string): void {
  expect(answer.body).toBe(body);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([status, JSON_TYPE]);
}

const off = (name: string, more: object = {}): Promise<Answer> =>
  here.ask("POST", "/proxies", { name, listen: "localhost:3310", upstream: "x:1", enabled: false, ...more });

describe("answers", () => {
  it("are compact JSON without a line end, with their keys in Toxiproxy's order", async () => {
    const proxy = '{"name":"a","listen":"localhost:3310","upstream":"x:1","enabled":false,"toxics":[]}';
    expectJson(await off("a"), 201, proxy);
    expectJson(await here.ask("GET", "/proxies/a"), 200, proxy);
    expectJson(await here.ask("GET", "/proxies"), 200, `{"a":${proxy}}`);
    const toxic =
      '{"attributes":{"latency":5,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}';
    const body = { type: "latency", attributes: { latency: 5 } };
    expectJson(await here.ask("POST", "/proxies/a/toxics", body), 200, toxic);
    expectJson(await here.ask("GET", "/proxies/a/toxics"), 200, `[${toxic}]`);
    expectJson(await here.ask("GET", "/proxies/a/toxics/latency_downstream"), 200, toxic);
    expectJson(await here.ask("GET", "/proxies/a"), 200, proxy.replace("[]", `[${toxic}]`));
  });

  it("carry a number of 20 characters, another one each time", async () => {
    const numbers = new Set<string>();
    for (const [method, path] of [
      ["GET", "/version"],
      ["GET", "/proxies"],
      ["GET", "/proxies/nobody"],
      ["POST", "/populate"],
      ["POST", "/reset"],
    ] as const) {
      const number = (await here.ask(method, path)).headers.get("x-toxiproxy-request-id") ?? "";
      expect(number).toHaveLength(20);
      numbers.add(number);
    }
    expect(numbers.size).toBe(5);
  });

  it("are empty and of no type where there is nothing to say", async () => {
    await off("a");
    await here.ask("POST", "/proxies/a/toxics", { type: "noop" });
    for (const [method, path] of [
      ["DELETE", "/proxies/a/toxics/noop_downstream"],
      ["DELETE", "/proxies/a"],
      ["POST", "/reset"],
    ] as const) {
      const { status, headers, body } = await here.ask(method, path);
      expect([status, headers.get("content-type"), body]).toEqual([204, undefined, ""]);
    }
  });

  it("say the version with the name of the key that clients look for", async () => {
    const { body } = await here.ask("GET", "/version");
    expect(body.startsWith('{"version": "2.12.0"')).toBe(true);
  });

  it("list proxies in the order of the bytes of their names, which no object of JavaScript has", async () => {
    const names = ["b", "10", "9", "é", "a", "Z", "1", "\u{1f600}", "\uffee", "__proto__", "constructor"];
    for (const name of names) await off(name);
    const { body } = await here.ask("GET", "/proxies");
    const order = [...body.matchAll(/"name":"([^"]*)"/gu)].map(([, name]) => name);
    expect(order).toEqual(names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(order.slice(0, 3)).toEqual(["1", "10", "9"]);
  });

  it("list toxics by chain, upstream first, and in the order in which they came", async () => {
    await off("a");
    for (const [name, stream] of [
      ["d1", "downstream"],
      ["u1", "UPSTREAM"],
      ["d2", "Downstream"],
      ["u2", "upstream"],
    ]) {
      await here.ask("POST", "/proxies/a/toxics", { name, stream, type: "noop" });
    }
    const toxics = await here.json<{ name: string; stream: string }[]>("GET", "/proxies/a/toxics");
    expect(toxics.map(({ name, stream }) => `${name} ${stream}`)).toEqual([
      "u1 UPSTREAM",
      "u2 upstream",
      "d1 downstream",
      "d2 Downstream",
    ]);
  });
});

describe("requests", () => {
  it("may write their keys in any case", async () => {
    const made = await here.ask("POST", "/proxies", {
      NAME: "a",
      Listen: "localhost:3310",
      UpStream: "x:1",
      ENABLED: false,
    });
    expectJson(
      made,
      201,
      '{"name":"a","listen":"localhost:3310","upstream":"x:1","enabled":false,"toxics":[]}',
    );
    const body = {
      TYPE: "latency",
      Stream: "UpStream",
      Toxicity: 0.5,
      Attributes: { Latency: 7, JITTER: 1 },
    };
    expectJson(
      await here.ask("POST", "/proxies/a/toxics", body),
      200,
      '{"attributes":{"latency":7,"jitter":1},"name":"latency_UpStream","type":"latency","stream":"UpStream","toxicity":0.5}',
    );
  });

  it("mean nothing by null", async () => {
    const made = await here.json("POST", "/proxies", {
      name: "a",
      listen: null,
      upstream: "x:1",
      enabled: null,
    });
    expect(made.enabled).toBe(true);
    expect(made.listen).toMatch(/^\[::\]:\d+$/u);
    const same = await here.json("POST", "/proxies/a", { listen: null, upstream: null, enabled: null });
    expect(same).toEqual(made);
    const body = { type: "latency", name: null, stream: null, toxicity: null, attributes: null };
    expectJson(
      await here.ask("POST", "/proxies/a/toxics", body),
      200,
      '{"attributes":{"latency":0,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1}',
    );
  });

  it("are read whatever type they say they are, with or without unknown keys", async () => {
    for (const [index, type] of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "image/png; charset=latin1",
    ].entries()) {
      const body = JSON.stringify({
        name: `p${index}`,
        upstream: "x:1",
        enabled: false,
        Logger: {},
        extra: [1],
      });
      const { status } = await here.ask("POST", "/proxies", body, [`Content-Type: ${type}`]);
      expect(status).toBe(201);
    }
  });

  it("may be PATCH where they may be POST", async () => {
    await off("a");
    expect((await here.json("PATCH", "/proxies/a", { upstream: "y:2" })).upstream).toBe("y:2");
    await here.ask("POST", "/proxies/a/toxics", { type: "latency", attributes: { latency: 5, jitter: 2 } });
    const patched = await here.ask("PATCH", "/proxies/a/toxics/latency_downstream", {
      attributes: { jitter: 3 },
      toxicity: 0.25,
      name: "other",
      type: "noop",
      stream: "upstream",
    });
    expectJson(
      patched,
      200,
      '{"attributes":{"latency":5,"jitter":3},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":0.25}',
    );
  });
});

describe("errors of proxies", () => {
  it.each([
    ["", "bad request body: EOF"],
    ["{}", "missing required field: name"],
    ["null", "missing required field: name"],
    ['{"upstream":"x:1"}', "missing required field: name"],
    ['{"name":""}', "missing required field: name"],
    ['{"name":"a"}', "missing required field: upstream"],
    ['{"name":"a","upstream":""}', "missing required field: upstream"],
  ])("%j is refused: %s", async (body, error) => {
    expectError(await here.ask("POST", "/proxies", body), 400, error);
  });

  it.each([
    "nope",
    '{"name":"a"',
    "[]",
    "5",
    '{"name":5}',
    '{"name":"a","upstream":"x:1","enabled":"yes"}',
    '"a"',
  ])("%j is no body", async (body) => {
    const answer = await here.ask("POST", "/proxies", body);
    expect(answer.body).toMatch(/^\{"error":"bad request body: .+","status":400\}\n$/u);
    expect(answer.status).toBe(400);
  });

  it("are told in their order: the body, the name, the upstream, the duplicate, and the address last", async () => {
    await off("a");
    expectError(await here.ask("POST", "/proxies", { name: "a" }), 400, "missing required field: upstream");
    expectError(
      await here.ask("POST", "/proxies", { name: "a", upstream: "x:1", listen: "garbage" }),
      409,
      "proxy already exists",
    );
    expectError(
      await here.ask("POST", "/proxies", { name: "b", upstream: "x:1", listen: "garbage" }),
      500,
      "listen tcp: address garbage: missing port in address",
    );
    expectError(await here.ask("GET", "/proxies/b"), 404, "proxy not found");
  });

  it("say which address cannot be had, and keep nothing", async () => {
    const taken = createServer();
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    const listen = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const error = `listen tcp ${listen}: bind: address already in use`;
    expectError(await here.ask("POST", "/proxies", { name: "a", upstream: "x:1", listen }), 500, error);
    expectError(await here.ask("GET", "/proxies/a"), 404, "proxy not found");
    const many = [
      { name: "a", upstream: "x:1", listen: "127.0.0.1:0", enabled: false },
      { name: "b", upstream: "x:1", listen },
      { name: "c", upstream: "x:1", listen: "127.0.0.1:0" },
    ];
    const a = '{"name":"a","listen":"127.0.0.1:0","upstream":"x:1","enabled":false,"toxics":[]}';
    expectJson(
      await here.ask("POST", "/populate", many),
      500,
      `{"error":${JSON.stringify(error)},"status":500,"proxies":[${a}]}`,
    );
    expectJson(await here.ask("GET", "/proxies"), 200, `{"a":${a}}`);
    taken.close();
  });

  it.each([
    ["127.0.0.1:99999", "listen tcp: address 99999: invalid port"],
    ["8.8.8.8:1", "listen tcp 8.8.8.8:1: bind: cannot assign requested address"],
  ])("refuse to listen on %s", async (listen, error) => {
    expectError(await here.ask("POST", "/proxies", { name: "a", upstream: "x:1", listen }), 500, error);
  });

  it.each(["GET", "POST", "PATCH", "DELETE"])("%s of a proxy that is not there is 404", async (method) => {
    expectError(await here.ask(method, "/proxies/nobody", "{}"), 404, "proxy not found");
    expectError(await here.ask(method, "/proxies/nobody/toxics/x", "{}"), 404, "proxy not found");
    for (const name of ["__proto__", "constructor", "toString", "a%20b", "%F0%9F%98%80"])
      expectError(await here.ask(method, `/proxies/${name}`, "{}"), 404, "proxy not found");
  });
});

describe("errors of toxics", () => {
  beforeEach(() => off("a"));

  it.each([
    ["", "bad request body: EOF"],
    ["{}", "invalid toxic type"],
    ['{"type":"teapot"}', "invalid toxic type"],
    ['{"type":"__proto__"}', "invalid toxic type"],
    ['{"type":"constructor"}', "invalid toxic type"],
    ['{"type":"Latency"}', "invalid toxic type"],
    ['{"type":"latency","stream":""}', "stream was invalid, can be either upstream or downstream"],
    ['{"type":"teapot","stream":"sideways"}', "stream was invalid, can be either upstream or downstream"],
  ])("%j is refused: %s", async (body, error) => {
    expectError(await here.ask("POST", "/proxies/a/toxics", body), 400, error);
  });

  it.each([
    '{"type":"latency","attributes":{"latency":1.5}}',
    '{"type":"latency","attributes":{"latency":"1"}}',
    '{"type":"latency","attributes":{"latency":true}}',
    '{"type":"latency","attributes":[]}',
    '{"type":"latency","attributes":5}',
    '{"type":"latency","toxicity":"1"}',
    '{"type":5}',
    "[]",
  ])("%j is no toxic", async (body) => {
    const answer = await here.ask("POST", "/proxies/a/toxics", body);
    expect(answer.body).toMatch(/^\{"error":"bad request body: .+","status":400\}\n$/u);
    expectJson(await here.ask("GET", "/proxies/a/toxics"), 200, "[]");
  });

  it("tell of names that are taken, over both streams, and of those that are not there", async () => {
    await here.ask("POST", "/proxies/a/toxics", { type: "noop", name: "x" });
    const twin = { type: "latency", name: "x", stream: "upstream" };
    expectError(await here.ask("POST", "/proxies/a/toxics", twin), 409, "toxic already exists");
    for (const method of ["GET", "POST", "PATCH", "DELETE"])
      expectError(await here.ask(method, "/proxies/a/toxics/y", "{}"), 404, "toxic not found");
  });

  it("change nothing", async () => {
    await here.ask("POST", "/proxies/a/toxics", {
      type: "latency",
      attributes: { latency: 5 },
      toxicity: 0.5,
    });
    const before = (await here.ask("GET", "/proxies/a/toxics")).body;
    for (const body of ["", "{", '{"toxicity":"1"}', '{"attributes":{"latency":7,"jitter":"x"}}'])
      expect((await here.ask("POST", "/proxies/a/toxics/latency_downstream", body)).status).toBe(400);
    expect((await here.ask("GET", "/proxies/a/toxics")).body).toBe(before);
  });
});

describe("populate", () => {
  it.each(["[]", "null"])("%s has nothing to say", async (body) => {
    expectJson(await here.ask("POST", "/populate", body), 201, '{"proxies":null}');
  });

  it.each([
    ['[{"name":"p","upstream":"x:1"},{"name":"q"}]', "missing required field: upstream at proxy 2"],
    ['[{"name":"p","upstream":"x:1"},{"upstream":"x:1"}]', "missing required field: name at proxy 2"],
    ['[{"upstream":"x:1"},{"name":"q"}]', "missing required field: name at proxy 1"],
  ])("looks at all names and upstreams before it makes any proxy: %s", async (body, error) => {
    expectJson(
      await here.ask("POST", "/populate", body),
      400,
      `{"error":${JSON.stringify(error)},"status":400,"proxies":null}`,
    );
    expectJson(await here.ask("GET", "/proxies"), 200, "{}");
  });

  it("leaves what is like it alone, does not switch it on, and replaces what is not, toxics and all", async () => {
    const list = [{ name: "a", listen: "127.0.0.1:0", upstream: "x:1" }];
    const {
      proxies: [made],
    } = await here.json<{ proxies: [{ listen: string }] }>("POST", "/populate", list);
    const { listen } = made;
    await here.ask("POST", "/proxies/a/toxics", { type: "noop" });
    await here.ask("POST", "/proxies/a", { enabled: false });
    const same = await here.json<{ proxies: [{ enabled: boolean; toxics: unknown[] }] }>(
      "POST",
      "/populate",
      [{ name: "a", listen, upstream: "x:1" }],
    );
    expect(same.proxies[0]).toMatchObject({ listen, enabled: false });
    expect(same.proxies[0].toxics).toHaveLength(1);
    const other = await here.json("POST", "/populate", [{ name: "a", listen, upstream: "y:1" }]);
    expect(other).toEqual({ proxies: [{ name: "a", listen, upstream: "y:1", enabled: true, toxics: [] }] });
  });
});

describe("addresses", () => {
  it.each([
    ["localhost:0", /^127\.0\.0\.1:\d+$/u],
    ["127.0.0.1:0", /^127\.0\.0\.1:\d+$/u],
    ["LOCALHOST:0", /^127\.0\.0\.1:\d+$/u],
    [":0", /^\[::\]:\d+$/u],
    ["0.0.0.0:0", /^\[::\]:\d+$/u],
    ["[::]:0", /^\[::\]:\d+$/u],
    ["", /^\[::\]:\d+$/u],
  ])("%j is shown as it was bound, and stays so while the proxy is off", async (listen, shown) => {
    const made = await here.json("POST", "/proxies", { name: "a", upstream: "x:1", listen });
    expect(made.listen).toMatch(shown);
    expect((await here.json("POST", "/proxies/a", { enabled: false })).listen).toBe(made.listen);
    expect((await here.json("POST", "/proxies/a", { enabled: true })).listen).toBe(made.listen);
    expect(await here.connect(portOf(made)).ended).toBe("fin");
  });

  it.each(["nowhere.invalid:1", "a_b.:65535", "[::1]:80", ":1", "tcp://x:80", "http://x:80", "https://x"])(
    "of upstreams are given back as they came: %s",
    async (upstream) => {
      const made = await here.json("POST", "/proxies", { name: "a", listen: "127.0.0.1:0", upstream });
      expect(made.upstream).toBe(upstream);
    },
  );

  it.each([
    ["garbage", "the port is missing"],
    ["127.0.0.1:", "the port is missing"],
    ["[::1]", "the port is missing"],
    ["http://", "expected host:port"],
    ["host:99999", "ports go from 1 to 65535"],
    ["host:0", "ports go from 1 to 65535"],
    ["x:http", "ports are numbers"],
    ["a:b:80", "expected host:port"],
    ["::1:80", "expected host:port"],
    ["300.1.1.1:80", "expected host:port"],
    ["x y:80", "expected host:port"],
    ["//x:80", "unix sockets are not supported"],
    ["unix:///s.sock", "unix sockets are not supported"],
    ["unix:/s.sock", "unix sockets are not supported"],
    ["/run/s.sock", "unix sockets are not supported"],
    ["./s.sock", "unix sockets are not supported"],
    ["127.0.0.1:80/", "without a path"],
    ["http://x:80/path", "takes no path"],
    ["redis://x:80", "not redis://"],
    ["udp://x:80", "a udp proxy is made in squall.yaml"],
    ["dns://x", "a dns proxy is made in squall.yaml"],
  ])("that can be no upstream's are refused wherever they come: %s", async (upstream, why) => {
    const refused = async (method: string, path: string, body: object): Promise<void> => {
      const { status, body: text } = await here.ask(method, path, body);
      expect(status).toBe(400);
      expect(text).toContain(why);
    };
    await refused("POST", "/proxies", { name: "a", upstream });
    await refused("POST", "/populate", [
      { name: "p", upstream: "x:1" },
      { name: "a", upstream },
    ]);
    await here.json("POST", "/proxies", { name: "b", listen: "127.0.0.1:0", upstream: "x:1" });
    await refused("POST", "/proxies/b", { upstream });
    await refused("PATCH", "/proxies/b", { upstream });
    expectError(await here.ask("GET", "/proxies/p"), 404, "proxy not found");
    expect((await here.json("GET", "/proxies/b")).upstream).toBe("x:1");
  });

  it("of HTTP make an http proxy, which stays one", async () => {
    const made = await here.json("POST", "/proxies", {
      name: "web",
      listen: "127.0.0.1:0",
      upstream: "http://x:1",
    });
    const client = here.connect(portOf(made));
    client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    // Only an http proxy answers for an upstream that cannot be reached.
    await client.received(12);
    expect(client.text).toMatch(/^HTTP\/1.1 50[24] /u);
    client.socket.destroy();
    expect((await here.json("POST", "/proxies/web", { upstream: "http://y:1" })).upstream).toBe("http://y:1");
    expect((await here.json("POST", "/proxies/web", { upstream: "z:1" })).upstream).toBe("z:1");
    for (const upstream of ["tcp://x:1", "https://x:1"])
      expect(await here.ask("POST", "/proxies/web", { upstream })).toMatchObject({ status: 400 });
    expect(await here.ask("POST", "/populate", [{ name: "web", upstream: "https://x:1" }])).toMatchObject({
      status: 400,
    });
    await here.json("POST", "/proxies", { name: "raw", listen: "127.0.0.1:0", upstream: "x:1" });
    expect(await here.ask("POST", "/proxies/raw", { upstream: "http://x:1" })).toMatchObject({ status: 400 });
    expect(await here.ask("POST", "/populate", [{ name: "raw", upstream: "http://x:1" }])).toMatchObject({
      status: 400,
    });
  });

  it.each(["unix:///s.sock", "/run/s.sock"])("to listen on are no paths: %s", async (listen) => {
    const { status, body } = await here.ask("POST", "/proxies", { name: "a", upstream: "x:1", listen });
    expect([status, body]).toEqual([400, expect.stringContaining("unix sockets are not supported")]);
  });

  it("with a password in it are refused without showing it", async () => {
    const answer = await here.ask("POST", "/proxies", { name: "a", upstream: "http://me:secret@x:80" });
    expect([answer.status, answer.body]).toEqual([400, expect.not.stringContaining("secret")]);
  });

  it.each([
    ["127.0.0.1:7001", "127.0.0.1:7001"],
    ["localhost:7001", "LOCALHOST.:7001"],
    [":7001", "127.0.0.1:7001"],
    ["0.0.0.0:7001", "[::1]:7001"],
  ])("at which a proxy would call itself are refused: %s and %s", async (listen, upstream) => {
    const answer = await here.ask("POST", "/proxies", { name: "a", listen, upstream, enabled: false });
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining("itself listens")]);
  });
});

describe("paths and methods", () => {
  it.each([
    ["PUT", "/proxies"],
    ["DELETE", "/proxies"],
    ["OPTIONS", "/proxies"],
    ["PUT", "/proxies/a"],
    ["DELETE", "/proxies/a/toxics"],
    ["PUT", "/proxies/a/toxics/b"],
    ["GET", "/populate"],
    ["GET", "/reset"],
    ["POST", "/version"],
  ])("%s %s is 405, with nothing to say", async (method, path) => {
    const { status, headers, body } = await here.ask(method, path);
    expect([status, headers.get("content-type"), headers.get("content-length"), body]).toEqual([
      405,
      undefined,
      "0",
      "",
    ]);
  });

  it.each([
    "/proxies/",
    "/proxies/a/",
    "/proxies/a/toxics/",
    "/proxies/a/toxics/b/c",
    "/proxies/a/b",
    "/version/x",
    "/reset/now",
  ])("%s is no page", async (path) => {
    const { status, headers, body } = await here.ask("GET", path);
    expect([status, headers.get("content-type"), body]).toEqual([404, ERROR_TYPE, "404 page not found\n"]);
  });

  it("take a name with anything in it", async () => {
    for (const name of ["a b", "a/b", "%", "?x=1", "é", "\u{1f600}", "__proto__", "..", '"', "\n"]) {
      await off(name);
      const path = `/proxies/${encodeURIComponent(name).replaceAll(".", "%2E")}`;
      expect((await here.json("GET", path)).name).toBe(name);
      await here.ask("POST", `${path}/toxics`, { type: "noop", name });
      expect((await here.json("GET", path)).toxics).toHaveLength(1);
      expect((await here.ask("DELETE", path)).status).toBe(204);
    }
    expectJson(await here.ask("GET", "/proxies"), 200, "{}");
  });

  it("answer /metrics to any method", async () => {
    for (const method of ["GET", "POST", "PUT", "DELETE"])
      expect((await here.ask(method, "/metrics")).status).toBe(200);
  });
});
