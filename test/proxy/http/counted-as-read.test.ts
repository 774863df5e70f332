/** Answers that are ended somewhere, by a fault or by a server's RST at any moment behind them: those are counted that the client has read. */
import { afterEach, describe, expect, it } from "vitest";
import { get, HttpLab, ok, said } from "../../support/http-lab.js";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";
import { fault, turns, until, type Client } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const NO_CONTENT = "HTTP/1.1 204 No Content\r\n\r\n";
const REQUESTS = get("/1") + get("/2") + get("/3");
const FAULTS = ["cut", "truncate", "reset"] as const;
const WAYS = ["close", "reset"] as const;
/** Within the head of each answer, at its very end, and behind all. */
const AFTER = [1, 20, 26, 27, 28, 30, 53, 54, 55, 70, 80, 81, 82] as const;

async function statuses(
  type: string,
  after: number,
  then: string,
  halfCloses: boolean,
  writes: number,
): Promise<readonly [read: string, counted: string]> {
  lab = new HttpLab();
  const upstream = await lab.upstream();
  const proxy = await lab.http(upstream.port);
  const ends = type === "reset" ? {} : { then };
  lab.use([fault(type, { after: `${after}B`, ...ends }, { directions: "downstream" })]);
  const client = lab.client(proxy);
  client.write(REQUESTS);
  if (halfCloses) client.fin();
  const server = await upstream.next();
  await server.received(REQUESTS.length);
  if (writes === 1) server.write(NO_CONTENT.repeat(3));
  else
    for (let n = 0; n < 3 && server.socket.writable; n++) {
      server.write(NO_CONTENT);
      await turns(3);
    }
  await turns(10);
  if (!server.socket.destroyed) server.fin();
  return counts(proxy, client);
}

/** What the client has read in the end, and what is counted. */
async function counts(proxy: HttpProxy, client: Client): Promise<readonly [read: string, counted: string]> {
  await client.ended;
  client.socket.destroy();
  await until(() => proxy.stats.connectionsActive === 0);
  const read = [...client.text.matchAll(/HTTP\/1\.1 (\d{3}) [^]*?\r\n\r\n/gu)].map(
    ([, status = ""]) => status,
  );
  const counted = proxy.exchanges
    .responses()
    .flatMap(([, code, count]) => (code === "none" ? [] : Array<string>(count).fill(code)));
  return [read.join(), counted.join()];
}

describe("of three pipelined requests whose answers are ended", () => {
  for (const type of FAULTS)
    for (const then of type === "reset" ? (["reset"] as const) : WAYS)
      for (const halfCloses of [false, true])
        it(`by ${type}, then ${then}, the client ${halfCloses ? "having ended its side" : "being there"}, those that it read are counted`, async () => {
          const wrong: string[] = [];
          for (const writes of [1, 3])
            for (const after of AFTER) {
              const [read, counted] = await statuses(type, after, then, halfCloses, writes);
              await lab.close();
              if (read !== counted)
                wrong.push(`after ${after} B, in ${writes} writes: read ${read}, counted ${counted}`);
            }
          expect(wrong).toEqual([]);
        });
});

const REPLACED = {
  "as it is": [],
  "lost, with a status in its place": [fault("lost_response", { then: "status", status: 502 })],
  "replaced by a status": [fault("http_status", { status: 503 }, { at: "after" })],
  "cut short": [fault("http_truncate", { after: "2B" })],
  "held for nothing": [fault("latency", { delay: "0ms" })],
} as const;

describe("of a server that resets so many turns behind its answer, which is", () => {
  for (const [what, faults] of Object.entries(REPLACED))
    for (const pooled of [false, true])
      it(`${what}, ${pooled ? "in a pool, " : ""}what a half-closed client has read is counted`, async () => {
        const wrong: string[] = [];
        for (let behind = 0; behind < 14; behind++) {
          lab = new HttpLab();
          const upstream = await lab.upstream();
          const members = [{ name: "a", host: "127.0.0.1", port: upstream.port }];
          const pool = { members, balance: "first" as const, health: null, eject: null, seed: 1 };
          const proxy = await lab.http(upstream.port, pooled ? { pool } : {});
          lab.use(faults);
          const client = lab.client(proxy);
          client.write(get("/"));
          client.fin();
          const server = await upstream.next();
          await said(server, "\r\n\r\n");
          server.write(ok("hello"));
          await turns(behind);
          server.rst();
          const [read, counted] = await counts(proxy, client);
          await lab.close();
          if (read !== counted) wrong.push(`${behind} turns: read ${read}, counted ${counted}`);
        }
        expect(wrong).toEqual([]);
      });
});
