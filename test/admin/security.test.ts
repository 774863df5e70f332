/** Who may call, as a table: hosts, origins, tokens. */
import { request as httpRequest } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../support/lab.js";
import { AdminLab } from "./admin-lab.js";
import { EventReader } from "./event-reader.js";

let here: AdminLab;

afterEach(async () => {
  await here.close();
});

const open = async (options: Parameters<typeof AdminLab.open>[0] = {}): Promise<void> => {
  here = await AdminLab.open(options);
};

/** What a bare connection is answered, until it is closed. */
async function exchange(text: string): Promise<string> {
  const socket = here.socket();
  let answer = "";
  let closed = false;
  socket
    .on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")))
    .on("close", () => (closed = true));
  socket.end(text);
  await until(() => closed);
  return answer;
}

/** What every browser says of itself, whatever a page wants. */
const BROWSER = { "accept-language": "en" };

describe("the Host header of a browser", () => {
  it.each([
    ["127.0.0.1:PORT", 200],
    ["127.0.0.1", 200],
    ["10.1.2.3:8474", 200],
    ["[::1]:PORT", 200],
    ["[::ffff:127.0.0.1]", 200],
    ["localhost:PORT", 200],
    ["LocalHost", 200],
    ["squall:8474", 200],
    ["job_server-1", 200],
    ["squall.internal:PORT", 200],
    ["SQUALL.internal", 200],
    ["evil.example", 403],
    ["evil.example:PORT", 403],
    ["squall.internal.evil.example", 403],
    ["localhost.evil.example", 403],
    ["127.0.0.1.evil.example", 403],
    ["127.0.0.1.nip.io", 403],
    ["localhost.", 200],
    ["LocalHost.:PORT", 200],
    ["squall.", 200],
    ["127.0.0.1.", 200],
    ["[0:0::1]:PORT", 200],
    ["squall.internal.", 200],
    ["Squall.Internal.:PORT", 200],
    ["squall.internal..", 403],
    ["..", 403],
    [".", 403],
    ["evil.example.", 403],
    ["1.2.3", 403],
    ["a.wild.example", 200],
    ["a.b.Wild.Example.", 200],
    ["wild.example", 403],
    ["evilwild.example", 403],
    [".wild.example", 403],
    ["a.wild.example.evil.example", 403],
    ["999.1.1.1", 403],
    ["[::1].evil.example", 403],
    ["[evil.example]", 403],
    ["localhost@evil.example", 403],
    ["localhost:80:80", 403],
    ["localhost/evil", 403],
  ])("%s is answered %i", async (host, status) => {
    await open({ hosts: ["squall.internal", "*.wild.example"] });
    const headers = { ...BROWSER, host: host.replace("PORT", String(here.port)) };
    const answer = await here.get("/active", { headers });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.json).toMatchObject({ code: "SQ_FORBIDDEN_HOST", path: "host" });
  });

  it.each<[string, Record<string, string>]>([
    ["its language", { "accept-language": "*" }],
    ["no language", { "accept-language": "" }],
    ["its name", { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" }],
    ["a page", { referer: "http://evil.example/" }],
    ["a cookie", { cookie: "a=b" }],
    ["where its page is from", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }],
    [
      "what it is for",
      { "sec-fetch-site": "none", "sec-fetch-dest": "document", "sec-fetch-mode": "navigate" },
    ],
    ["the origin of its page", { origin: "http://evil.example" }],
  ])(
    "is what tells a page of a stranger from his programs: one that says %s is refused",
    async (_what, headers) => {
      await open();
      const answer = await here.get("/active", { headers: { host: "evil.example", ...headers } });
      expect([answer.status, answer.json["path"]]).toEqual([403, "host"]);
    },
  );

  it("may be any name where the token is the right one, and where it does not matter who asks", async () => {
    await open({ token: "secret", hosts: [] });
    const ask = async (path: string, headers: Record<string, string>): Promise<number> =>
      (await here.get(path, { headers: { ...BROWSER, host: "ci.example.com", ...headers } })).status;
    expect(await ask("/active", { authorization: "Bearer secret" })).toBe(200);
    expect(await ask("/active", { authorization: "Bearer wrong" })).toBe(403);
    expect(await ask("/healthz", {})).toBe(200);
    expect(await ask("/readyz", {})).toBe(200);
    expect(await ask("/healthz", { origin: "http://evil.example" })).toBe(403);
  });
});

describe("the Host header of a program", () => {
  it.each([
    ["host.docker.internal:8474", {}],
    ["toxiproxy.ns.svc.cluster.local", { "user-agent": "Go-http-client/1.1", "accept-encoding": "gzip" }],
    ["ci.example.com", { "user-agent": "python-requests/2.32.3", "accept": "*/*" }],
    // Node's fetch.
    [
      "toxiproxy.test.",
      {
        "user-agent": "node",
        "accept-language": "*",
        "sec-fetch-mode": "cors",
        "accept-encoding": "gzip, deflate",
      },
    ],
  ])("may be %s", async (host, headers) => {
    await open();
    expect((await here.get("/proxies", { headers: { host, ...headers } })).status).toBe(200);
  });

  it.each(["localhost/evil", "localhost@evil.example", "[evil.example]"])(
    "is no text like %j",
    async (host) => {
      await open();
      expect((await here.get("/proxies", { headers: { host } })).status).toBe(403);
    },
  );

  it("must be there in HTTP/1.1, may be missing in HTTP/1.0, and must not be there twice", async () => {
    await open();
    expect(await exchange("GET /healthz HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /u);
    expect(await exchange("GET /healthz HTTP/1.1\r\nHost:\r\n\r\n")).toMatch(/^HTTP\/1.1 403 /u);
    expect(await exchange("GET /healthz HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1.1 200 /u);
    expect(await exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")).toMatch(
      /^HTTP\/1.1 400 .*"SQ_BAD_REQUEST"/su,
    );
  });

  it("is what counts, so that a target that names another host is refused", async () => {
    await open();
    const answer = await exchange(
      "GET http://evil.example/active HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1.1 400 .*"SQ_BAD_REQUEST"/su);
  });
});

describe("the Origin header", () => {
  it.each([
    ["http://localhost:8474", "localhost:8474", 200],
    ["https://localhost:8474", "localhost:8474", 200],
    ["http://LOCALHOST", "localhost", 200],
    ["http://localhost:80", "localhost", 200],
    ["http://localhost", "localhost:80", 200],
    ["http://[::1]:8474", "[::1]:8474", 200],
    ["http://localhost:3000", "localhost:8474", 403],
    ["http://127.0.0.1:8474", "localhost:8474", 403],
    ["http://evil.example", "localhost:8474", 403],
    ["http://localhost:8474.evil.example", "localhost:8474", 403],
    ["http://localhost:8474/", "localhost:8474", 403],
    ["null", "localhost:8474", 403],
    ["", "localhost:8474", 403],
    ["file://", "localhost:8474", 403],
    ["chrome-extension://abc", "localhost:8474", 403],
  ])("%s for the host %s is answered %i", async (origin, host, status) => {
    await open();
    const answer = await here.get("/active", { headers: { origin, host } });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.json).toMatchObject({ code: "SQ_FORBIDDEN_HOST", path: "origin" });
  });

  it("is looked at before anything is done", async () => {
    await open();
    const headers = { origin: "http://evil.example" };
    const body = '{"profile":"slow"}';
    expect((await here.call("PUT", "/active", { body, headers })).status).toBe(403);
    expect((await here.call("OPTIONS", "/active", { headers, unchecked: true })).status).toBe(403);
    expect((await here.get("/active")).json.activations).toEqual([]);
  });

  it("must not come without a Host", async () => {
    await open();
    expect(await exchange("GET /active HTTP/1.0\r\nOrigin: http://localhost\r\n\r\n")).toMatch(
      /^HTTP\/1.1 403 /u,
    );
  });
});

describe("what a browser says of the page that asks", () => {
  const visit = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };

  it.each<[string, Record<string, string>, number]>([
    ["nothing, as programs do", {}, 200],
    ["our own page", { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }, 200],
    ["the user himself", { "sec-fetch-site": "none", ...visit }, 200],
    ["a link on another page", { "sec-fetch-site": "cross-site", ...visit }, 200],
    ["a picture on another page", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, 403],
    ["a page of another port", { "sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors" }, 403],
    ["a frame", { "sec-fetch-site": "cross-site", ...visit, "sec-fetch-dest": "iframe" }, 403],
    ["something new", { "sec-fetch-site": "cross-planet" }, 403],
  ])("decides as much: %s", async (_what, headers, status) => {
    await open();
    const answer = await here.get("/status", { headers });
    expect(answer.status).toBe(status);
    if (status === 403)
      expect(answer.json).toMatchObject({ code: "SQ_FORBIDDEN_HOST", path: "sec-fetch-site" });
  });

  it("is no way in for a form that is sent there", async () => {
    const headers = { "sec-fetch-site": "cross-site", ...visit };
    await open();
    expect((await here.call("PUT", "/active", { body: "profile=slow", headers })).status).toBe(403);
    expect((await here.get("/active")).json.activations).toEqual([]);
  });
});

describe("the token", () => {
  it.each([
    ["Bearer s3cret", 200],
    ["bearer   s3cret", 200],
    ["Bearer s3cre", 401],
    ["Bearer s3cret2", 401],
    ["Bearer", 401],
    ["s3cret", 401],
    ["Basic s3cret", 401],
    ["Bearer s3cret s3cret", 401],
    ["", 401],
  ])("%s is answered %i", async (authorization, status) => {
    await open({ token: "s3cret" });
    const answer = await here.get("/active", { headers: { authorization } });
    expect(answer.status).toBe(status);
    if (status === 401) {
      expect(answer.json).toMatchObject({ code: "SQ_UNAUTHORIZED" });
      expect(answer.headers["www-authenticate"]).toBe('Bearer realm="squall"');
      expect(answer.text).not.toContain("s3cre");
    }
  });

  it("is asked for everywhere but where health is asked for", async () => {
    await open({ token: "s3cret" });
    const headers = { authorization: "Bearer wrong" };
    for (const [path, operations] of Object.entries(here.contract.document.paths)) {
      for (const method of Object.keys(operations)) {
        const { status } = await here.call(method.toUpperCase(), path.replaceAll(/[{}]/gu, ""), { headers });
        expect(status, `${method} ${path}`).toBe(path === "/healthz" || path === "/readyz" ? 200 : 401);
      }
    }
    expect((await here.get("/no-such-path", { headers })).status).toBe(401);
    const components = here.contract.document.components as { securitySchemes?: object };
    expect(components.securitySchemes).toBeDefined();
  });

  it("is not asked for when it is empty", async () => {
    await open({ token: "" });
    expect((await here.get("/active", { headers: { authorization: "" } })).status).toBe(200);
  });

  it("is asked for by streams too", async () => {
    await open({ token: "s3cret" });
    const stranger = await EventReader.open(here, "/events");
    expect(stranger.response.statusCode).toBe(401);
    const known = await EventReader.open(here, "/events", { authorization: "Bearer s3cret" });
    expect(known.response.statusCode).toBe(200);
  });
});

describe("answers", () => {
  it("never repeat a header of the request as one of their own", async () => {
    await open();
    const path = "/profiles/a%0d%0aset-cookie:%20x=1";
    const { headers, status } = await here.get(path, { headers: { "access-control-request-method": "PUT" } });
    expect(status).toBe(404);
    expect(Object.keys(headers).sort()).toEqual([
      "cache-control",
      "connection",
      "content-length",
      "content-type",
      "date",
      "x-content-type-options",
    ]);
  });

  it("show names as they are, and tell no terminal what to do", async () => {
    await open();
    const harmful = "\u009b2J\u202e\u2028\u007f";
    await here.call("POST", "/journal/marks", { body: JSON.stringify({ text: harmful }) });
    for (const format of ["json", "jsonl"]) {
      const { text } = await here.get(`/journal?kind=mark&format=${format}`, {});
      expect(text).toContain(String.raw`\u009b2J\u202e\u2028\u007f`);
    }
    expect((await here.get("/journal?kind=mark")).json.entries[0].text).toBe(harmful);
    const name = encodeURIComponent(harmful);
    for (const path of [`/profiles/${name}`, `/proxies/${name}`]) {
      const { status, text } = await here.get(path);
      expect(status).toBe(404);
      expect(text).not.toMatch(/[\u007f-\u009f\u2028-\u202e]/u);
    }
  });

  it("are not switched to another protocol", async () => {
    await open();
    const status = await new Promise((resolve, reject) => {
      const headers = { connection: "Upgrade", upgrade: "websocket" };
      const request = httpRequest({
        host: "127.0.0.1",
        port: here.port,
        path: "/healthz",
        headers,
        agent: false,
      });
      request.on("response", (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on("error", reject).end();
    });
    expect(status).toBe(200);
  });
});
