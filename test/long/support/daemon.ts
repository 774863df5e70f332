/**
 * The real daemon as a process of its own, watched from outside: its log, its descriptors, memory and processor time as
 * the kernel has them, its metrics, and over the inspector what Node itself holds: timers, sockets, the heap after a collection.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";

const ROOT = resolve(import.meta.dirname, "../../..");
/** Another build than the one in dist/, as for proxy-process.mjs. */
const MAIN = fileURLToPath(
  new URL(`${process.env["SQUALL_DIST"] ?? "../../../dist"}/main.js`, import.meta.url),
);

export type Json = Readonly<Record<string, unknown>>;

export interface LogEntry extends Json {
  readonly level: string;
  readonly message: string;
}

export interface Called {
  readonly status: number;
  readonly text: string;
  readonly json: Json;
  readonly millis: number;
}

export interface DaemonOptions {
  /** Descriptors that it may open. */
  readonly descriptors?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly inspect?: boolean;
  /** The address of the only name server that it knows; takes root, for a mount of its own. */
  readonly nameServer?: string;
}

/** Waits for it, and says what it waited for if that never comes. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patience = 60_000,
): Promise<void> {
  const deadline = performance.now() + patience;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${patience / 1000} s for: ${what}`);
    await pause(20);
  }
}

export class LongDaemon {
  readonly folder = mkdtempSync(join(tmpdir(), "squall-long-"));
  readonly log: LogEntry[] = [];
  readonly config: string;
  admin = "";
  err = "";
  /** What it printed that was no line of its log. */
  other = "";
  #child: ChildProcess;
  #inspector: WebSocket | null = null;
  #asked = 0;
  readonly #over: Promise<unknown>;

  private constructor(config: Json, options: DaemonOptions) {
    const { descriptors, env = {}, inspect = false, nameServer } = options;
    this.config = join(this.folder, "squall.yaml");
    this.write(config);
    const words = [
      ...(inspect ? ["--inspect=127.0.0.1:0"] : []),
      MAIN,
      "serve",
      "--config",
      this.config,
      "--log-format",
      "json",
    ];
    const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
    const [command = "", ...before] = nameServer === undefined ? ["sh"] : this.#withNameServer(nameServer);
    this.#child = spawn(command, [...before, "-c", `${limit}exec "$0" "$@"`, process.execPath, ...words], {
      cwd: this.folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: this.folder, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#over = once(this.#child, "close");
    let rest = "";
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("{")) this.log.push(JSON.parse(line) as LogEntry);
        else this.other += `${line}\n`;
      }
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.err += chunk.toString()));
  }

  /** With these settings, on free ports; resolves when it is ready. */
  static async start(config: Json, options: DaemonOptions = {}): Promise<LongDaemon> {
    const daemon = new LongDaemon(
      { admin: { listen: "127.0.0.1:0" }, profiles: [join(ROOT, "profiles")], ...config },
      options,
    );
    await until("the daemon is ready", () => {
      if (!daemon.runs) throw new Error(`ended: ${daemon.err}${JSON.stringify(daemon.log)}`);
      daemon.admin = String(daemon.log.find(({ message }) => / is ready/u.test(message))?.["admin"] ?? "");
      return daemon.admin !== "";
    });
    if (options.inspect === true) await daemon.#inspect();
    return daemon;
  }

  /** A shell with a resolv.conf of its own. Nothing forks on the way, so that the process is the daemon in the end. */
  #withNameServer(address: string): string[] {
    const file = join(this.folder, "resolv.conf");
    writeFileSync(file, `nameserver ${address}\n`);
    const mounted = 'mount --make-rprivate / && mount --bind "$0" /etc/resolv.conf && exec "$@"';
    return ["unshare", "-m", "sh", "-c", mounted, file, "sh"];
  }

  write(config: Json): void {
    writeFileSync(this.config, JSON.stringify(config));
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Lines of the log at these levels. */
  said(...levels: readonly string[]): LogEntry[] {
    return this.log.filter(({ level }) => levels.includes(level));
  }

  async call(method: string, path: string, body?: unknown): Promise<Called> {
    const before = performance.now();
    const response = await fetch(this.admin + path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const millis = performance.now() - before;
    let json: Json = {};
    if (response.headers.get("content-type")?.includes("json") === true) json = JSON.parse(text) as Json;
    return { status: response.status, text, json, millis };
  }

  /** Where a proxy listens. */
  async listens(name: string): Promise<{ host: string; port: number }> {
    const { json } = await this.call("GET", "/status");
    const proxy = (json["proxies"] as { name: string; listen: string }[]).find((one) => one.name === name);
    const [, host = "", port = ""] = /^(.*):(\d+)$/u.exec(proxy?.listen ?? "") ?? [];
    return { host, port: Number(port) };
  }

  /** The sum of all series of that name whose labels contain this text. */
  async metric(name: string, labels = ""): Promise<number> {
    return sum((await this.call("GET", "/metrics")).text, name, labels);
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  get rss(): number {
    const [, kib = "0"] = /^VmRSS:\s+(\d+)/mu.exec(readFileSync(`/proc/${this.pid}/status`, "utf8")) ?? [];
    return Number(kib) * 1024;
  }

  /** The most that it ever had. */
  get peak(): number {
    const [, kib = "0"] = /^VmHWM:\s+(\d+)/mu.exec(readFileSync(`/proc/${this.pid}/status`, "utf8")) ?? [];
    return Number(kib) * 1024;
  }

  /** Milliseconds of the processor so far; ticks of the kernel are 10 ms. */
  get cpu(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  // -- what Node holds ----------------------------------------------------------------------------

  async #inspect(): Promise<void> {
    await until("the inspector listens", () => /ws:\/\/\S+/u.test(this.err));
    const [url = ""] = /ws:\/\/\S+/u.exec(this.err) ?? [];
    const socket = new WebSocket(url, { maxPayload: 64 * 2 ** 20 });
    await once(socket, "open");
    this.#inspector = socket;
  }

  #ask(method: string, params: Json = {}): Promise<Json> {
    const socket = this.#inspector;
    if (socket === null) throw new Error("start it with `inspect: true`");
    const id = ++this.#asked;
    return new Promise((done) => {
      const heard = (data: Buffer): void => {
        const answer = JSON.parse(data.toString()) as { id?: number; result?: Json };
        if (answer.id !== id) return;
        socket.off("message", heard);
        done(answer.result ?? {});
      };
      socket.on("message", heard);
      socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async evaluate(expression: string): Promise<unknown> {
    const { result } = await this.#ask("Runtime.evaluate", { expression, returnByValue: true });
    return (result as Json)["value"];
  }

  /** Bytes resident and on the heap once what is garbage has gone. */
  async memory(): Promise<{ readonly rss: number; readonly heap: number }> {
    for (let round = 0; round < 3; round++) {
      await this.#ask("HeapProfiler.collectGarbage");
      await pause(100);
    }
    return { rss: this.rss, heap: Number(await this.evaluate("process.memoryUsage().heapUsed")) };
  }

  /** What keeps its event loop busy, by kind: Timeout, TCPSocketWrap, TCPServerWrap, UDPWRAP, ... */
  async resources(): Promise<Readonly<Record<string, number>>> {
    const names = (await this.evaluate("process.getActiveResourcesInfo()")) as string[];
    const counts: Record<string, number> = {};
    for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }

  // -- its end ------------------------------------------------------------------------------------

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<number | null> {
    // A process that is watched waits for whoever watches before it ends.
    this.#inspector?.terminate();
    await this.#over;
    return this.#child.exitCode;
  }

  async close(): Promise<void> {
    this.#inspector?.terminate();
    if (this.runs) this.signal("SIGKILL");
    await this.#over;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function sum(metrics: string, name: string, labels = ""): number {
  let total = 0;
  for (const line of metrics.split("\n")) {
    const [, found, given = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/u.exec(line) ?? [];
    if (found === name && given.includes(labels)) total += Number(value);
  }
  return total;
}

/** The share of them that is no larger, such as 0.99. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
