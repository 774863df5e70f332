/**
 * Three servers of NATS, of which the leader is killed while two writers put a plan each, again and again: one outcome, the same for all.
 * A writer is told that it was put, that another one was faster, or that nobody answered; what it is told is true.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineError, type FleetEngine } from "../../src/fleet/contract/engine.js";
import { openEngine } from "../../src/fleet/engines/open.js";
import { engineOptions } from "../support/fleet-engines.js";
import { freePort } from "../support/free-port.js";
import { DEBIAN_NATS, natsVersion, NatsServer, NEWEST_NATS } from "../support/nats-server.js";

const ROUNDS = 100;
const program = natsVersion(NEWEST_NATS) === null ? DEBIAN_NATS : NEWEST_NATS;
const version = natsVersion(program);

describe.skipIf(version === null)(`three servers of NATS ${version ?? "(needs: nats-server)"}`, () => {
  const servers: NatsServer[] = [];
  const fleet = `t-${randomUUID()}`;
  const engines: FleetEngine[] = [];

  beforeAll(async () => {
    const routes = [await freePort(), await freePort(), await freePort()];
    for (const [at, route] of routes.entries()) {
      const others = routes.map((port) => `nats://127.0.0.1:${port}`).join(", ");
      const config = `cluster { name: squall, listen: 127.0.0.1:${route}, routes: [${others}] }`;
      servers.push(await NatsServer.start({ program, name: `n${at}`, config }));
    }
    const all = servers.map(({ url }) => url);
    for (const urls of [all, all, ...all.map((url) => [url])])
      engines.push(await openEngine(engineOptions(urls, { fleet, replicas: 3 })));
  });
  afterAll(async () => {
    for (const one of [...engines, ...servers]) await one.close();
  });

  /** Asks until there is an answer: while there is no leader there is none. */
  const insist = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof EngineError && error.failure !== "away" && error.failure !== "failed")
          throw error;
        await pause(100);
      }
    }
  };
  const leader = (): Promise<NatsServer> =>
    insist(async () => {
      for (const server of servers.filter(({ pid }) => pid !== 0)) {
        const info = await server.api(`STREAM.INFO.KV_squall-${fleet}`).catch(() => null);
        const cluster = info?.["cluster"] as {
          readonly leader?: string;
          readonly replicas?: { readonly current?: boolean }[];
        };
        const found = servers.find((_one, at) => cluster?.leader === `n${at}`);
        const isWhole =
          cluster?.replicas?.length === 2 && cluster.replicas.every(({ current }) => current === true);
        if (found !== undefined && isWhole) return found;
      }
      throw new EngineError("away", "no leader yet");
    });

  it(`has one outcome in each of ${ROUNDS} rounds`, async () => {
    const [one, two, ...each] = engines as [FleetEngine, FleetEngine, ...FleetEngine[]];
    const tally = new Map<string, number>();
    let slowest = 0;
    await insist(() => one.put(new TextEncoder().encode("start"), "any"));
    for (let round = 0; round < ROUNDS; round++) {
      const victim = await leader();
      const { serial } = await insist(() => one.read());
      const marks = [`${round} one`, `${round} two`];
      const begun = performance.now();
      const told = Promise.all(
        [one, two].map((engine, at) =>
          engine.put(new TextEncoder().encode(marks[at]), serial).then(
            (got) => ({ mark: marks[at], got, failure: null, why: "" }),
            (error: unknown) => {
              if (!(error instanceof EngineError)) throw error;
              return { mark: marks[at], got: 0, failure: error.failure, why: error.message };
            },
          ),
        ),
      );
      await pause(round % 10);
      await victim.kill();
      const results = await told;
      slowest = Math.max(slowest, performance.now() - begun);
      await victim.start();
      await leader();
      const plans = await insist(() => one.history(64));
      const put = plans.filter((plan) => plan.serial > serial);
      const kept = put.map(
        ({ bytes, serial: at }) => `${at} ${new TextDecoder().decode(bytes ?? new Uint8Array())}`,
      );
      // One of the two at most: both wanted to follow the same plan.
      expect(kept.length).toBeLessThanOrEqual(1);
      for (const { mark, got, failure, why } of results) {
        if (failure === null) expect(kept).toEqual([`${got} ${mark}`]);
        if (failure === "conflict") {
          const other = results.find((result) => result.mark !== mark);
          // A leader that knows of the other's says so, and may die before anybody else has it: then he is told nothing.
          if (kept.length > 0) expect(kept[0]).toMatch(new RegExp(` ${other?.mark ?? ""}$`, "u"));
          else expect(other?.failure).toBe("away");
        }
        expect(["conflict", "away", null], why).toContain(failure);
      }
      // All see the same, whichever server they are connected to.
      const seen = await Promise.all(each.map((engine) => insist(() => engine.read())));
      expect(new Set(seen.map((plan) => `${plan.serial} ${String(plan.bytes)}`)).size).toBe(1);
      const story = results
        .map(({ failure }) => failure ?? "put")
        .sort()
        .join(" and ");
      tally.set(story, (tally.get(story) ?? 0) + 1);
    }
    const lines = [...tally].map(([story, count]) => `${story}: ${count}`).join(", ");
    console.log(
      `${ROUNDS} rounds on nats-server ${version ?? ""}: ${lines}; told after ${Math.round(slowest)} ms at the latest`,
    );
  });
});
