/**
 * Half an hour of everything at once: traffic of every kind, and profiles that switch at random. Every so often all is healed:
 * then every byte must pass, and once it is quiet the daemon must hold no more than it did before. Needs a build.
 *
 * SQUALL_SOAK_MINUTES is for how long, SQUALL_SOAK_SEED which profiles, and for how long each.
 */
import { afterEach, expect, it } from "vitest";
import { setTimeout as pause } from "node:timers/promises";
import { LongDaemon, until, type Json } from "./support/daemon.js";
import { mib } from "./support/proxy-process.js";
import { randomOf } from "./support/seeded.js";
import { KINDS, Servers, Traffic } from "./support/traffic.js";

const MINUTES = Number(process.env["SQUALL_SOAK_MINUTES"] ?? 30);
const SEED = Number(process.env["SQUALL_SOAK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
/** Between two looks at what the daemon holds. */
const EPISODE_MS = Math.min(60_000, (MINUTES * 60_000) / 6);
const EACH = 3;
const MIB = 2 ** 20;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Held {
  readonly rss: number;
  readonly heap: number;
  readonly descriptors: number;
  readonly timers: number;
  readonly others: number;
}

/** Once nobody is connected any more. */
async function held(daemon: LongDaemon): Promise<Held> {
  let left = "";
  const quiet = async (): Promise<boolean> => {
    const { text } = await daemon.call("GET", "/metrics");
    left = text
      .split("\n")
      .filter((line) => /^squall_connections_active\{.* [1-9]/u.test(line))
      .join(" ");
    return left === "";
  };
  await until("all connections and flows are over", quiet, 60_000).catch(async (error: unknown) => {
    const of = JSON.stringify(await daemon.resources());
    throw new Error(`${String(error)}: ${left} ${of}`, { cause: error });
  });
  expect(await daemon.metric("squall_held_bytes")).toBe(0);
  // Connections of the admin port's callers are kept for a while.
  await pause(7_000);
  const { Timeout: timers = 0, ...others } = await daemon.resources();
  return {
    ...(await daemon.memory()),
    descriptors: daemon.descriptors,
    timers,
    others: Object.values(others).reduce((sum, count) => sum + count, 0),
  };
}

async function startDaemon(servers: Servers): Promise<LongDaemon> {
  const { bytes, web, datagrams } = servers.ports;
  const listen = "127.0.0.1:0";
  const daemon = await LongDaemon.start(
    {
      // Full early, so that it is not taken for a leak.
      journal: { keep: 2_000 },
      proxies: {
        bytes: { listen, upstream: `tcp://127.0.0.1:${bytes}` },
        web: {
          listen,
          upstreams: { a: `http://127.0.0.1:${web}`, b: `http://127.0.0.1:${web}` },
          identify: [{ header: "x-bot-id" }],
          health: { interval: "1s", timeout: "500ms", fall: 2, rise: 1 },
        },
        datagrams: { listen, upstream: `udp://127.0.0.1:${datagrams}`, idle_timeout: "2s" },
        questions: { listen, upstream: "dns://none", records: { "jobs.test": "10.0.0.7" } },
      },
    },
    { inspect: true },
  );
  ends.push(() => daemon.close());
  return daemon;
}

it(
  `stays flat and heals through ${MINUTES} minutes of faults`,
  async () => {
    const random = randomOf(SEED);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
    const servers = await Servers.start();
    ends.push(() => {
      servers.stop();
    });
    const daemon = await startDaemon(servers);
    const port = async (name: string): Promise<number> => (await daemon.listens(name)).port;
    const ports = {
      bytes: await port("bytes"),
      web: await port("web"),
      datagrams: await port("datagrams"),
      questions: await port("questions"),
    };
    const { json } = await daemon.call("GET", "/profiles");
    // None of its proxies speaks TLS with clients.
    const profiles = (json["profiles"] as { name: string; tags: string[] }[])
      .filter(({ tags }) => !tags.includes("tls"))
      .map(({ name }) => name);
    console.log(`soak: seed ${SEED}, ${MINUTES} minutes, ${profiles.length} profiles`);
    const used = new Set<string>();
    const looks: Held[] = [];
    const total = { switches: 0, well: 0, broken: 0, healed: 0 };

    /** Profiles, alone or two at a time, toxics and reloads, for so long. */
    const disturb = async (millis: number): Promise<void> => {
      const over = performance.now() + millis;
      while (performance.now() < over) {
        const names = random() < 0.7 ? [pick(profiles)] : [...new Set([pick(profiles), pick(profiles)])];
        const activations: Json[] = names.map((profile) => ({
          profile,
          seed: Math.floor(random() * 2 ** 31),
        }));
        const set = await daemon.call("PUT", "/active", { activations });
        expect(set.status, `${names.join(", ")}: ${set.text}`).toBe(200);
        for (const name of names) used.add(name);
        total.switches++;
        const toxic = random();
        if (toxic < 0.3) {
          const attributes = { latency: Math.floor(random() * 200) };
          await daemon.call("POST", "/proxies/bytes/toxics", { name: "slow", type: "latency", attributes });
        } else if (toxic < 0.5) await daemon.call("DELETE", "/proxies/bytes/toxics/slow");
        else if (toxic < 0.6) expect((await daemon.call("POST", "/reload")).status).toBe(200);
        await pause(500 + random() * 3_500);
      }
      await daemon.call("DELETE", "/active");
      await daemon.call("DELETE", "/proxies/bytes/toxics/slow");
    };

    /** Whoever was hit gets over it, and from then on all goes well. */
    const passesUnharmed = async (traffic: Traffic): Promise<void> => {
      await until(
        "the proxies listen again",
        async () => (await daemon.call("GET", "/readyz")).status === 200,
      );
      // Patience of whoever waits for something that was swallowed, and a health check or two.
      await pause(5_000);
      traffic.clear();
      await pause(3_000);
      const tallies = structuredClone(traffic.tallies);
      for (const kind of KINDS) {
        total.healed += tallies[kind].done;
        expect(tallies[kind].done, kind).toBeGreaterThan(0);
        expect(tallies[kind].failed, `${kind} after being healed`).toBe(0);
      }
    };

    const end = performance.now() + MINUTES * 60_000;
    do {
      const traffic = new Traffic(ports);
      traffic.start(EACH);
      await disturb(Math.min(EPISODE_MS, Math.max(0, end - performance.now())));
      for (const { done, failed } of Object.values(traffic.tallies)) {
        total.well += done;
        total.broken += failed;
      }
      await passesUnharmed(traffic);
      await traffic.stop();
      const look = await held(daemon);
      looks.push(look);
      // Told at once: of a run that somebody ends, or that fails, nothing else would be left.
      console.log(
        `soak: ${total.switches} switches, RSS ${mib(look.rss)}, heap ${mib(look.heap)}, ${look.descriptors} descriptors`,
      );
    } while (performance.now() < end);

    const shown = (key: keyof Held, show: (value: number) => string = String): string =>
      looks.map((look) => show(look[key])).join(", ");
    console.log(
      `soak: ${total.switches} switches over ${used.size} profiles; ${total.well} exchanges went well and ${total.broken} did not ` +
        `under faults, ${total.healed} did and none did not once healed\n` +
        `  RSS ${shown("rss", mib)}\n  heap ${shown("heap", mib)}\n  descriptors ${shown("descriptors")}; ` +
        `timers ${shown("timers")}; other handles ${shown("others")}`,
    );
    const [first, last] = [looks[Math.floor(looks.length / 3)], looks.at(-1)];
    if (first === undefined || last === undefined) throw new Error("too short to see anything");
    // Each profile that is used for the first time leaves rows of metrics, of which there are so many at most.
    expect(last.heap).toBeLessThan(first.heap * 1.25 + 4 * MIB);
    expect(last.rss).toBeLessThan(first.rss * 1.2 + 10 * MIB);
    for (const key of ["descriptors", "timers", "others"] as const)
      expect(last[key], key).toBeLessThanOrEqual(first[key] + 3);
    expect(daemon.said("error")).toEqual([]);
    expect(await daemon.metric("squall_connections_errors_total", 'reason="internal"')).toBe(0);
  },
  2 * MINUTES * 60_000 + 300_000,
);
