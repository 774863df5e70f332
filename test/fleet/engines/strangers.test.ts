/** What answers at an engine's address may be anything, or nobody: each attempt fails in words, and nothing is left of it. */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from "vitest";
import { parseAddress } from "../../../src/fleet/engines/address.js";
import { natsClient } from "../../../src/fleet/engines/nats/dial.js";
import { open } from "../../../src/fleet/engines/nats/open.js";
import { namesOf } from "../../../src/fleet/engines/nats/names.js";
import { redisClient } from "../../../src/fleet/engines/redis/dial.js";
import { keysOf } from "../../../src/fleet/engines/redis/names.js";
import type { Dialled } from "../../../src/fleet/engines/way.js";
import { engineOptions } from "../../support/fleet-engines.js";

/** A part of it is longer than one may be: it is refused before anybody is asked for it. */
const NOWHERE = `${"x".repeat(64)}.example`;
const SCHEMES = ["nats", "tls", "redis", "rediss"];

/** Promises that failed while nobody looked, which ends a daemon. */
const unseen: unknown[] = [];
const see = (error: unknown): void => {
  unseen.push(error);
};
let end: (() => Promise<void>) | null = null;
let printed: readonly MockInstance[] = [];

beforeEach(() => {
  unseen.length = 0;
  process.on("unhandledRejection", see);
  printed = ["log", "info", "warn", "error"].map((how) =>
    vi.spyOn(console, how as "log").mockImplementation(() => undefined),
  );
});

afterEach(async () => {
  process.off("unhandledRejection", see);
  const words = printed.flatMap(({ mock }) => mock.calls);
  vi.restoreAllMocks();
  await end?.();
  end = null;
  // What libraries print would stand among the lines of the daemon's log.
  expect(words).toEqual([]);
});

interface Stranger {
  readonly port: number;
  /** Connections so far. */
  readonly came: () => number;
}

async function stranger(serve: (socket: Socket) => void): Promise<Stranger> {
  let came = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    came++;
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  end = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  };
  return { port: (server.address() as AddressInfo).port, came: () => came };
}

function dial(url: string): Promise<Dialled<unknown>> {
  const options = engineOptions(url);
  const address = parseAddress(url);
  return /^(?:nats|tls):/u.test(url)
    ? natsClient(options, namesOf("t", "test")).dial(address)
    : redisClient(options, keysOf("t")).dial(address);
}

/** What a failed attempt says, once all that it may have left behind had a turn to fail, too. */
async function failureOf({ connected }: Dialled<unknown>): Promise<string> {
  const why = await connected.then(
    () => "it was connected",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  return why;
}

describe("an engine's address", () => {
  it.each(SCHEMES)("of a name that nobody has fails in words: %s", async (scheme) => {
    expect(await failureOf(await dial(`${scheme}://${NOWHERE}`))).toMatch(/getaddrinfo E/u);
    expect(unseen).toEqual([]);
  });

  it.each(SCHEMES)("whose name is found after the end is not dialled: %s", async (scheme) => {
    const { port, came } = await stranger(() => undefined);
    const dialled = await dial(`${scheme}://localhost:${port}`);
    dialled.drop();
    expect(await failureOf(dialled)).toContain("closed");
    expect([came(), unseen]).toEqual([0, []]);
  });

  it.each([
    ["nats", "220 mail.example ESMTP", /unexpected response/u],
    ["nats", "INFO {no}", /JSON/u],
    ["nats", "-ERR 'Authorization Violation'", /unexpected response/u],
    ["nats", `INFO {"version":"2.9.0"}\r\n-ERR 'Authorization Violation'`, /Authorization Violation/u],
    ["nats", `INFO {"version":"2.9.0"}\r\nHTTP/1.1 400 Bad Request`, /no NATS: parse error/u],
    ["nats", `INFO {"version":"2.9.0"}\r\nMSG a 1 x`, /no NATS/u],
    ["nats", `INFO {"version":"2.9.0"}\r\nPONG\r\nHTTP/1.1 400 Bad Request`, /no NATS/u],
    ["nats", `INFO {"version":"2.9.0","tls_required":true}\r\nhello`, /before secure TLS connection/u],
    ["redis", "220 mail.example ESMTP", /Unknown RESP type/u],
    ["redis", "HTTP/1.1 400 Bad Request\r\n", /Unknown RESP type/u],
    ["redis", "-ERR no", /ERR no/u],
    ["redis", "$99999999999999", /closed/u],
  ])("at which somebody else is fails in words: %s, %j", async (scheme, greeting, words) => {
    const { port } = await stranger((socket) => socket.end(`${greeting}\r\n`));
    expect(await failureOf(await dial(`${scheme}://127.0.0.1:${port}`))).toMatch(words);
    expect(unseen).toEqual([]);
  });
});

describe("a connection to NATS over which something comes that is none", () => {
  it.each([
    ["what a web server says", "HTTP/1.1 502 Bad Gateway\r\n\r\n"],
    ["a message of no size", "MSG squall.t.hint 1 -1\r\n"],
    ["another INFO that is no JSON", "INFO {no}\r\n"],
    ["zeros", "\0".repeat(1_000)],
  ])("ends at once, with the reason, and another one is made: %s", async (_what, bytes) => {
    let spoiled = false;
    const { port, came } = await stranger((socket) => {
      socket.write('INFO {"version":"2.9.0"}\r\n');
      socket.on("data", (part) => {
        if (!part.toString().includes("PING")) return;
        socket.write("PONG\r\n");
        if (spoiled) return;
        spoiled = true;
        setImmediate(() => socket.write(bytes));
      });
    });
    const said: string[] = [];
    const engine = await open({
      ...engineOptions(`nats://127.0.0.1:${port}`),
      log: (text) => said.push(text),
    });
    const heard: string[] = [];
    await new Promise<void>((resolve) => {
      engine.onHint((what) => {
        heard.push(what);
        if (heard.length === 3) resolve();
      });
    });
    await engine.close();
    expect([heard, came()]).toEqual([["connected", "disconnected", "connected"], 2]);
    expect(said[1]).toMatch(/^the fleet's engine: lost nats:\S+: what it sends is no NATS: [\x20-\x7e]+$/u);
    expect(unseen).toEqual([]);
  });
});
