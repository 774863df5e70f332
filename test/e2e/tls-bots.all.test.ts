/** Bots that speak nothing but TLS, with real processes: what they live through with it, and who comes back. */
import type { ChildProcess } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Flaw } from "../../src/mock/bot/flaws.js";
import type { ClientTlsOptions } from "../../src/mock/tls/client.js";
import { Workshop, getJson, type Json } from "../support/process.js";
import type { BotLine } from "./matrix/account.js";
import { clientPair } from "./matrix/scene.js";
import { spawnBots } from "./matrix/spawn-bots.js";

const POLL = 50;

let shop: Workshop;
let ca: string;
let lines: BotLine[];
let bots: ChildProcess[];

beforeEach(() => {
  shop = new Workshop();
  ca = join(shop.folder, "ca");
  lines = [];
  bots = [];
});

afterEach(async () => {
  for (const bot of bots) bot.kill("SIGKILL");
  await shop.close();
});

/** A daemon that speaks TLS with bots, before the job server. */
async function through(upstream: Json): Promise<{ admin: string; server: string }> {
  const { admin } = await shop.daemon({
    tls: { ca },
    proxies: {
      jobs: {
        listen: "127.0.0.1:0",
        secure: true,
        identify: [{ header: "x-bot-id" }, "client"],
        ...upstream,
      },
    },
  });
  const { body } = await getJson(`${admin}/status`);
  const [jobs] = body["proxies"] as { listen: string }[];
  return { admin, server: `https://${jobs?.listen ?? ""}` };
}

async function mockServer(...words: string[]): Promise<{ url: string; ca: string }> {
  const mock = shop.start(["mock-server", "--port", "0", "--json", ...words]);
  const [, line = "{}"] = await mock.printed(/^(\{.*\})$/mu);
  return JSON.parse(line) as { url: string; ca: string };
}

/** `names` that are bots of one process, each with the flaws. */
function startBots(
  server: string,
  names: readonly string[],
  flaws: readonly Flaw[] = [],
  shown: ClientTlsOptions = {},
): void {
  const tls = { ca: join(ca, "ca.pem"), ...shown };
  const pace = { wait: 500, requestTimeout: 5_000, backOffMax: 500, concurrency: 1 };
  bots.push(spawnBots({ server, names, flaws, tls, seed: 1, ...pace }, lines));
}

async function use(admin: string, ...faults: Json[]): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ faults, seed: 1 });
  const { status } = await getJson(`${admin}/active`, { method: "PUT", headers, body });
  expect(status).toBe(200);
}

async function journal(admin: string, kind: string): Promise<Json[]> {
  return (await getJson(`${admin}/journal?kind=${kind}&limit=500`)).body["entries"] as Json[];
}

/** Looks again and again until it holds; the test's own time-out is the limit. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(POLL);
}

const told = (bot: string, event: string): readonly BotLine[] =>
  lines.filter((line) => line.bot === bot && line.event === event);

describe("a job world over TLS alone", () => {
  it("gets every job done once: load and bots to Squall, and Squall to the job server", async () => {
    // One CA for all: that of the job server is the one that Squall makes certificates with.
    const mock = await mockServer("--tls-ca", ca);
    expect([mock.url.slice(0, 8), mock.ca]).toEqual(["https://", join(ca, "ca.pem")]);
    const { server } = await through({ upstream: mock.url, tls: { ca: mock.ca } });
    startBots(server, ["bot-1", "bot-2"]);
    const words = ["--jobs", "8", "--size", "128KiB", "--duration", "0ms", "--ca", mock.ca, "--json"];
    const { code, out, err } = await shop.start(["load", "--server", server, ...words]).ended;
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({ completed: 8, lost: [], twice: [], retries: 0, ok: true });
    expect(lines.filter(({ event }) => event === "completed")).toHaveLength(8);
  });
});

describe("an expired certificate", () => {
  it("is refused by the reference bot, which comes back, and accepted by one with no-verify: Squall says which", async () => {
    const { url: upstream } = await mockServer();
    const { admin, server } = await through({ upstream });
    await use(admin, { type: "tls_certificate", problem: "expired" });
    startBots(server, ["reference"]);
    startBots(server, ["trusting"], ["no-verify"]);
    await until(() => told("reference", "retrying").length > 1 && told("trusting", "registered").length > 0);
    await until(async () => new Set((await journal(admin, "tls_over")).map(({ took }) => took)).size > 1);
    await getJson(`${admin}/active`, { method: "DELETE" });
    await until(() => told("reference", "registered").length > 0);

    expect(new Set(told("reference", "retrying").map(({ tls }) => tls))).toEqual(
      new Set(["CERT_HAS_EXPIRED"]),
    );
    expect(told("trusting", "retrying")).toEqual([]);
    const handshakes = await journal(admin, "tls_over");
    const by = (took: string): readonly Json[] => handshakes.filter((entry) => entry["took"] === took);
    // Node's client says nothing when it refuses.
    expect(by("closed").length).toBeGreaterThan(1);
    expect(new Set(by("accepted").map(({ bot, problem }) => `${String(bot)} ${String(problem)}`))).toEqual(
      new Set(["trusting expired"]),
    );
    expect(by("accepted").length + by("closed").length).toBe(handshakes.length);
    const [ended] = await journal(admin, "activation_ended");
    expect(ended?.["warnings"]).toEqual([
      `tls_certificate: clients that went on with a wrong certificate: ${by("accepted").length}`,
    ]);
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toContain(
      `squall_tls_bad_certificates_accepted_total{proxy="jobs",problem="expired"} ${by("accepted").length}`,
    );
  });
});

describe("a handshake that stalls for good", () => {
  it("costs the reference bot one time-out; one without time-outs is still there, and does nothing", async () => {
    const { url: upstream } = await mockServer("--feed", "200ms");
    const { admin, server } = await through({ upstream });
    await use(admin, { type: "tls_handshake", stall_at: "finished", when: { count: 2 } });
    startBots(server, ["patient"], ["no-timeout"]);
    await until(async () => (await journal(admin, "fault_hit")).length === 1);
    startBots(server, ["reference"]);
    await until(() => told("reference", "completed").length > 2);
    expect(told("reference", "retrying")).toHaveLength(1);
    expect(lines.filter(({ bot }) => bot === "patient")).toEqual([]);
    // It has waited on one and the same connection, which goes on when the fault does not stop it any more.
    await getJson(`${admin}/active`, { method: "DELETE" });
    await until(() => told("patient", "registered").length > 0);
    expect(told("patient", "retrying")).toEqual([]);
  });
});

describe("a client certificate that is refused from some time on", () => {
  it("is told by the alert's name, and the bot comes back with the one that took its place, while the fault goes on", async () => {
    const { url: upstream } = await mockServer("--feed", "100ms");
    const { admin, server } = await through({ upstream });
    const [first, second] = [await clientPair(ca, "first.example"), await clientPair(ca, "second.example")];
    const shown = { cert: shop.file("bot.pem", first.cert), key: shop.file("bot.key", first.key) };
    // Long enough for a slow machine to get a job done with a certificate while it is good.
    const fault = { type: "tls_client_certificate", refuse: "unknown_ca", after: "10s", existing: "close" };
    await use(admin, fault);
    startBots(server, ["reference"], [], shown);
    await until(() => told("reference", "completed").length > 0);
    await until(() => told("reference", "retrying").some(({ tls }) => tls === "alert unknown_ca"));
    shop.file("bot.key", second.key);
    shop.file("bot.pem", second.cert);
    const done = told("reference", "completed").length;
    await until(() => told("reference", "completed").length > done);
    const hits = await journal(admin, "fault_hit");
    expect(hits.map(({ detail }) => (detail as Json | undefined)?.["subject"])).toContain("first.example");
    expect((await journal(admin, "activation_ended")).length).toBe(0);
  });
});

describe("squall demo --tls", () => {
  it("has bots that speak TLS, refuse a wrong certificate and come back; and takes its CA along", async () => {
    const words = ["--admin", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--bots", "1", "--tls"];
    const demo = shop.start(["demo", ...words], { env: { TMPDIR: shop.folder } });
    const folders = (): string[] =>
      readdirSync(shop.folder).filter((name) => name.startsWith("squall-demo-"));
    const [, admin = ""] = await demo.printed(/on https:\S+, admin on (http:\S+)/u);
    expect(folders()).toHaveLength(1);
    await demo.printed(/bot-1 .*completed/u);
    await use(admin, { type: "reset", after: "100ms" }, { type: "tls_certificate", problem: "expired" });
    await demo.printed(/bot-1 .*CERT_HAS_EXPIRED/u);
    await getJson(`${admin}/active`, { method: "DELETE" });
    await demo.printed(/bot-1 .*through again/u);
    demo.kill("SIGTERM");
    expect(await demo.ended).toMatchObject({ code: 0, err: "" });
    expect(folders()).toEqual([]);
  });
});
