/**
 * Half an hour before a job server that restarts, each time at another address of its name, with bots of which a third loses
 * patience, half of them over TLS, while profiles switch at random: what the bots and the server wrote down, the journal and the
 * metrics say must be one story, and what the daemon holds must stay flat. Needs a build, root and mount.
 *
 * SQUALL_SOAK_MINUTES is for how long, SQUALL_SOAK_SEED which profiles, and for how long each.
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { startTinyDns } from "../support/tiny-dns.js";
import { LongDaemon, sum, until, type Json } from "./support/daemon.js";
import { ImpatientBots, MovingServer, type Lived, type Way } from "./support/jobs-world.js";
import { mib } from "./support/proxy-process.js";
import { randomOf } from "./support/seeded.js";

const MINUTES = Number(process.env["SQUALL_SOAK_MINUTES"] ?? 30);
const SEED = Number(process.env["SQUALL_SOAK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
/** Between two looks at what the daemon holds. */
const EPISODE_MS = Math.min(60_000, (MINUTES * 60_000) / 6);
const BOTS = 12;
const ADDRESSES = ["127.0.54.11", "127.0.54.12", "127.0.54.13"];
const NAME_SERVER = "127.0.54.53";
const MIB = 2 ** 20;
/** Proxies that know requests, and proxies that know bytes; each without TLS and with it. */
const OVER_HTTP = ["jobs", "jobs-tls"];
const AS_BYTES = ["bytes", "bytes-tls"];
const OVER_TLS = ["jobs-tls", "bytes-tls"];
/** What changes bytes on the wire makes others read another request, or another answer, than was sent. */
const REWRITES_BYTES = new Set(["corrupt", "http_malformed"]);

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Entry extends Json {
  readonly kind: string;
  readonly type?: string;
  readonly profile?: string;
  readonly proxy?: string;
  readonly fault?: string;
  readonly exchange?: { readonly id: number; readonly path: string };
  readonly upstream_status?: number | null;
  readonly client_status?: number | null;
  readonly end?: string;
  readonly took?: string;
  readonly problem?: string | null;
  readonly faults?: readonly { readonly proxy: string; readonly fault: string; readonly hits: number }[];
}

/** Where the stories differ, as sentences. */
class Comparison {
  readonly differences: string[] = [];
  exchanges = 0;

  constructor(
    private readonly lived: ReadonlyMap<number, Lived>,
    private readonly seen: ReadonlyMap<number, number>,
  ) {}

  journal(entries: readonly Entry[]): void {
    const rewritten = new Set<string>();
    for (const { kind, type = "", proxy, exchange } of entries)
      if (kind === "fault_hit" && exchange !== undefined && REWRITES_BYTES.has(type))
        rewritten.add(`${proxy} ${exchange.id}`);
    const told = new Set<string>();
    for (const entry of entries) {
      const { kind, exchange, proxy = "" } = entry;
      if (kind !== "exchange_over" || exchange === undefined) continue;
      const id = `${proxy} ${exchange.id}`;
      if (told.has(id)) this.differences.push(`exchange ${id} is over twice`);
      told.add(id);
      this.#one(exchange.path, entry, rewritten.has(id));
    }
    this.exchanges = told.size;
  }

  /** Of proxies that know no requests: what a bot got whole the server has seen, unless bytes were changed. */
  bytes(entries: readonly Entry[]): void {
    const rewritten = entries.filter(
      ({ kind, type = "", proxy = "" }) =>
        kind === "fault_hit" && REWRITES_BYTES.has(type) && AS_BYTES.includes(proxy),
    ).length;
    const unseen = [...this.lived].filter(
      ([number, { proxy, whole }]) => AS_BYTES.includes(proxy) && whole && !this.seen.has(number),
    );
    if (unseen.length > rewritten)
      this.differences.push(
        `${unseen.length} whole and never at the server: ${JSON.stringify(unseen.slice(0, 3))}`,
      );
  }

  #one(path: string, entry: Entry, rewritten: boolean): void {
    const number = Number(/^\/v1\/jobs\/(\d+)/u.exec(path)?.[1] ?? NaN);
    const lived = this.lived.get(number);
    const differ = (what: string): void => {
      this.differences.push(
        `${path}: ${what}: lived ${JSON.stringify(lived)}, told ${JSON.stringify(entry)}`,
      );
    };
    if (lived === undefined) {
      differ("nobody asked that");
      return;
    }
    if (lived.proxy !== entry.proxy) differ("the bot asked it elsewhere");
    if (lived.whole && !rewritten) {
      if (entry.end !== "complete") differ("the bot got it whole");
      if (entry.client_status !== lived.status) differ("the bot saw another status");
    }
    if (entry.end === "complete" && !lived.whole && !lived.gaveUp && !rewritten)
      differ("the bot did not get it");
    if (entry.end === "client_left" && !lived.gaveUp) differ("the bot did not leave");
    if (entry.upstream_status !== null && !this.seen.has(number) && !rewritten)
      differ("the server never saw it");
  }
}

it(
  `tells one story through ${MINUTES} minutes of restarts, moves and faults`,
  async ({ skip }) => {
    if (process.getuid?.() !== 0) skip("needs: root and mount");
    const random = randomOf(SEED);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
    const server = await MovingServer.start(ADDRESSES);
    ends.push(() => {
      server.stop();
    });
    const record = (address: string): { type: "A"; address: string; ttl: number }[] => [
      { type: "A", address, ttl: 300 },
    ];
    const dns = await startTinyDns({ "jobs.test": record(server.address) }, { host: NAME_SERVER, port: 53 });
    ends.push(() => dns.close());
    const daemon = await LongDaemon.start(
      {
        journal: { keep: 2_000, file: "./journal.jsonl", rotate: "4GiB" },
        tls: { ca: "./ca" },
        proxies: Object.fromEntries(
          [...OVER_HTTP, ...AS_BYTES].map((name) => [
            name,
            {
              listen: "127.0.0.1:0",
              upstream: `${OVER_HTTP.includes(name) ? "http" : "tcp"}://jobs.test:${server.port}`,
              identify: OVER_HTTP.includes(name) ? [{ header: "x-bot-id" }] : "client",
              dial_timeout: "2s",
              secure: OVER_TLS.includes(name),
            },
          ]),
        ),
      },
      { inspect: true, nameServer: NAME_SERVER },
    );
    ends.push(() => daemon.close());
    const { text: ca } = await daemon.call("GET", "/ca.pem");
    const ways: Way[] = [];
    for (const proxy of [...OVER_HTTP, ...AS_BYTES]) {
      const { port } = await daemon.listens(proxy);
      ways.push({ proxy, port, tls: OVER_TLS.includes(proxy) ? { servername: "jobs.test", ca } : null });
    }
    const { json } = await daemon.call("GET", "/profiles");
    const profiles = (json["profiles"] as { name: string }[]).map(({ name }) => name);
    console.log(`soak of the books: seed ${SEED}, ${MINUTES} minutes, ${profiles.length} profiles`);
    const looks: { rss: number; heap: number; descriptors: number; places: number }[] = [];
    const bots: ImpatientBots = new ImpatientBots(ways, randomOf(SEED + 1));
    const total = { switches: 0, whole: 0, gaveUp: 0 };
    /** Profiles that cannot be on for this proxy (of dns, udp, pools) are refused, and count for nothing. */
    const disturb = async (until: number): Promise<void> => {
      while (performance.now() < until) {
        const names = random() < 0.7 ? [pick(profiles)] : [...new Set([pick(profiles), pick(profiles)])];
        const activations = names.map((profile) => ({ profile, seed: Math.floor(random() * 2 ** 31) }));
        const { status } = await daemon.call("PUT", "/active", { activations });
        if (status === 200) total.switches++;
        if (random() < 0.25)
          await server.move(random() * 600, (address) => void dns.zone.set("jobs.test", record(address)));
        await pause(300 + random() * 2_500);
      }
      await daemon.call("DELETE", "/active");
    };

    const end = performance.now() + MINUTES * 60_000;
    bots.start(BOTS);
    do {
      await disturb(Math.min(performance.now() + EPISODE_MS, end));
      // Healed, with its server at its last address: from some seconds later on whoever waits gets what it asked for.
      await pause(4_000);
      const from = bots.latest;
      await pause(2_000);
      const since = [...bots.lived].filter(([number]) => number > from && number <= bots.latest - BOTS);
      expect(since.length, "exchanges once healed").toBeGreaterThan(BOTS);
      await until("those that began once healed are over", () => since.every(([, { over }]) => over));
      for (const [number, lived] of since)
        if (!lived.gaveUp)
          expect(lived, `exchange ${number}, once healed`).toMatchObject({ status: 200, whole: true });
      looks.push({
        ...(await daemon.memory()),
        descriptors: daemon.descriptors,
        places: await daemon.metric("squall_connections_active"),
      });
      const look = looks.at(-1);
      // Told at once: of a run that somebody ends, or that fails, nothing else would be left.
      const mistakes = daemon.said("error");
      if (mistakes.length > 0) console.log(`soak of the books: ${JSON.stringify(mistakes.slice(0, 5))}`);
      console.log(
        `soak of the books: ${total.switches} switches, RSS ${mib(look?.rss ?? 0)}, heap ${mib(look?.heap ?? 0)}`,
      );
    } while (performance.now() < end);
    await bots.stop();
    await until("all places are free", async () => (await daemon.metric("squall_connections_active")) === 0);
    for (const { whole, gaveUp } of bots.lived.values()) {
      if (whole) total.whole++;
      if (gaveUp) total.gaveUp++;
    }

    const { text: metrics } = await daemon.call("GET", "/metrics");
    daemon.signal("SIGTERM");
    expect(await daemon.ended()).toBe(0);
    const entries = readFileSync(`${daemon.folder}/journal.jsonl`, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Entry);
    const comparison = new Comparison(bots.lived, server.seen);
    comparison.journal(entries);
    comparison.bytes(entries);
    const shaken = entries.filter(({ kind }) => kind === "tls_over");
    const ended = entries.filter(({ kind }) => kind === "activation_ended");
    const told = new Map<string, number>();
    for (const { profile = "", faults = [] } of ended)
      for (const { proxy, fault, hits: some } of faults) {
        const key = `${proxy} ${profile} ${fault}`;
        told.set(key, (told.get(key) ?? 0) + some);
      }
    const hits = [...told.values()].reduce((all, some) => all + some, 0);
    const shown = (key: "rss" | "heap" | "descriptors" | "places"): string =>
      looks.map((look) => (key === "rss" || key === "heap" ? mib(look[key]) : String(look[key]))).join(", ");
    console.log(
      `soak of the books: ${total.switches} switches, ${server.restarts} restarts and moves; ${bots.lived.size} exchanges begun, ` +
        `${total.whole} whole, ${total.gaveUp} given up; ${server.requests} requests at the server; ${comparison.exchanges} in the journal, ` +
        `${shaken.length} handshakes that faults acted on, ${hits} hits\n` +
        [...bots.counted]
          .map(([proxy, { connections, secured }]) => {
            const here = (name: string, more = ""): number => sum(metrics, name, `proxy="${proxy}"${more}`);
            const shook = OVER_TLS.includes(proxy)
              ? `; ${secured} secure by the bots, ${here("squall_tls_handshakes_total", ',result="complete"')} complete, ` +
                `${here("squall_tls_handshakes_total", ',result="faulted"')} faulted, ${here("squall_tls_handshakes_total", ',result="failed"')} failed`
              : "";
            return `  ${proxy}: ${connections} connections by the bots, ${here("squall_connections_total")} by Squall${shook}\n`;
          })
          .join("") +
        `  RSS ${shown("rss")}\n  heap ${shown("heap")}\n  descriptors ${shown("descriptors")}; places ${shown("places")}`,
    );
    expect(comparison.differences.slice(0, 20)).toEqual([]);
    for (const [key, some] of told) {
      const [proxy = "", profile = "", fault = ""] = key.split(" ");
      const labels = `proxy="${proxy}",profile="${profile}",fault="${fault}"`;
      expect(sum(metrics, "squall_fault_hits_total", labels), `hits of ${key}`).toBe(some);
    }
    expect(sum(metrics, "squall_fault_hits_total")).toBe(hits);
    // How handshakes were taken, name by name; bots that look at certificates go on with no wrong one.
    const took = new Map<string, number>();
    for (const { proxy = "", took: how = "" } of shaken) {
      const labels = `proxy="${proxy}",took="${how.replace(" ", "_")}"`;
      took.set(labels, (took.get(labels) ?? 0) + 1);
    }
    for (const [labels, some] of took)
      expect(sum(metrics, "squall_tls_took_total", labels), labels).toBe(some);
    expect(sum(metrics, "squall_tls_took_total")).toBe(shaken.length);
    expect(shaken.filter(({ problem, took: how }) => problem !== null && how === "accepted")).toEqual([]);
    expect(sum(metrics, "squall_tls_bad_certificates_accepted_total")).toBe(0);
    for (const proxy of OVER_TLS)
      expect(sum(metrics, "squall_tls_handshakes_total", `proxy="${proxy}"`)).toBeLessThanOrEqual(
        sum(metrics, "squall_connections_total", `proxy="${proxy}"`),
      );
    const answered = [...bots.lived.values()].filter(
      ({ proxy, whole, status }) => OVER_HTTP.includes(proxy) && whole && status === 200,
    ).length;
    const counted = sum(metrics, "squall_requests_total", 'code="200"');
    expect(counted).toBeGreaterThanOrEqual(answered);
    expect(counted).toBeLessThanOrEqual(bots.lived.size);
    const seen = [...server.seen].filter(([number]) =>
      OVER_HTTP.includes(bots.lived.get(number)?.proxy ?? "jobs"),
    );
    expect(sum(metrics, "squall_upstream_requests_total")).toBeGreaterThanOrEqual(
      seen.reduce((all, [, some]) => all + some, 0),
    );
    expect(sum(metrics, "squall_requests_total")).toBeLessThanOrEqual(bots.lived.size);
    // Those first, since they say which mistake it was.
    expect(daemon.said("error")).toEqual([]);
    expect(sum(metrics, "squall_connections_errors_total", 'reason="internal"')).toBe(0);
    const [first, last] = [looks[Math.floor(looks.length / 3)], looks.at(-1)];
    if (first === undefined || last === undefined) throw new Error("too short to see anything");
    expect(last.heap).toBeLessThan(first.heap * 1.25 + 4 * MIB);
    expect(last.rss).toBeLessThan(first.rss * 1.2 + 10 * MIB);
    expect(last.descriptors).toBeLessThanOrEqual(first.descriptors + 4 * BOTS);
  },
  2 * MINUTES * 60_000 + 300_000,
);
