/** The table of endings, smaller, for upstreams behind TLS: their FIN comes behind a close_notify, or without one, or is an RST. */
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { CERTIFICATE, KEY } from "../../support/certificate.js";
import { get, httpTimeLab } from "../../support/http-lab.js";
import { turns, until } from "../../support/lab.js";
import { sample } from "../../support/scope.js";

const ANSWER = ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "67890"] as const;
const EVENTS = [
  "client request",
  "client half-close",
  "client close",
  "client RST",
  "server bytes",
  "server close_notify",
  "server FIN alone",
  "server RST",
  "removal",
] as const;
type Event = (typeof EVENTS)[number];

async function play(progress: number, events: readonly Event[]): Promise<void> {
  const { lab, time } = httpTimeLab();
  try {
    const sessions: TLSSocket[] = [];
    const carriers: Socket[] = [];
    const heard: string[] = [];
    const server = createServer({ cert: CERTIFICATE, key: KEY }, (session) => {
      sessions.push(session);
      session.on("error", () => undefined);
      session.on("data", (chunk: Buffer) => heard.push(chunk.toString("latin1")));
    });
    server.on("connection", (carrier: Socket) => {
      carriers.push(carrier);
      carrier.on("error", () => undefined);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    lab.onEnd(() => {
      for (const carrier of carriers) carrier.destroy();
      server.close();
    });
    const tls = { ca: CERTIFICATE, insecure: false, servername: "jobs.test" };
    const proxy = await lab.http((server.address() as AddressInfo).port, { tls });
    const client = lab.client(proxy);
    client.write(get("/1"));
    await until(() => heard.join("").includes("/1"));
    const forbidden: string[] = [];
    let said = 0;
    const act = (event: Event): void => {
      const [session] = sessions;
      const [carrier] = carriers;
      switch (event) {
        case "client request":
          if (!client.socket.writable) break;
          if (client.end !== null) forbidden.push(`/late-${forbidden.length}`);
          client.write(get(client.end === null ? "/next" : (forbidden.at(-1) ?? "")));
          break;
        case "client half-close":
          client.fin();
          break;
        case "client close":
          client.socket.destroy();
          break;
        case "client RST":
          if (!client.socket.destroyed) client.rst();
          break;
        case "server bytes":
          if (session?.writable === true && said < 2) session.write(ANSWER[said++] ?? "");
          break;
        case "server close_notify":
          session?.end();
          break;
        case "server FIN alone":
          carrier?.destroy();
          break;
        case "server RST":
          if (carrier?.destroyed === false) carrier.resetAndDestroy();
          break;
        case "removal":
          proxy.stop();
          break;
      }
    };
    for (let part = 0; part < progress; part++) act("server bytes");
    for (const event of events) {
      await turns(12);
      act(event);
    }
    await turns(12);
    expect(ANSWER.join("").startsWith(client.text)).toBe(true);
    client.socket.destroy();
    await turns(12);
    for (const session of sessions) session.destroy();
    await turns(12);
    time.advance(1_000);
    await until(() => proxy.stats.connectionsActive === 0);
    await turns(12);
    expect(lab.context.slots.taken).toBe(0);
    expect(time.idle).toBe(true);
    expect(lab.facts.of("mistake")).toEqual([]);
    for (const mark of forbidden) expect(heard.join("")).not.toContain(mark);
    expect(proxy.exchanges.responses().reduce((sum, [, , count]) => sum + count, 0)).toBe(
      proxy.exchanges.requests,
    );
  } finally {
    await lab.close();
  }
}

describe("an exchange with an upstream behind TLS leaves nothing", () => {
  for (const progress of [0, 1, 2])
    for (const first of EVENTS)
      it(`with ${progress} parts of its answer said, when ${first} is followed by anything`, async () => {
        for (const second of sample(EVENTS, 4, undefined, `${progress} ${first}`))
          try {
            await play(progress, [first, second]);
          } catch (error) {
            throw new Error(`${first}, ${second}: ${String(error)}`, { cause: error });
          }
      });
});
