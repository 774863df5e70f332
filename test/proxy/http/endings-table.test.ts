/** The table of endings in docs/http.md, walked cell by cell: every kind of exchange, how far it is, and every two things that may happen next. */
import { describe, expect, it } from "vitest";
import { Cell, EVENTS, POOL_EVENTS, PROGRESS, type Event, type Kind } from "../../support/endings.js";
import { get } from "../../support/http-lab.js";
import { fault } from "../../support/lab.js";
import { sample } from "../../support/scope.js";

const OK = ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "67890"] as const;
const AT_ONCE = [OK.join(""), ""] as const;
const UPGRADE = get("/ws", ["Connection: Upgrade", "Upgrade: websocket"]);
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const CONNECT = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n";
const ESTABLISHED = "HTTP/1.1 200 Connection Established\r\n\r\n";

const KINDS: Readonly<Record<string, Kind>> = {
  "a plain exchange": { request: get("/"), answer: OK },
  "an answer in one piece": { request: get("/"), answer: AT_ONCE },
  "an answer in one piece, of a pool": { request: get("/"), answer: AT_ONCE, pooled: true },
  "a stream of chunks of a pool": {
    request: get("/"),
    answer: ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "1\r\nb\r\n0\r\n\r\n"],
    pooled: true,
  },
  "an answer that lasts until the end": {
    request: get("/"),
    answer: ["HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n", "data: 2\n\n"],
  },
  "a stream of chunks": {
    request: get("/"),
    answer: ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "1\r\nb\r\n0\r\n\r\n"],
  },
  "an upload": {
    request: "POST / HTTP/1.1\r\nHost: jobs.test\r\nContent-Length: 10\r\n\r\n12345",
    rest: "67890",
    answer: OK,
  },
  "a body that waits for 100": {
    request: "PUT / HTTP/1.1\r\nHost: jobs.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
    rest: "body",
    answer: ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
  },
  "two pipelined requests": { request: get("/1") + get("/2"), answer: OK },
  "a CONNECT": { request: CONNECT, answer: [ESTABLISHED, "220 smtp.test\r\n"], bytesFrom: 1 },
  "a CONNECT that is refused": {
    request: CONNECT,
    answer: ["HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\n", "no"],
  },
  "an Upgrade": { request: UPGRADE, answer: [SWITCHING, "\x81\x01s"], bytesFrom: 1 },
  "an Upgrade with a body": {
    request: `${UPGRADE.slice(0, -2)}Content-Length: 4\r\n\r\nbo`,
    rest: "dy",
    answer: OK,
  },
  "TLS": { request: "\x16\x03\x01\0\x05hello", answer: ["\x16\x03\x03hello", "more"], bytesFrom: 0 },
  "an answer with two meanings, relayed": {
    request: get("/"),
    answer: ["HTTP/1.1 200 OK\ncontent-length: 2\n\nok", "more"],
    relay: true,
    bytesFrom: 1,
  },
  "a request that is held": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("http_delay", { delay: "1h" })],
    replaced: true,
  },
  "an answer that is held": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("http_delay", { delay: "1h" }, { at: "after" })],
    replaced: true,
  },
  "an answer that comes late": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("late_response", { hold: "1h" })],
    replaced: true,
  },
  "an answer whose bytes are held": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("latency", { delay: "1h" }, { directions: "downstream" })],
    replaced: true,
  },
  "an answer that is lost, and a client that hangs": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("lost_response", { then: "hang" })],
    replaced: true,
  },
  "an answer that is lost, and a reset": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("lost_response")],
    replaced: true,
  },
  "an answer that is lost, and a status": {
    request: get("/"),
    answer: AT_ONCE,
    faults: () => [fault("lost_response", { then: "status", status: 502 })],
    replaced: true,
  },
  "a request that is lost, and a client that hangs": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("lost_request", { then: "hang" })],
    replaced: true,
  },
  "a request that is lost, and a reset": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("lost_request")],
    replaced: true,
  },
  "a request that is lost, and a status": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("lost_request", { then: "status", status: 502 })],
    replaced: true,
  },
  "a request that a fault answers": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("http_status", { status: 503 })],
    replaced: true,
  },
  "an answer that a fault replaces": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("http_status", { status: 503 }, { at: "after" })],
    replaced: true,
  },
  "a CONNECT that a fault answers": {
    request: CONNECT,
    answer: [ESTABLISHED, "220 smtp.test\r\n"],
    faults: () => [fault("http_status", { status: 503 }, { at: "after" })],
    replaced: true,
  },
  "an Upgrade whose answer is held": {
    request: UPGRADE,
    answer: [SWITCHING, "\x81\x01s"],
    faults: () => [fault("http_delay", { delay: "1h" }, { at: "after" })],
    replaced: true,
  },
  "an Upgrade whose answer is lost": {
    request: UPGRADE,
    answer: [SWITCHING, "\x81\x01s"],
    faults: () => [fault("lost_response", { then: "status", status: 502 })],
    replaced: true,
  },
  "a connection that is black-holed": {
    request: get("/"),
    answer: OK,
    faults: () => [fault("blackhole")],
    replaced: true,
  },
};

/** Before the limit of the test, so that the cell is told: of a machine that is busy, too. */
const NEVER_MS = 60_000;
const ONLY = process.env["ENDINGS"]?.split("|");

describe.each([
  ["plain", 4],
  ["tls", 2],
] as const)("over a leg of %s, whatever happens to", (leg, cells) => {
  for (const [name, kind] of Object.entries(KINDS))
    for (const progress of PROGRESS)
      it(`${name}, ${progress} parts of its answer said, nothing is left and nobody is told what is not so`, async () => {
        const next: readonly Event[] = kind.pooled === true ? [...EVENTS, ...POOL_EVENTS] : EVENTS;
        const wrong: string[] = [];
        const all = next.flatMap((first) => next.map((second): Event[] => [first, second]));
        // Over TLS each pair is walked for one of the parts: all of them would take as long again as everything else.
        const pairs = leg === "tls" ? all.filter((_, index) => index % PROGRESS.length === progress) : all;
        for (const events of sample(
          pairs,
          cells,
          undefined,
          `${name} ${progress}${leg === "tls" ? " tls" : ""}`,
        )) {
          const cell = `${leg} | ${name} | ${progress} | ${events.join(", ")}`;
          if (ONLY !== undefined && !ONLY.some((only) => cell.includes(only))) continue;
          let late: NodeJS.Timeout | undefined;
          try {
            await Promise.race([
              new Cell(kind, leg).play(progress, events),
              new Promise((_, reject) => {
                late = setTimeout(() => {
                  reject(new Error("it never ends"));
                }, NEVER_MS);
              }),
            ]);
          } catch (error) {
            wrong.push(`${cell}: ${String(error)}`);
          } finally {
            clearTimeout(late);
          }
        }
        expect(wrong).toEqual([]);
      });
});
