/**
 * Two network namespaces with a cable between them, a segment a packet: `a` has a daemon and a server, `b` has clients.
 * The rules of the machine itself are out of reach from there.
 */
import { execFileSync, execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MAIN, ROOT, type Json } from "./process.js";

const run = promisify(execFile);
const PEER = join(import.meta.dirname, "netns-peer.mjs");

/** What this machine lacks for it, by name; null if nothing. */
export function missingForNamespaces(): string | null {
  if (process.getuid?.() !== 0) return "root";
  for (const program of ["ip", "nft", "setpriv", "curl"]) {
    try {
      execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    } catch {
      return `the program ${program}`;
    }
  }
  const name = `squall${process.pid}x`;
  try {
    execFileSync("ip", ["netns", "add", name], { stdio: "ignore" });
  } catch {
    return "network namespaces";
  }
  try {
    execFileSync("ip", ["netns", "exec", name, "nft", "add table inet trial"], { stdio: "ignore" });
  } catch {
    return "nftables in the kernel";
  } finally {
    execFileSync("ip", ["netns", "del", name]);
  }
  return null;
}

export interface Ask {
  readonly host?: string;
  readonly port: number;
  readonly connections?: number;
  readonly exchanges?: number;
  readonly from?: string;
}

export interface Answered {
  /** Milliseconds of each exchange but the first of each connection. */
  readonly times: readonly number[];
  readonly errors: readonly string[];
}

export type Side = "a" | "b";
let cables = 0;

export class Cable {
  readonly names: Readonly<Record<Side, string>>;
  readonly #folder = mkdtempSync(join(tmpdir(), "squall-netns-"));
  readonly #children: ChildProcess[] = [];

  constructor() {
    const name = `squall${process.pid}n${++cables}`;
    this.names = { a: `${name}a`, b: `${name}b` };
    const ip = (words: string): void => {
      execFileSync("ip", words.split(" "), { stdio: "pipe" });
    };
    for (const side of [this.names.a, this.names.b]) ip(`netns add ${side}`);
    ip(`link add wire netns ${this.names.a} type veth peer name wire netns ${this.names.b}`);
    for (const [side, own] of [
      [this.names.a, 1],
      [this.names.b, 2],
    ] as const) {
      ip(`-n ${side} link set lo up`);
      ip(`-n ${side} addr add 10.77.0.${own}/24 dev wire`);
      ip(`-n ${side} addr add fd77::${own}/64 dev wire nodad`);
      ip(`-n ${side} link set wire up gso_max_segs 1`);
    }
    ip(`-n ${this.names.b} addr add 10.77.0.3/24 dev wire`);
  }

  /** Runs a command in one of them to its end, and answers what it printed. */
  async in(side: Side, words: readonly string[]): Promise<string> {
    const { stdout } = await run("ip", ["netns", "exec", this.names[side], ...words], { maxBuffer: 1 << 26 });
    return stdout;
  }

  #start(side: Side, words: readonly string[], until: RegExp): Promise<ChildProcess> {
    const child = spawn("ip", ["netns", "exec", this.names[side], ...words], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#children.push(child);
    return new Promise((resolve, reject) => {
      let out = "";
      child.stdout.on("data", (chunk: Buffer) => {
        out += chunk.toString();
        if (until.test(out)) resolve(child);
      });
      child.on("close", () => {
        reject(new Error(`ended early: ${out}`));
      });
    });
  }

  /** A server that sends back what it gets, on that port of all addresses. */
  async echo(side: Side, port: number): Promise<void> {
    await this.#start(side, [process.execPath, PEER, "echo", String(port)], /listening/u);
  }

  /** A daemon in `a`; `before` are words to run it with, such as those that take capabilities away. */
  async daemon(proxies: Json, before: readonly string[] = []): Promise<ChildProcess> {
    const file = join(this.#folder, "squall.yaml");
    writeFileSync(
      file,
      JSON.stringify({ admin: { listen: "127.0.0.1:8474" }, profiles: [join(ROOT, "profiles")], proxies }),
    );
    const words = [process.execPath, MAIN, "serve", "--config", file, "--log-format", "json"];
    return this.#start("a", [...before, ...words], /is ready/u);
  }

  async api(method: string, path: string, body?: unknown): Promise<Json> {
    const data = body === undefined ? [] : ["-d", JSON.stringify(body)];
    return JSON.parse(
      await this.in("a", ["curl", "-sS", "-X", method, `localhost:8474${path}`, ...data]),
    ) as Json;
  }

  /** The first journal entry of that kind after `after`, told already or still to come. */
  async told(kind: string, after = 0): Promise<Json> {
    for (;;) {
      const { entries } = await this.api("GET", `/journal?kind=${kind}&since=${after}`);
      const [first] = entries as Json[];
      if (first !== undefined) return first;
    }
  }

  /** Puts these faults in force, and resolves when the kernel's rules are in place. */
  async lose(faults: readonly Json[], ruled = true): Promise<Json> {
    const active = await this.api("PUT", "/active", { faults });
    while (ruled && !(await this.rules()).includes('counter name "f')) continue;
    return active;
  }

  rules(): Promise<string> {
    return this.in("a", ["nft", "list", "ruleset"]);
  }

  /** Resolves when the daemon's table is gone. */
  async unruled(): Promise<void> {
    while ((await this.rules()).includes("squall_")) continue;
  }

  /** What the kernel has seen and lost, by direction. */
  async losses(): Promise<Record<string, number>> {
    const text = await this.in("a", ["nft", "list", "counters"]);
    const found = [...text.matchAll(/counter f\d+_(\w+) \{\s*packets (\d+)/gu)];
    return Object.fromEntries(found.map(([, name = "", packets]) => [name, Number(packets)]));
  }

  async retransmitted(side: Side): Promise<number> {
    const lines = (await this.in(side, ["cat", "/proc/net/snmp"]))
      .split("\n")
      .filter((line) => line.startsWith("Tcp:"));
    const [names = [], values = []] = lines.map((line) => line.split(" "));
    return Number(values[names.indexOf("RetransSegs")]);
  }

  async ask(
    side: Side,
    { host = "10.77.0.1", connections = 50, exchanges = 60, ...ask }: Ask,
  ): Promise<Answered> {
    const words = [process.execPath, PEER, "ask", JSON.stringify({ host, connections, exchanges, ...ask })];
    return JSON.parse(await this.in(side, words)) as Answered;
  }

  close(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const name of [this.names.a, this.names.b]) execFileSync("ip", ["netns", "del", name]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The share of the exchanges that took no longer than so many milliseconds. */
export function within(times: readonly number[], limit: number): number {
  return times.filter((time) => time <= limit).length / times.length;
}
