/** A fleet that is switched while its daemons are busy: no request is lost, and those that are under way do not notice. */
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSquall, type Squall } from "../../src/index.js";
import { natsVersion, NatsServer } from "../support/nats-server.js";
import { FleetProcesses, now, quantile } from "./support/fleet-processes.js";

const CONNECTIONS = Number(process.env["SQUALL_FLEET_CONNECTIONS"] ?? 1_000);
const SECONDS = Number(process.env["SQUALL_FLEET_SECONDS"] ?? 20);
const AT_A_TIME = 500;
const SWITCH_EVERY_MS = 250;
const DAEMONS = 4;
const REQUEST = "GET /jobs HTTP/1.1\r\nHost: jobs.test\r\n\r\n";
/** Two that differ in a header of the answer, so that a switch is seen by those who are hit. */
const PROFILES = ["one", "two"].map((name) => ({
  name,
  text: `profile: ${name}\nfaults: [{ type: http_headers, set: { x-plan: ${name} } }]\n`,
}));

/** One request after the other on one connection, each answered whole before the next. */
class Asker {
  asked = 0;
  answered = 0;
  readonly took: number[] = [];
  readonly plans = new Set<string>();
  failure: string | null = null;
  #going = false;
  #stopped = false;
  #since = 0;
  #text = "";
  readonly #socket: Socket;
  /** Its first answer, or its end. */
  readonly begun: Promise<void>;
  readonly over: Promise<void>;

  constructor(address: string) {
    const [host = "", port = ""] = address.split(":");
    this.#socket = connect(Number(port), host);
    this.#socket.setNoDelay(true);
    let begin = (): void => undefined;
    this.begun = new Promise((resolve) => (begin = resolve));
    this.#socket.once("data", begin).once("close", begin);
    this.over = new Promise((resolve) => {
      this.#socket.once("close", () => {
        if (!this.#stopped || this.asked !== this.answered) this.failure ??= "closed";
        resolve();
      });
    });
    this.#socket.on("error", (error) => (this.failure ??= error.message));
    this.#socket.on("connect", () => {
      this.#ask();
    });
    this.#socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      const end = this.#text.indexOf("\r\n\r\n");
      if (end < 0 || this.#text.length < end + 4 + 4) return;
      if (!this.#text.startsWith("HTTP/1.1 200") || !this.#text.endsWith("fine")) this.failure ??= this.#text;
      this.plans.add(/x-plan: (\w+)/iu.exec(this.#text)?.[1] ?? "none");
      this.#text = "";
      this.answered++;
      this.took.push(now() - this.#since);
      if (this.#stopped) this.#socket.end();
      else if (this.#going) this.#ask();
    });
  }

  /** From its first answer on it asks again and again. */
  go(): void {
    this.#going = true;
    this.#ask();
  }

  #ask(): void {
    this.asked++;
    this.#since = now();
    this.#socket.write(REQUEST);
  }

  stop(): void {
    this.#stopped = true;
  }
}

describe.skipIf(natsVersion() === null)("a fleet that is switched under load (needs: nats-server)", () => {
  let nats: NatsServer;
  let upstream: Server;
  let controller: Squall;
  let daemons: FleetProcesses;

  beforeAll(async () => {
    nats = await NatsServer.start();
    upstream = createServer((_request, response) => response.end("fine"));
    upstream.keepAliveTimeout = 120_000;
    await new Promise<void>((resolve) =>
      upstream.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, resolve),
    );
    controller = await startSquall({
      config: {
        fleet: { name: "load", engine: nats.url, daemon: "controller", control: true, journal: "none" },
        proxies: { jobs: { listen: "127.0.0.1:0", upstream: "http://127.0.0.1:9" } },
      },
    });
    for (const { name, text } of PROFILES) controller.putProfile(name, text);
    daemons = new FleetProcesses({
      engine: nats.url,
      fleet: "load",
      processes: DAEMONS,
      each: 1,
      upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    });
    await daemons.until("ready", DAEMONS);
    daemons.say("go");
    await daemons.until("joined", DAEMONS);
  }, 300_000);
  afterAll(async () => {
    await daemons.close();
    await controller.stop();
    await nats.close();
    upstream.closeAllConnections();
    upstream.close();
  }, 300_000);

  async function underLoad(during: (until: number) => Promise<void>): Promise<readonly Asker[]> {
    const addresses = daemons.of("joined").map(({ address }) => address);
    const askers: Asker[] = [];
    // Some at a time, and calm until all are there: a kernel that holds too many for a busy server resets them, whoever is in between.
    while (askers.length < CONNECTIONS) {
      const some = Math.min(AT_A_TIME, CONNECTIONS - askers.length);
      const next = Array.from(
        { length: some },
        (_, n) => new Asker(addresses[(askers.length + n) % addresses.length] ?? ""),
      );
      askers.push(...next);
      await Promise.all(next.map(({ begun }) => begun));
    }
    for (const asker of askers) asker.go();
    await during(now() + SECONDS * 1_000);
    for (const asker of askers) asker.stop();
    await Promise.all(askers.map(({ over }) => over));
    return askers;
  }

  it("loses no request, whoever switches what", async () => {
    const calm = await underLoad(async (until) => sleep(until - now()));
    let switches = 0;
    const busy = await underLoad(async (until) => {
      while (now() < until) {
        const answer = await fetch(`${controller.adminUrl}/fleet/active`, {
          method: "PUT",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({
            profile: PROFILES[switches % 2]?.name,
            ttl: "10m",
            daemons: ["d-*"],
            require: "none",
          }),
        });
        await answer.arrayBuffer();
        expect(answer.status).toBe(200);
        switches++;
        await sleep(SWITCH_EVERY_MS);
      }
    });
    const told = (askers: readonly Asker[]): string => {
      const took = askers.flatMap((asker) => asker.took);
      return `${took.length} requests, p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms`;
    };
    console.log(
      `${CONNECTIONS} connections to ${DAEMONS} daemons, ${SECONDS} s each: calm ${told(calm)}; with ${switches} switches ${told(busy)} ` +
        `(load ${loadavg()[0]?.toFixed(1) ?? ""})`,
    );
    for (const asker of [...calm, ...busy]) {
      expect(asker.failure).toBeNull();
      expect(asker.answered).toBe(asker.asked);
    }
    expect(switches).toBeGreaterThan(3);
    const plans = new Set(busy.flatMap((asker) => [...asker.plans]));
    expect([plans.has("one"), plans.has("two")]).toEqual([true, true]);
  });
});
