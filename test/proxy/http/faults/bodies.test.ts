/** http_truncate and http_body on the wire: exact bytes, honest and broken framing, and what becomes of the connection. */
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, turns, until } from "../../../support/lab.js";
import {
  answerTo,
  chunked,
  get,
  HttpLab,
  ok,
  post,
  type Script,
  type ScriptedServer,
} from "../../../support/http-lab.js";

let lab: HttpLab;
let proxy: HttpProxy;
let server: ScriptedServer;

async function setUp(script: Script): Promise<void> {
  lab = new HttpLab();
  server = await lab.scripted(script);
  proxy = await lab.http(server.port);
}

afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

const TEN = "0123456789";
const CHUNKS = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["01234", "56789"], "0\r\nX-Sum: 45\r\n\r\n")}`;
const CHUNK_HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const CLOSE_HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

const untilClose: Script = ({ peer }) => {
  peer.write(CLOSE_HEAD + TEN);
  peer.fin();
  return undefined;
};

/** All that a client gets that asks once, and whether its connection is open then. */
async function got(target = "/a"): Promise<{ text: string; open: boolean }> {
  const client = lab.client(proxy);
  const before = proxy.exchanges.responses().reduce((sum, [, , count]) => sum + count, 0);
  client.write(get(target));
  void client.ended.then(() => {
    client.fin();
  });
  await until(() => proxy.exchanges.responses().reduce((sum, [, , count]) => sum + count, 0) > before);
  await turns(40);
  return { text: client.text, open: client.end === null };
}

describe("http_truncate of answers", () => {
  it.each([
    ["short, of a length", "short", () => ok(TEN), ok(TEN).slice(0, -7), false],
    ["short, of chunks", "short", () => CHUNKS, `${CHUNK_HEAD}5\r\n012`, false],
    ["short, of one that ends with the connection", "short", untilClose, `${CLOSE_HEAD}012`, false],
    ["unterminated, of a length", "unterminated", () => ok(TEN), ok(TEN).slice(0, -7), false],
    ["unterminated, of chunks", "unterminated", () => CHUNKS, `${CHUNK_HEAD}3\r\n012\r\n`, false],
    ["unterminated, until close", "unterminated", untilClose, `${CLOSE_HEAD}012`, false],
    ["honest, of a length", "honest", () => ok(TEN), ok("012"), true],
    ["honest, of chunks", "honest", () => CHUNKS, `${CHUNK_HEAD}3\r\n012\r\n0\r\n\r\n`, true],
    ["honest, until close", "honest", untilClose, `${CLOSE_HEAD}012`, false],
  ] as const)("cuts behind exactly so many bytes: %s", async (_, framing, script, expected, open) => {
    await setUp(script);
    lab.use([fault("http_truncate", { after: "3B", framing })]);
    expect(await got()).toEqual({ text: expected, open });
    expect(lab.facts.of("fault_hit")).toMatchObject([{ effect: "truncated", detail: { at_byte: 3 } }]);
    expect(lab.facts.of("exchange_over")).toMatchObject([
      { upstream_status: 200, client_status: 200, end: open ? "complete" : "cut" },
    ]);
  });

  it.each([
    ["short", ok(TEN).slice(0, -5), "fin"],
    ["honest", ok("01234"), null],
  ] as const)("cuts a share of a length, %s", async (framing, expected, end) => {
    await setUp(() => ok(TEN));
    lab.use([fault("http_truncate", { share: "50%", framing })]);
    expect(await got()).toEqual({ text: expected, open: end === null });
  });

  it("lets chunks be where it was to cut a share: their length is not known", async () => {
    await setUp(() => CHUNKS);
    lab.use([fault("http_truncate", { share: "50%" })]);
    expect(await got()).toEqual({ text: CHUNKS, open: true });
    expect(lab.facts.spared()).toEqual(["http_truncate unknown_length 127.0.0.1"]);
  });

  it("cuts at the first byte, at a chunk's border, and not at all where the body ends there anyway", async () => {
    await setUp(({ target }) => (target === "/chunks" ? CHUNKS : ok(TEN)));
    const at = async (target: string, after: string, framing: string): Promise<string> => {
      lab.use([fault("http_truncate", { after, framing })]);
      return (await got(target)).text;
    };
    expect(await at("/a", "0B", "short")).toBe(ok(TEN).slice(0, -10));
    expect(await at("/a", "0B", "honest")).toBe(ok(""));
    expect(await at("/chunks", "0B", "honest")).toBe(`${CHUNK_HEAD}0\r\n\r\n`);
    expect(await at("/chunks", "5B", "short")).toBe(`${CHUNK_HEAD}5\r\n01234\r\n5\r\n`);
    expect(await at("/chunks", "5B", "unterminated")).toBe(`${CHUNK_HEAD}5\r\n01234\r\n`);
    const before = lab.facts.of("fault_hit").length;
    expect(await at("/a", "10B", "short")).toBe(ok(TEN));
    expect(await at("/chunks", "10B", "short")).toBe(CHUNKS);
    expect(lab.facts.of("fault_hit")).toHaveLength(before);
  });

  it("leaves the connection usable behind an honest cut", async () => {
    await setUp(({ target }) => (target === "/chunks" ? CHUNKS : ok(TEN)));
    lab.use([fault("http_truncate", { after: "3B", framing: "honest" })]);
    const client = lab.client(proxy);
    let from = 0;
    for (const target of ["/a", "/chunks", "/a", "/chunks"]) {
      client.write(get(target));
      const answer = await answerTo(client, { from });
      expect(answer.body).toBe("012");
      from = answer.end;
    }
    expect(client.length).toBe(from);
    expect(server.peers).toHaveLength(1);
  });

  it("cuts at the same byte however the bytes came", async () => {
    await setUp(({ peer }) => {
      const pieces = CHUNKS.split("");
      const next = (): void => {
        const piece = pieces.shift();
        if (piece === undefined) return;
        peer.socket.write(piece, () => setImmediate(next));
      };
      next();
      return undefined;
    });
    lab.use([fault("http_truncate", { after: "7B" })]);
    expect((await got()).text).toBe(`${CHUNK_HEAD}5\r\n01234\r\n5\r\n56`);
  });

  it("tells HEAD the length that GET would have, and does nothing to a 304 or where lengths are not kept", async () => {
    await setUp(({ method }) =>
      method === "HEAD"
        ? "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
        : "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
    );
    lab.use([fault("http_truncate", { after: "3B", framing: "honest" })]);
    const head = "HEAD /a HTTP/1.1\r\nHost: jobs.test\r\n\r\n";
    expect((await lab.ask(proxy, head)).head).toContain("Content-Length: 3\r\n");
    expect(lab.facts.hits()).toHaveLength(1);
    expect((await lab.ask(proxy, get("/a"))).head).toContain("Content-Length: 10\r\n");
    lab.use([fault("http_truncate", { after: "3B", framing: "short" })]);
    expect((await lab.ask(proxy, head)).head).toContain("Content-Length: 10\r\n");
    expect(lab.facts.hits()).toHaveLength(1);
  });
});

describe("http_truncate of requests", () => {
  const REQUEST = post("/a", TEN);
  const CHUNKED = `POST /a HTTP/1.1\r\nHost: jobs.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["01234", "56789"])}`;

  it.each([
    ["short", REQUEST, REQUEST.slice(0, -7)],
    ["short", CHUNKED, `${CHUNKED.split("\r\n\r\n")[0] ?? ""}\r\n\r\n5\r\n012`],
    ["unterminated", CHUNKED, `${CHUNKED.split("\r\n\r\n")[0] ?? ""}\r\n\r\n3\r\n012\r\n`],
  ])(
    "ends the request %s of its length, and the client's connection with it",
    async (framing, request, seen) => {
      await setUp(() => ok(""));
      lab.use([fault("http_truncate", { after: "3B", framing }, { directions: "upstream" })]);
      const client = lab.client(proxy);
      client.write(request);
      expect(await client.ended).toBe("fin");
      client.fin();
      await until(() => server.peers[0]?.end !== null && server.peers.length === 1);
      expect(server.peers[0]?.text).toBe(seen);
      expect(server.requests).toEqual([]);
    },
  );

  it("sends an honest request that is merely incomplete, and the connection lives on", async () => {
    await setUp(({ body }) => ok(body));
    lab.use([fault("http_truncate", { after: "3B", framing: "honest" }, { directions: "upstream" })]);
    const client = lab.client(proxy);
    client.write(REQUEST);
    const first = await answerTo(client);
    client.write(CHUNKED);
    const second = await answerTo(client, { from: first.end });
    expect([first.body, second.body]).toEqual(["012", "012"]);
    expect(server.requests[0]?.raw).toBe(post("/a", "012"));
    expect(server.requests[1]?.rest).toBe("3\r\n012\r\n0\r\n\r\n");
  });
});

describe("http_body", () => {
  const JSON_BODY = JSON.stringify({ id: 7, tags: ["a", "b"], done: false });
  const json = (body: string): string => ok(body, ["Content-Type: application/json; charset=utf-8"]);
  const jsonChunks = (body: string): string =>
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
    chunked([body.slice(0, 5), body.slice(5)]);

  /** The bodies of two answers on one connection, one with a length and one in chunks. */
  async function bodies(): Promise<readonly string[]> {
    await setUp(({ target }) => (target === "/chunks" ? jsonChunks(JSON_BODY) : json(JSON_BODY)));
    return askBoth();
  }

  async function askBoth(): Promise<readonly string[]> {
    const client = lab.client(proxy);
    client.write(get("/a"));
    const first = await answerTo(client);
    client.write(get("/chunks"));
    const second = await answerTo(client, { from: first.end });
    expect(server.peers).toHaveLength(1);
    return [first.body, second.body];
  }

  async function with_(params: Record<string, unknown>): Promise<readonly string[]> {
    await setUp(({ target }) => (target === "/chunks" ? jsonChunks(JSON_BODY) : json(JSON_BODY)));
    lab.use([fault("http_body", params)]);
    return askBoth();
  }

  it("passes bodies as they are without it", async () => {
    expect(await bodies()).toEqual([JSON_BODY, JSON_BODY]);
  });

  it("empties them", async () => {
    expect(await with_({ mode: "empty" })).toEqual(["", ""]);
  });

  it("replaces them", async () => {
    expect(await with_({ mode: "replace", with: "<html>" })).toEqual(["<html>", "<html>"]);
  });

  it.each(["garble_json", "cut_json"])("makes JSON that is none: %s", async (mode) => {
    for (const body of await with_({ mode })) {
      expect(() => JSON.parse(body) as unknown).toThrow(SyntaxError);
      if (mode === "cut_json") expect(JSON_BODY.startsWith(body)).toBe(true);
      else expect(body).toHaveLength(JSON_BODY.length);
    }
  });

  it("inflates JSON that still parses", async () => {
    const inflated = await with_({ mode: "inflate", size: "100KiB" });
    for (const body of inflated) {
      expect(body).toHaveLength(102_400);
      expect(JSON.parse(body)).toEqual(JSON.parse(JSON_BODY));
    }
  });

  it("leaves alone what is no JSON, and what is too large to be kept, and says so", async () => {
    await setUp(({ target }) =>
      target === "/text" ? ok(TEN) : jsonChunks(JSON.stringify("x".repeat(3_000))),
    );
    lab.use([fault("http_body", { mode: "garble_json", limit: "1KiB" })]);
    const text = await lab.ask(proxy, get("/text"));
    expect(text.raw).toBe(ok(TEN));
    const large = await lab.ask(proxy, get("/large"));
    expect(large.raw).toBe(jsonChunks(JSON.stringify("x".repeat(3_000))));
    expect(lab.facts.spared()).toEqual(["http_body not_json 127.0.0.1", "http_body too_large 127.0.0.1"]);
  });

  it("asks for plain answers, and leaves alone what comes compressed all the same", async () => {
    const zipped = gzipSync(JSON_BODY).toString("latin1");
    const answer = json(zipped).replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n");
    await setUp(() => Buffer.from(answer, "latin1"));
    lab.use([fault("http_body", { mode: "cut_json" })]);
    const client = lab.client(proxy);
    client.write(get("/a", ["Accept-Encoding: gzip, br", "X-Last: 1"]));
    await until(() => client.text.endsWith(zipped));
    expect(server.requests[0]?.raw).toBe(get("/a", ["X-Last: 1"]));
    expect(lab.facts.spared()).toEqual(["http_body encoded 127.0.0.1"]);
  });

  it("changes requests", async () => {
    await setUp(({ body }) => ok(body));
    lab.use([fault("http_body", { mode: "replace", with: "other" }, { directions: "upstream" })]);
    const client = lab.client(proxy);
    client.write(post("/a", TEN, ["Accept-Encoding: gzip"]));
    const answer = await answerTo(client);
    expect(answer.body).toBe("other");
    expect(server.requests[0]?.raw).toBe(post("/a", "other", ["Accept-Encoding: gzip"]));
  });

  it("shows a body that broke off as broken off, whatever was to become of it", async () => {
    await setUp(({ peer }) => {
      peer.write(json(JSON_BODY).slice(0, -10));
      peer.fin();
      return undefined;
    });
    lab.use([fault("http_body", { mode: "replace", with: "other" })]);
    const client = lab.client(proxy);
    client.write(get("/a"));
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe(json(JSON_BODY).slice(0, -10));
  });
});
