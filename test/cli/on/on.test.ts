/** Commands for many daemons: what each of them is under afterwards, and what the command says of it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSquall, type Squall } from "../../../src/index.js";
import { commandHere } from "../../support/command-here.js";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

let cwd: string;
let squalls: Squall[];
/** Is no Squall. */
let other: Server;

beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), "squall-on-"));
  const proxies = (name: string): object => ({ proxies: { [name]: { upstream: "http://127.0.0.1:9" } } });
  squalls = await Promise.all(["jobs", "jobs", "others"].map((name) => startSquall(proxies(name))));
  other = createServer((_request, response) => response.end("welcome"));
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
});
afterEach(async () => {
  await Promise.all(squalls.map((squall) => squall.stop()));
  await new Promise((done) => other.close(done));
  rmSync(cwd, { recursive: true });
});

const at = (index: number): string => squalls[index]?.adminUrl.replace("http://", "") ?? "";
const stranger = (): string => `127.0.0.1:${(other.address() as AddressInfo).port}`;

/** With the names of daemons and padding left out. */
async function run(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const { code, out, err } = await commandHere(words, { cwd });
  const plain = (text: string): string =>
    [...squalls.map((_, index) => [at(index), `S${index}`] as const), [stranger(), "OTHER"] as const]
      .reduce(
        (said, [address, name]) =>
          said.replaceAll(`http://${address}`, `URL-${name}`).replaceAll(address, name),
        text,
      )
      .replace(/^( {2}(?:S\d|OTHER)) +/gmu, "$1  ")
      .replace(/\d\d:\d\d:\d\d\.\d{3}/gu, "TIME");
  return { code, out: plain(out), err: plain(err) };
}

async function on(): Promise<string[][]> {
  return Promise.all(
    squalls.map(async ({ adminUrl: admin }) => {
      const { activations } = (await (await fetch(`${admin}/active`)).json()) as {
        activations: { id: string; seed: number; remaining: string | null }[];
      };
      return activations.map(
        ({ id, seed, remaining }) => `${id} ${seed} ${remaining === null ? "for ever" : "ends"}`,
      );
    }),
  );
}

const AWAY = "URL-OTHER does not answer like Squall: welcome";

describe("use --on", () => {
  it("puts all daemons under one profile, one seed and one end", async () => {
    const list = `${at(0)},${at(1)}`;
    const { code, out, err } = await run("use", "lost-ack", "--ttl", "30s", "--on", list, "--on", at(2));
    const seed = /seed (\d+)/u.exec(out)?.[1] ?? "";
    expect({ code, out, err }).toEqual({
      code: 0,
      out: [
        `lost-ack: 3 applied, 0 refused, 0 silent; seed ${seed}, ends in 30s`,
        "  S0  applied",
        "  S1  applied",
        "  S2  applied",
        `  the same again: squall use lost-ack --seed ${seed} --ttl 30s --on S0,S1 --on S2`,
        "",
      ].join("\n"),
      err: "",
    });
    expect(await on()).toEqual(Array.from({ length: 3 }, () => [`lost-ack ${seed} ends`]));
  });

  it("says who refused, why, and who is silent, and leaves it on at the others", async () => {
    writeFileSync(
      join(cwd, "mine.yaml"),
      "profile: mine\nfaults: [{ type: latency, delay: 1s, proxy: jobs }]\n",
    );
    const words = ["use", "./mine.yaml", "--seed", "7", "--ttl", "1m"];
    expect(await run(...words, "--on", [at(0), at(2), stranger()].join(","))).toEqual({
      code: 1,
      out: [
        "mine: 1 applied, 1 refused, 1 silent; seed 7, ends in 1m",
        "  S0  applied",
        '  S2  refused: ./mine.yaml:2:45 faults[0].proxy: no proxy is called "jobs" (known: others)',
        `  OTHER  silent: ${AWAY}`,
        "  the same again: squall use ./mine.yaml --seed 7 --ttl 1m --on S0,S2,OTHER",
        "",
      ].join("\n"),
      err: "squall: mine is on at 1 of 3 daemons\n",
    });
    expect(await on()).toEqual([["mine 7 ends"], [], []]);
  });

  it("--or-heal switches nothing on while one is away", async () => {
    expect(
      await run("use", "lost-ack", "--ttl", "1m", "--or-heal", "--on", `${at(0)},${stranger()}`),
    ).toEqual({
      code: 1,
      out: "",
      err: `squall: nothing was switched on, since not all 2 daemons are there\n  OTHER: ${AWAY}\n`,
    });
    expect(await on()).toEqual([[], [], []]);
  });

  it("--or-heal ends it again where one refuses, and what stood beside it stays", async () => {
    await squalls[0]?.activate("high-latency", { seed: 1 });
    writeFileSync(
      join(cwd, "mine.yaml"),
      "profile: mine\nfaults: [{ type: latency, delay: 1s, proxy: jobs }]\n",
    );
    const words = ["use", "./mine.yaml", "--seed", "7", "--ttl", "1m", "--add", "--or-heal"];
    const { code, out, err } = await run(...words, "--on", `${at(0)},${at(2)}`);
    expect({ code, err }).toEqual({
      code: 1,
      err: "squall: mine came on at 1 of 2 daemons, and was ended again\n",
    });
    expect(out).toContain("\nended again at 1 of 1\n");
    expect(await on()).toEqual([["high-latency 1 for ever"], [], []]);
  });

  it.each<[string, string[], string]>([
    [
      "no end",
      ["--on", "127.0.0.1"],
      "--on: needs --ttl, such as --ttl 30m: many daemons must heal even when nobody is left to tell them",
    ],
    [
      "an admin address beside it",
      ["--ttl", "1m", "--on", "127.0.0.1", "--admin", "127.0.0.1"],
      "--on: names the daemons, so --admin cannot stand beside it",
    ],
    ["--or-heal without it", ["--or-heal"], "--or-heal: needs --on or --fleet"],
  ])("refuses %s", async (_, words, message) => {
    expect(await run("use", "lost-ack", ...words)).toEqual({ code: 2, out: "", err: `squall: ${message}\n` });
  });

  it("has all of it in its JSON", async () => {
    const { out } = await run(
      "use",
      "lost-ack",
      "--seed",
      "7",
      "--ttl",
      "1m",
      "--json",
      "--on",
      `${at(0)},${stranger()}`,
    );
    expect(JSON.parse(out)).toEqual({
      profile: "lost-ack",
      seed: 7,
      ttl: "1m",
      again: "squall use lost-ack --seed 7 --ttl 1m --on S0,OTHER",
      daemons: [
        { daemon: "S0", state: "applied", revision: 1 },
        { daemon: "OTHER", state: "silent", why: AWAY },
      ],
    });
  });
});

describe("heal --on", () => {
  it("ends everything on all of them, whatever one of them does", async () => {
    for (const squall of squalls) await squall.activate("lost-ack");
    expect(await run("heal", "--on", [at(0), stranger(), at(1), at(2)].join(","))).toEqual({
      code: 1,
      out: [
        "3 healed, 0 refused, 1 silent",
        "  S0  healed: 1 activation ended",
        `  OTHER  silent: ${AWAY}`,
        "  S1  healed: 1 activation ended",
        "  S2  healed: 1 activation ended",
        "",
      ].join("\n"),
      err: "squall: 3 of 4 daemons are healed\n",
    });
    expect(await on()).toEqual([[], [], []]);
  });

  it("ends one, and says what is left", async () => {
    for (const squall of squalls) await squall.activate("high-latency");
    await squalls[0]?.activate("lost-ack", { add: true });
    const { out } = await run("heal", "lost-ack", "--on", `${at(0)},${at(1)}`);
    expect(out).toContain("  S0  healed: 1 activation ended; high-latency is still on\n");
    expect(out).toContain("  S1  refused: ");
  });

  it("ends with the code of unreachable daemons where all are silent", async () => {
    expect((await run("heal", "--on", stranger())).code).toBe(4);
  });
});

describe("status --on", () => {
  it("says whether all are under the same plan", async () => {
    for (const squall of squalls) await squall.activate("lost-ack", { seed: 7, ttl: "10m" });
    const same = await run("status", "--on", `${at(0)},${at(1)}`);
    expect(same.out.split("\n")[0]).toBe(
      "2 answered, 0 refused, 0 silent; the same on all that answered: lost-ack (seed 7)",
    );
    expect(same.out).toMatch(
      /^ {2}S0 {2}lost-ack \(seed 7, ends in \S+\); 1 proxy, 0 connections, version /mu,
    );
    await squalls[1]?.heal();
    const after = await run("status", "--on", `${at(0)},${at(1)}`);
    expect(after.out.split("\n")[0]).toBe("2 answered, 0 refused, 0 silent; 2 different plans");
    expect(after.out).toMatch(/^ {2}S1 {2}nothing is on; /mu);
  });
});

describe("journal --on", () => {
  it("is one journal, in the order of time, with the daemon of each entry", async () => {
    for (const index of [1, 0, 1]) await squalls[index]?.activate("lost-ack");
    const { code, out, err } = await run(
      "journal",
      "--json",
      "--kind",
      "activation_started",
      "--on",
      [at(0), at(1), stranger()].join(","),
    );
    const entries = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { daemon: string; time: string });
    expect(entries.map(({ daemon }) => daemon).sort()).toEqual(["S0", "S1", "S1"]);
    expect(entries.map(({ time }) => time)).toEqual(entries.map(({ time }) => time).sort());
    expect({ code, err }).toEqual({
      code: 1,
      err: `squall: OTHER: silent: ${AWAY}\nsquall: the journals of 2 of 3 daemons are in it\n`,
    });
  });

  it("has the newest of all of them within its limit", async () => {
    for (const index of [0, 1]) await squalls[index]?.activate("lost-ack");
    const { out } = await run("journal", "--json", "--limit", "1", "--on", `${at(0)},${at(1)}`);
    expect(out.trimEnd().split("\n")).toHaveLength(1);
    expect(out).toContain('"daemon":"S1"');
  });

  it("refuses a sequence number, which is one daemon's own", async () => {
    expect(await run("journal", "--since", "3", "--on", at(0))).toEqual({
      code: 2,
      out: "",
      err: "squall: --since: each daemon numbers its own entries, so it cannot stand beside --on\n",
    });
  });
});
