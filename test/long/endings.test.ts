/**
 * Endings by the hundred thousand: exchanges of all kinds, which both sides end at random while faults come and go, and nothing
 * is left of them. And a real server and real clients whose times to give up a connection are the same. Needs a build.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { freePort } from "../support/free-port.js";
import { LongDaemon, until } from "./support/daemon.js";

const EXCHANGES = Number(process.env["SQUALL_ENDINGS"] ?? 100_000);
const SEED = Number(process.env["SQUALL_SOAK_SEED"] ?? 1);
/** How many clients are there at once. */
const WIDTH = 40;
/** How long a client waits for something to come: long enough for one who comes behind many others. */
const HEARS_MS = 1_500;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

let state = SEED;
/** A linear congruential generator (Numerical Recipes): what is drawn need be no better than that. */
const unit = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
const chance = (share: number): boolean => unit() < share;
const one = <T>(of: readonly T[]): T => of[Math.floor(unit() * of.length)] as T;

const head = (line: string, fields: readonly string[] = []): string =>
  `${line} HTTP/1.1\r\n${["Host: jobs.test", ...fields].join("\r\n")}\r\n\r\n`;
const REQUESTS = [
  head("GET /plain"),
  head("GET /stream"),
  head("GET /1") + head("GET /2"),
  head("HEAD /head"),
  `${head("POST /upload", ["Content-Length: 10"])}12345`,
  `${head("POST /upload", ["Content-Length: 10"])}1234567890`,
  head("PUT /expect", ["Expect: 100-continue", "Content-Length: 4"]),
  head("CONNECT db:5432"),
  head("GET /ws", ["Connection: Upgrade", "Upgrade: websocket"]),
  head("GET /h2c", ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"]),
  "\x16\x03\x01\0\x05hello",
  "GET / HTTP/1.1\r\nHost",
];
const ANSWERS = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nas long as it lasts",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01s",
  "HTTP/1.1 204 No Content\r\n\r\n",
  "HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
  "HTTP/1.1 200 O",
  "",
];
const FAULTS = [
  [],
  [{ type: "http_delay", delay: "20ms" }],
  [{ type: "http_delay", delay: "20ms", at: "after" }],
  [{ type: "late_response", hold: "30ms" }],
  [{ type: "latency", delay: "10ms", jitter: "10ms" }],
  [{ type: "lost_response", then: "hang", when: { probability: "30%" } }],
  [{ type: "lost_response", when: { probability: "30%" } }],
  [{ type: "lost_request", then: "hang", when: { probability: "30%" } }],
  [{ type: "lost_request", when: { probability: "30%" } }],
  [{ type: "http_status", status: 503, at: "after", when: { probability: "50%" } }],
  [{ type: "blackhole", part: "20%" }],
  [{ type: "http_truncate", after: "2B", when: { probability: "50%" } }],
  [{ type: "overload", concurrency: 4, service_time: "10ms" }],
  [{ type: "duplicate_request", when: { probability: "50%" } }],
];

/** Ends a socket in one of the ways there are, or says something more. */
function act(socket: Socket, words: readonly string[]): void {
  if (socket.destroyed) return;
  switch (Math.floor(unit() * 6)) {
    case 0:
      socket.end();
      break;
    case 1:
      socket.destroy();
      break;
    case 2:
      socket.resetAndDestroy();
      break;
    default:
      if (socket.writable) socket.write(Buffer.from(one(words), "latin1"));
  }
}

async function wildServer(): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => {
      act(socket, ANSWERS);
      if (chance(0.3)) setTimeout(act, unit() * 20, socket, ANSWERS);
    });
    // No server waits for ever.
    setTimeout(() => socket.destroy(), 300 + unit() * 300);
    socket.on("end", () => setTimeout(() => socket.destroy(), unit() * 20));
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(server, "listening");
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** One connection with an exchange or some; resolves to how many, when the client has nothing more to do with it. */
async function wildClient(port: number): Promise<number> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  socket.on("error", () => undefined);
  let heard = (): void => undefined;
  for (const event of ["data", "end", "close"])
    socket.on(event, () => {
      heard();
    });
  socket.resume();
  const hears = (): Promise<unknown> =>
    Promise.race([new Promise<void>((done) => (heard = done)), pause(HEARS_MS)]);
  let said = 0;
  const turns = 1 + Math.floor(unit() * 4);
  for (let turn = 0; turn < turns && !socket.destroyed; turn++) {
    if (turn === 0 || chance(0.6)) {
      if (socket.writable) socket.write(Buffer.from(one(REQUESTS), "latin1"));
      said++;
    } else {
      act(socket, REQUESTS);
    }
    // Some wait for what comes of it; if none did, the daemon would only ever meet connections that have ended.
    if (chance(0.5)) await hears();
    else await pause(unit() * 15);
  }
  if (chance(0.5)) socket.destroy();
  else socket.resetAndDestroy();
  return said;
}

it(`leaves nothing of ${EXCHANGES} exchanges that both sides end at random`, async () => {
  const upstream = `http://127.0.0.1:${await wildServer()}`;
  const proxies = {
    jobs: { listen: "127.0.0.1:0", upstream },
    relay: { listen: "127.0.0.1:0", upstream, ambiguous: "relay" },
    pool: { listen: "127.0.0.1:0", upstreams: { a: upstream, b: `http://127.0.0.1:${await wildServer()}` } },
    bytes: { listen: "127.0.0.1:0", upstream: upstream.replace("http", "tcp") },
  };
  const daemon = await LongDaemon.start({ proxies, journal: { keep: 1_000 } });
  ends.push(() => void daemon.close());
  const names = Object.keys(proxies);
  const ports = await Promise.all(names.map(async (name) => (await daemon.listens(name)).port));
  const active = (): Promise<number> => daemon.metric("squall_connections_active");
  // The first of everything opens what stays.
  for (const port of ports) await wildClient(port);
  await until("the first connections have gone", async () => (await active()) === 0);
  const before = daemon.descriptors;
  const accepted = (): Promise<number> => daemon.metric("squall_connections_total");
  const acceptedBefore = await accepted();
  const began = performance.now();
  let exchanges = 0;
  let switching = true;
  const switches = (async () => {
    while (switching) {
      await daemon.call("PUT", "/active", { faults: one(FAULTS) });
      await pause(150);
    }
  })();
  await Promise.all(
    Array.from({ length: WIDTH }, async () => {
      while (exchanges < EXCHANGES) {
        const said = await wildClient(one(ports));
        // Added when it is known: `exchanges += await …` would read the sum before all others had added theirs.
        exchanges += said;
      }
    }),
  );
  switching = false;
  await switches;
  const seconds = (performance.now() - began) / 1000;
  await daemon.call("DELETE", "/active");
  const quiet = performance.now();
  // Those that came and went before the daemon could accept them are still to be told so.
  await until(
    "no place is taken",
    async () => {
      await pause(200);
      return (await active()) === 0;
    },
    120_000,
  );
  const freed = performance.now() - quiet;
  await until("the descriptors are back", () => daemon.descriptors <= before + 2, 20_000);
  expect(daemon.said("error")).toEqual([]);
  console.log(
    `  ${exchanges} exchanges on ${(await accepted()) - acceptedBefore} connections in ${seconds.toFixed(0)} s: 0 places left ${freed.toFixed(0)} ms after the last, ` +
      `${before} descriptors before, ${daemon.descriptors} after`,
  );
});

// -- nginx, and clients that come just when it has had enough of them -------------------------------------------------

const SESSIONS = 25;
const ASKED = Number(process.env["SQUALL_KEEPALIVE_ROUNDS"] ?? 8);
const BOTS = `
import sys, threading, time, requests
url, rounds, errors, served, lock = sys.argv[1], int(sys.argv[2]), 0, 0, threading.Lock()
def bot(number):
    global errors, served
    session = requests.Session()
    # A pool that looks whether its connection is dead does so before it sends; this one does not.
    import urllib3.connectionpool as pool
    pool.is_connection_dropped = lambda connection: False
    start = time.monotonic()
    for turn in range(rounds):
        time.sleep(max(0, start + turn * 3.0 - time.monotonic()))
        try:
            ok = session.get(url + "/%d-%d" % (number, turn), timeout=5).status_code == 200
        except requests.RequestException:
            ok = False
        with lock:
            served += ok
            errors += not ok
threads = [threading.Thread(target=bot, args=(n,)) for n in range(${SESSIONS})]
[t.start() for t in threads]
[t.join() for t in threads]
print(served, errors)
`;

function missing(): string | null {
  if (spawnSync("nginx", ["-v"]).error !== undefined) return "nginx";
  return spawnSync("python3", ["-c", "import requests"]).status === 0 ? null : "python3 with requests";
}

it.skipIf(missing() !== null)(
  "shows bots that ask nginx every 3 s, which closes after 3 s, as many errors as nginx has not served",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-nginx-"));
    ends.push(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    mkdirSync(join(folder, "tmp"));
    const port = await freePort();
    const log = join(folder, "access.log");
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path tmp;`,
    );
    writeFileSync(
      join(folder, "nginx.conf"),
      `${process.getuid?.() === 0 ? "user root;" : ""} worker_processes 1; daemon off; master_process off; pid nginx.pid;
error_log stderr error; events { worker_connections 1000; }
http { ${temporary.join(" ")} log_format uri "$uri"; access_log ${log} uri; keepalive_timeout 3s;
server { listen 127.0.0.1:${port}; location / { return 200 "ok"; } } }`,
    );
    const nginx = spawn("nginx", ["-p", `${folder}/`, "-c", join(folder, "nginx.conf"), "-e", "stderr"], {
      stdio: "ignore",
    });
    ends.push(() => nginx.kill());
    const daemon = await LongDaemon.start({
      proxies: { jobs: { listen: "127.0.0.1:0", upstream: `http://127.0.0.1:${port}` } },
    });
    ends.push(() => void daemon.close());
    const through = (await daemon.listens("jobs")).port;
    const run = async (to: number): Promise<{ asked: number; errors: number; unserved: number }> => {
      const before = readFileSync(log, "utf8").length;
      const bots = spawn("python3", ["-c", BOTS, `http://127.0.0.1:${to}`, String(ASKED)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      bots.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      await once(bots, "close");
      const [served = 0, errors = 0] = text.trim().split(" ").map(Number);
      const asked = SESSIONS * ASKED;
      expect(served + errors).toBe(asked);
      const lines = readFileSync(log, "utf8")
        .slice(before)
        .trim()
        .split("\n")
        .filter((line) => line !== "");
      return { asked, errors, unserved: asked - new Set(lines).size };
    };
    await until(
      "nginx listens",
      () =>
        spawnSync("python3", ["-c", `import socket; socket.create_connection(("127.0.0.1", ${port}))`])
          .status === 0,
    );
    const direct = await run(port);
    const proxied = await run(through);
    await until(
      "no place is taken",
      async () => (await daemon.metric("squall_connections_active")) === 0,
      10_000,
    );
    const told = (what: string, { asked, errors, unserved }: typeof direct): string =>
      `  ${what}: ${asked} requests, ${errors} errors at the clients, ${unserved} that nginx has not served`;
    console.log(`${told("direct", direct)}\n${told("through Squall", proxied)}; 0 places left`);
    expect(direct.errors).toBe(direct.unserved);
    expect(proxied.errors).toBe(proxied.unserved);
  },
);
