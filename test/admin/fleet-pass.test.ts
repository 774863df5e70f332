/** Header fields of calls that are passed on to another daemon, byte for byte: what is of one connection stays there, in both directions. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminLab } from "./admin-lab.js";
import { FleetStandIn, memberPresence } from "./fleet-stand-in.js";

let here: AdminLab;
let fleet: FleetStandIn;
let other: Server;
let asked: string;
let answer: string;
const sockets = new Set<Socket>();

beforeEach(async () => {
  fleet = new FleetStandIn();
  here = await AdminLab.open({ fleet });
  asked = "";
  answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  other = createServer((socket) => {
    sockets.add(socket);
    socket
      .on("error", () => undefined)
      .on("data", (part: Buffer) => {
        asked += part.toString("latin1");
        if (/\r\n\r\n/u.test(asked)) socket.end(Buffer.from(answer, "latin1"));
      });
  });
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  fleet.others = [{ presence: memberPresence("node-2", { admin: `http://127.0.0.1:${port}` }), age: 1 }];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  other.close();
  await here.close();
});

/** The head of what this daemon answers. */
async function told(
  request: readonly string[],
  path = "/fleet/daemons/node-2/a",
  version = "1.1",
): Promise<string> {
  const socket = here.socket();
  socket.write(
    `GET ${path} HTTP/${version}\r\nhost: ${here.host}\r\n${request.map((line) => `${line}\r\n`).join("")}\r\n`,
  );
  let text = "";
  for await (const part of socket as AsyncIterable<Buffer>) {
    text += part.toString("latin1");
    if (text.includes("\r\n\r\n")) break;
  }
  return text.slice(0, text.indexOf("\r\n\r\n")).toLowerCase();
}

const fields = (head: string, ...names: readonly string[]): string[] =>
  head.split("\r\n").filter((line) => names.some((name) => line.toLowerCase().startsWith(`${name}:`)));

describe("a header field", () => {
  // [the field, what Connection names, whether it is passed on, whether it is passed back]
  it.each<[string, string, boolean, boolean]>([
    ["x-mine: 1", "close", true, true],
    ["x-mine: 1", "close, X-Mine", false, false],
    ["x-mine: 1", " x-mine ,keep-alive", false, false],
    ["cache-control: no-store", "close", true, true],
    ['etag: "a"', "close", true, true],
    ["keep-alive: timeout=99", "close", false, false],
    ["te: trailers", "te", false, false],
    ["te: trailers", "close", false, false],
    ["trailer: x-sum", "close", false, false],
    ["upgrade: h2c", "close", false, false],
    ["http2-settings: AAMAAABkAARAAAAAAAIAAAAA", "upgrade, http2-settings", false, false],
    ["proxy-connection: keep-alive", "close", false, false],
    ["proxy-authorization: Basic eA==", "close", false, false],
    ["proxy-authenticate: Basic", "close", false, false],
    ["proxy-authentication-info: x=1", "close", false, false],
    // They are for a browser, and of this daemon's address.
    ["set-cookie: a=1", "close", true, false],
    ['clear-site-data: "*"', "close", true, false],
    ["strict-transport-security: max-age=9", "close", true, false],
    ["service-worker-allowed: /", "close", true, false],
    ["refresh: 0; url=/ui/", "close", true, false],
    ["link: </a.css>; rel=stylesheet", "close", true, false],
    ["access-control-allow-origin: *", "close", true, false],
  ])("%s, with connection: %s", async (field, connection, on, back) => {
    const name = field.slice(0, field.indexOf(":"));
    const value = field.slice(field.indexOf(":") + 2);
    answer = `HTTP/1.1 200 OK\r\n${field}\r\nconnection: ${connection}\r\ncontent-length: 2\r\n\r\nok`;
    const head = await told([field, `connection: ${connection}`]);
    expect(head).toMatch(/^http\/1\.1 200 ok\r\n/u);
    expect(fields(asked, name), "on").toEqual(on ? [expect.stringContaining(value)] : []);
    expect(fields(asked, "connection")).toEqual([expect.stringMatching(/: close$/iu)]);
    const answered = fields(head, name);
    // What this daemon says of its own connection is not theirs.
    expect(name === "keep-alive" ? answered.filter((line) => line.includes("99")) : answered, "back").toEqual(
      back ? [`${name}: ${value.toLowerCase()}`] : [],
    );
  });

  it("that says how a message ends, or where it goes, is not to be taken away by naming it", async () => {
    answer = "HTTP/1.1 200 OK\r\nconnection: content-length, close\r\ncontent-length: 2\r\n\r\nok";
    const head = await told(["connection: content-length, host, x-squall-passed-by", "content-length: 0"]);
    expect(fields(head, "content-length")).toEqual(["content-length: 2"]);
    expect(fields(asked, "host", "content-length", "x-squall-passed-by")).toHaveLength(3);
  });

  it.each(["chunked", "identity"])("a body of a GET goes on, and one that is %s comes back", async (how) => {
    const body = how === "chunked" ? "2\r\nok\r\n0\r\n\r\n" : "ok";
    answer = `HTTP/1.1 200 OK\r\n${how === "chunked" ? "transfer-encoding: chunked\r\n" : ""}\r\n${body}`;
    const socket = here.socket();
    socket.write(
      `GET /fleet/daemons/node-2/a HTTP/1.1\r\nhost: ${here.host}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
    );
    let text = "";
    for await (const part of socket as AsyncIterable<Buffer>) text += part.toString("latin1");
    expect(text).toMatch(/transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n$/iu);
    expect(asked).toMatch(/transfer-encoding: chunked\r\n/iu);
  });
});

describe("a page of whoever announced himself as a daemon", () => {
  it.each(["", "content-security-policy: default-src *\r\nx-content-type-options: off\r\n"])(
    "runs nothing at this daemon's address (%j)",
    async (own) => {
      answer = `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n${own}content-length: 2\r\n\r\nok`;
      const head = await told([
        "sec-fetch-site: cross-site",
        "sec-fetch-mode: navigate",
        "sec-fetch-dest: document",
      ]);
      expect(fields(head, "content-security-policy")).toEqual([
        "content-security-policy: sandbox; default-src 'none'; frame-ancestors 'none'",
      ]);
      expect(fields(head, "x-content-type-options")).toEqual(["x-content-type-options: nosniff"]);
    },
  );
});

describe("an answer that breaks off", () => {
  it.each<[string, string, RegExp]>([
    ["with a length", "content-length: 10\r\n", /\r\n\r\nok$/u],
    ["in chunks", "transfer-encoding: chunked\r\n", /\r\n\r\n2\r\nok\r\n$/u],
  ])("%s is seen to do so by the caller, and leaves nothing behind", async (_how, field, ends) => {
    const body = field.startsWith("content") ? "ok" : "2\r\nok\r\n";
    answer = `HTTP/1.1 200 OK\r\n${field}\r\n${body}`;
    const socket = here.socket();
    socket.on("error", () => undefined);
    socket.write(`GET /fleet/daemons/node-2/a HTTP/1.1\r\nhost: ${here.host}\r\n\r\n`);
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
    await once(socket, "close");
    expect(text).toMatch(ends);
  });

  it("by the caller ends the call to the other one", async () => {
    let gone = (): void => undefined;
    const closed = new Promise<void>((done) => (gone = done));
    other.once("connection", (theirs: Socket) => {
      theirs.removeAllListeners("data").on("close", gone).resume();
      theirs.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok");
    });
    const socket = here.socket();
    socket.write(`GET /fleet/daemons/node-2/a HTTP/1.1\r\nhost: ${here.host}\r\n\r\n`);
    await once(socket, "data");
    socket.destroy();
    await closed;
  });
});

describe("the caller's connection", () => {
  it.each([
    ["1.1", []],
    ["1.1", ["connection: keep-alive"]],
    ["1.1", ["connection: close"]],
    ["1.0", []],
    ["1.0", ["connection: keep-alive"]],
  ])("is told of as in an answer of this daemon: HTTP/%s %j", async (version, request) => {
    const names = ["connection", "keep-alive"];
    for (const theirs of [
      "",
      "connection: keep-alive\r\nkeep-alive: timeout=99\r\n",
      "connection: close\r\n",
    ]) {
      answer = `HTTP/1.1 200 OK\r\n${theirs}content-length: 2\r\n\r\nok`;
      asked = "";
      const direct = fields(await told(request, "/healthz", version), ...names);
      expect(fields(await told(request, undefined, version), ...names)).toEqual(direct);
      if (version === "1.1" && request[0] !== "connection: close")
        expect(direct.join()).toContain("timeout=");
    }
  });
});

describe("a daemon that says something odd", () => {
  it("is passed back where it can be said", async () => {
    answer = "HTTP/1.1 299 caf\u00e9\tau lait\r\nx-odd: \u00fc\tx\r\ncontent-length: 0\r\n\r\n";
    expect(await told([])).toMatch(/^http\/1\.1 299 caf\u00e9\tau lait\r\n[\s\S]*x-odd: \u00fc\tx/u);
    asked = "";
    answer = "HTTP/1.1 200 \u0001\r\ncontent-length: 0\r\n\r\n";
    expect(await told([])).toMatch(/^http\/1\.1 200 ok\r\n/u);
  });

  it.each([
    "HTTP/1.1 001 x",
    "HTTP/1.1 000 x",
    "HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: x",
    "HTTP/1.1 1000 x",
    "?",
  ])("is not passed back where it cannot: %j", async (head) => {
    answer = `${head}\r\ncontent-length: 0\r\n\r\n`;
    expect(await told([])).toMatch(/^http\/1\.1 502 /u);
  });
});
