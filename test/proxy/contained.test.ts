/** A mistake of ours, wherever the event loop comes in, costs one connection, flow or question, and is told: never the daemon. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { SystemClock } from "../../src/core/system-clock.js";
import { ContainedClock } from "../../src/core/containment.js";
import { Connection } from "../../src/proxy/connection.js";
import { Book } from "../../src/proxy/http/book.js";
import { HttpChannel } from "../../src/proxy/http/channel.js";
import { HttpConnection } from "../../src/proxy/http/connection.js";
import { ClientEnd } from "../../src/proxy/http/client-end.js";
import { Departure } from "../../src/proxy/http/departure.js";
import { Detached } from "../../src/proxy/http/detached.js";
import { Foreign } from "../../src/proxy/http/foreign.js";
import { HeadWatch } from "../../src/proxy/http/head-watch.js";
import { Link } from "../../src/proxy/http/link.js";
import { RequestSide } from "../../src/proxy/http/request-side.js";
import { ResponseSide } from "../../src/proxy/http/response-side.js";
import { Turns } from "../../src/proxy/http/turns.js";
import { UpstreamFailures } from "../../src/proxy/http/upstream-failures.js";
import { UpstreamSide } from "../../src/proxy/http/upstream-side.js";
import { Verdicts } from "../../src/proxy/http/verdicts.js";
import { TcpConnection } from "../../src/proxy/tcp/connection.js";
import { Pool } from "../../src/proxy/upstream/pool.js";
import { Pump } from "../../src/pipeline/pump.js";
import { get, HttpLab, ok, post } from "../support/http-lab.js";
import { fault, Lab, turns, until, type Client } from "../support/lab.js";
import { sample } from "../support/scope.js";

let lab: Lab;
afterEach(async () => {
  vi.restoreAllMocks();
  await lab.close();
});

const MISTAKE = "a mistake of ours";

/** The methods of these classes, by name. */
function methodsOf(...classes: readonly { readonly prototype: object }[]): [string, object, string][] {
  return classes.flatMap((type) =>
    Object.entries(Object.getOwnPropertyDescriptors(type.prototype))
      .filter(([name, { value }]) => typeof value === "function" && name !== "constructor")
      .map(([name]): [string, object, string] => [
        `${(type as unknown as { name: string }).name}.${name}`,
        type.prototype,
        name,
      ]),
  );
}

/** From now on this method throws the first time that it is called; says how often it did. */
function breaks(prototype: object, method: string): () => number {
  const original = (prototype as Record<string, (...args: unknown[]) => unknown>)[method];
  let thrown = 0;
  vi.spyOn(prototype as Record<string, () => unknown>, method).mockImplementation(function (
    this: unknown,
    ...args: unknown[]
  ) {
    if (thrown === 0) {
      thrown++;
      throw new Error(MISTAKE);
    }
    return original?.apply(this, args);
  });
  return () => thrown;
}

/** Those that carry a mistake to its end: what they themselves get wrong cannot be made good by them. */
const CARRIERS = new Set(["failed", "guarded"]);

async function ended(client: Client): Promise<void> {
  client.rst();
  await turns(30);
}

/** What goes on meanwhile, of all kinds: answers, delays, bodies, lost answers, clients that leave. */
async function traffic(http: HttpLab, proxy: Awaited<ReturnType<HttpLab["http"]>>): Promise<void> {
  const client = http.client(proxy);
  client.write(get("/a") + get("/slow") + post("/b", "body"));
  await turns(30);
  const lost = http.client(proxy);
  lost.write(get("/lost"));
  await turns(30);
  const hung = http.client(proxy);
  hung.write(get("/hung"));
  await turns(30);
  const dead = http.client(proxy);
  dead.write(get("/die"));
  await turns(30);
  (http.clock as VirtualClock).advance(50);
  await turns(30);
  await ended(client);
  await ended(lost);
  hung.fin();
  await turns(30);
  await ended(hung);
  await ended(dead);
  // Whatever lingers is due by then.
  (http.clock as VirtualClock).advance(120_000);
  await turns(30);
}

const FAULTS = [
  fault("http_delay", { delay: "20ms" }, { match: [{ path: ["/slow"] }] }),
  fault("lost_response", { then: "reset" }, { match: [{ path: ["/lost"] }] }),
  fault("lost_response", { then: "hang" }, { name: "hang", match: [{ path: ["/hung"] }] }),
  fault("latency", { delay: "5ms" }),
];

describe("a mistake in", () => {
  const methods = methodsOf(
    HttpConnection,
    HttpChannel,
    Connection,
    Book,
    ClientEnd,
    Departure,
    Detached,
    Foreign,
    HeadWatch,
    Link,
    RequestSide,
    ResponseSide,
    Turns,
    UpstreamFailures,
    UpstreamSide,
    Verdicts,
    Pump,
    Pool,
  );
  for (const [name, prototype, method] of sample(methods, 80)) {
    if (CARRIERS.has(method)) continue;
    it(`${name} of an http proxy ends nothing but what it was made in`, async () => {
      const http = new HttpLab({ clock: new VirtualClock(1_000) });
      lab = http;
      const server = await http.scripted(({ target, peer }) => {
        if (target === "/die") peer.rst();
        return target === "/die" ? undefined : ok(target);
      });
      const proxy = await http.http(server.port);
      http.use(FAULTS);
      const thrown = breaks(prototype, method);
      await traffic(http, proxy);
      vi.restoreAllMocks();
      http.plan.end(() => true, "healed");
      expect((await http.ask(proxy, get("/well"))).body).toBe("/well");
      await until(() => proxy.stats.connectionsActive === 0);
      expect([http.context.slots.taken, http.context.budget.held]).toEqual([0, 0]);
      const told = http.facts.of("mistake").filter(({ error }) => String(error).includes(MISTAKE));
      expect(told.length).toBeGreaterThanOrEqual(thrown());
    });
  }

  for (const [name, prototype, method] of sample(methodsOf(TcpConnection, Connection, Pump), 40)) {
    if (CARRIERS.has(method)) continue;
    it(`${name} of a tcp proxy ends nothing but what it was made in`, async () => {
      lab = new Lab({ clock: new VirtualClock(1_000) });
      const echo = await lab.server((socket) => {
        socket.pipe(socket);
      });
      const proxy = await lab.proxy(echo);
      lab.use([fault("latency", { delay: "5ms" }), fault("accept_delay", { delay: "5ms" })]);
      const thrown = breaks(prototype, method);
      for (const end of ["fin", "rst"] as const) {
        const client = lab.client(proxy);
        client.write("hello");
        for (let step = 0; step < 4; step++) {
          await turns(20);
          (lab.clock as VirtualClock).advance(10);
        }
        client[end]();
        await turns(30);
        client.rst();
        (lab.clock as VirtualClock).advance(60_000);
        await turns(30);
      }
      vi.restoreAllMocks();
      lab.plan.end(() => true, "healed");
      const client = lab.client(proxy);
      client.write("again");
      expect((await client.received(5)).toString()).toBe("again");
      client.fin();
      await until(() => proxy.stats.connectionsActive === 0);
      expect([lab.context.slots.taken, lab.context.budget.held]).toEqual([0, 0]);
      expect(lab.facts.of("mistake").length).toBeGreaterThanOrEqual(thrown());
    });
  }
});

describe("a timer that throws", () => {
  it("is told of, and those behind it run at their time", async () => {
    lab = new Lab();
    const told: string[] = [];
    const clock = new SystemClock((error) => told.push(String(error)));
    await new Promise<void>((resolve) => {
      for (const kind of ["at", "exactly"] as const) {
        clock[kind](clock.now() + 1, () => {
          throw new Error(kind);
        });
      }
      clock.exactly(clock.now() + 1, () => {
        clock.at(clock.now() + 5, resolve);
      });
    });
    expect(told.sort()).toEqual(["Error: at", "Error: exactly"]);
  });

  it("costs its owner, where it has one", () => {
    lab = new Lab();
    const time = new VirtualClock();
    const failed: unknown[] = [];
    const clock = new ContainedClock(time, { failed: (error) => failed.push(error) });
    for (const kind of ["at", "exactly"] as const)
      clock[kind](5, () => {
        throw new Error(kind);
      });
    expect(() => {
      time.advance(10);
    }).not.toThrow();
    expect(failed.map(String)).toEqual(["Error: at", "Error: exactly"]);
  });
});
