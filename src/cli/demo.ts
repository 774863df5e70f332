/**
 * `squall demo`: a daemon, a mock job server and a few bots on this machine, and what they live through,
 * line by line. The server and the bots are processes of their own that end with this one.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import type { Override } from "../config/overrides.js";
import { SquallError } from "../core/errors.js";
import { parseDuration } from "../core/units.js";
import { startDaemon, type Daemon } from "../daemon.js";
import type { BotEvent } from "../mock/bot/events.js";
import { describeEvent } from "../mock/bot/describe.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { journalLine, type JournalEntryView } from "./journal-line.js";

interface DemoOptions {
  readonly admin: string;
  readonly listen: string;
  readonly bots: string;
  readonly for?: string;
  readonly tls?: boolean;
  readonly profiles?: readonly string[];
}

export function addDemo(program: Command, io: Io): void {
  program
    .command("demo")
    .description("start a daemon, a mock job server and bots that work through it")
    .option("--admin <address>", "where the admin API listens", "127.0.0.1:8474")
    .option("--listen <address>", "where the bots reach the job server through Squall", "127.0.0.1:8080")
    .option("--bots <n>", "how many bots", "3")
    .option("--for <duration>", "end by itself after that time")
    .option("--tls", "have bots speak TLS with Squall, and trust its CA")
    .option("--profiles <paths...>", "profiles of your own, on top of those that come with Squall")
    .action(async (options: DemoOptions) => {
      await new Demo(options, io).run();
    });
}

/** Jobs a second that the mock server makes for itself, and how long a bot works on one. */
const FEED_EVERY_MS = 400;
const WORK_MS = 800;
const LEASE_MS = 5_000;

class Demo {
  readonly #options: DemoOptions;
  readonly #io: Io;
  readonly #children: ChildProcess[] = [];
  #daemon: Daemon | null = null;
  /** Of the CA that bots trust, which goes with the demo. */
  #caFolder: string | null = null;
  #ending = false;
  #failed: ((error: Error) => void) | null = null;

  constructor(options: DemoOptions, io: Io) {
    this.#options = options;
    this.#io = io;
  }

  async run(): Promise<void> {
    const { bots, for: limit } = this.#options;
    const count = Number(bots);
    if (!Number.isSafeInteger(count) || count < 1 || count > 100) {
      throw new CommandError(
        EXIT.usage,
        `--bots: expected a whole number from 1 to 100, got ${JSON.stringify(bots)}`,
      );
    }
    const duration = limit === undefined ? null : parseDuration(limit);
    if (limit !== undefined && duration === null) {
      throw new CommandError(
        EXIT.usage,
        `--for: expected a duration such as 30s, got ${JSON.stringify(limit)}`,
      );
    }
    const broken = new Promise<never>((_resolve, reject) => {
      this.#failed = reject;
    });
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.#start(count);
      const timeUp = new Promise<void>((resolve) => {
        if (duration !== null) timer = setTimeout(resolve, duration);
      });
      // A show goes on for as long as somebody watches.
      await Promise.race([this.#io.stopped, this.#io.outputLost, timeUp, broken]);
    } finally {
      clearTimeout(timer);
      await this.#stop();
    }
  }

  async #start(bots: number): Promise<void> {
    if (this.#options.tls === true) this.#caFolder = mkdtempSync(join(tmpdir(), "squall-demo-"));
    const ca = this.#caFolder;
    const upstream = await this.#startServer();
    const set = (origin: string, path: readonly string[], value: string): Override => ({
      origin,
      path,
      value,
    });
    const { admin, listen, profiles } = this.#options;
    const daemon = await startDaemon({
      env: {},
      // By the options that they come from, so that a mistake is told as theirs.
      overrides: [
        set("--admin", ["admin", "listen"], admin),
        set("--listen", ["proxies", "jobs", "listen"], listen),
        ...(profiles === undefined ? [] : [set("--profiles", ["profiles"], JSON.stringify(profiles))]),
      ],
      cwd: this.#io.cwd,
      home: this.#io.home,
      text: JSON.stringify({
        // Whatever else lies where it runs.
        profiles: [],
        log: { level: "error" },
        ...(ca !== null && { tls: { ca } }),
        proxies: {
          jobs: {
            upstream,
            ...(ca !== null && { secure: true }),
            identify: [{ header: "x-bot-id" }, "bearer", "client"],
          },
        },
      }),
      logStream: this.#io.log,
      ownProcess: true,
      pid: this.#io.pid,
      node: this.#io.node,
    }).catch((error: unknown) => {
      const about = "proxy jobs: ";
      const isListen = error instanceof SquallError && error.message.startsWith(about);
      if (!isListen) throw error;
      // Where the demo's own configuration says it is of no use to anybody.
      const hint = (error.hint ?? "").replace(/(?:; )?proxies\.jobs\.listen says where$/u, "");
      const who = hint === "" ? "" : ` (${hint})`;
      throw new CommandError(EXIT.failed, `--listen: ${error.message.slice(about.length)}${who}`);
    });
    this.#daemon = daemon;
    daemon.telemetry.stream.subscribe(({ entry }) => {
      this.#journalled(entry as unknown as JournalEntryView);
    });
    const through = daemon.control.proxies()[0]?.listen ?? this.#options.listen;
    this.#say(`job server on ${upstream}`);
    const server = `${ca === null ? "http" : "https"}://${through}`;
    this.#say(`Squall    on ${server}, admin on ${daemon.adminUrl}`);
    for (let n = 1; n <= bots; n++) this.#startBot(n, server);
    this.#suggest("Hurt them:", `curl -X PUT ${this.#adminText}/active -d profile=server-crash`);
  }

  get #adminText(): string {
    return (this.#daemon?.adminUrl ?? "").replace("http://", "").replace("127.0.0.1", "localhost");
  }

  #child(args: readonly string[], onLine: (line: string) => void): ChildProcess {
    // An IPC channel, so that the children notice the end of this process even by SIGKILL.
    const child = fork(this.#io.program, args, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
    this.#children.push(child);
    if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", onLine);
    child.on("exit", (code, signal) => {
      if (this.#ending) return;
      const why = signal ?? `code ${String(code)}`;
      this.#failed?.(new CommandError(EXIT.failed, `squall ${args[0] ?? ""} ended unexpectedly: ${why}`));
    });
    return child;
  }

  #startServer(): Promise<string> {
    return new Promise((resolve, reject) => {
      const args = [
        "mock-server",
        "--port",
        "0",
        "--feed",
        `${FEED_EVERY_MS}ms`,
        "--lease",
        `${LEASE_MS}ms`,
        "--json",
      ];
      const child = this.#child(args, (line) => {
        resolve((JSON.parse(line) as { url: string }).url);
      });
      child.once("exit", () => {
        reject(new CommandError(EXIT.failed, "the mock job server did not start"));
      });
    });
  }

  #startBot(n: number, server: string): void {
    const name = `bot-${n}`;
    // An address of its own for each bot, so that the journal tells them apart.
    const from = this.#io.platform === "linux" ? ["--local-address", `127.0.0.${n + 1}`] : [];
    const args = [
      "bot",
      "--server",
      server,
      "--name",
      name,
      "--work-time",
      `${WORK_MS}ms`,
      "--json",
      ...from,
      ...(this.#caFolder === null ? [] : ["--ca", join(this.#caFolder, "ca.pem")]),
    ];
    this.#child(args, (line) => {
      this.#lived(name, JSON.parse(line) as BotEvent);
    });
  }

  /** What a bot lives through; what is normal and frequent is left out. */
  #lived(name: string, event: BotEvent): void {
    if (
      event.event === "idle" ||
      event.event === "heartbeat" ||
      event.event === "working" ||
      event.event === "leased"
    )
      return;
    this.#line(this.#io.colours.bold(name), describeEvent(event, this.#io.colours));
  }

  #journalled(entry: JournalEntryView): void {
    if (entry.kind === "proxy_started" || entry.kind === "proxy_stopped" || entry.kind === "fault_total")
      return;
    // Without its time: the lines of the bots have none either.
    const { colours } = this.#io;
    this.#line(colours.magenta("squall"), journalLine(entry, colours).replace(/^\S+\s+/u, ""));
    if (entry.kind === "activation_started") {
      this.#suggest("Heal them:", `curl -X DELETE ${this.#adminText}/active`);
    }
    if (entry.kind === "activation_ended") {
      this.#suggest("See what was done to whom:", `curl '${this.#adminText}/journal?limit=20'`);
      this.#suggest("Hurt them otherwise:", `curl -X PUT ${this.#adminText}/active -d profile=high-latency`);
    }
  }

  #line(who: string, text: string): void {
    this.#io.out(`${who.padEnd(this.#io.terminal ? 16 : 7)} ${text}\n`);
  }

  #say(text: string): void {
    this.#io.out(`${this.#io.colours.magenta("squall")}  ${text}\n`);
  }

  #suggest(what: string, command: string): void {
    this.#io.out(`\n        ${what}  ${this.#io.colours.green(command)}\n\n`);
  }

  async #stop(): Promise<void> {
    this.#ending = true;
    const gone = this.#children.map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) {
            resolve();
            return;
          }
          const late = setTimeout(() => child.kill("SIGKILL"), 3_000);
          child.once("exit", () => {
            clearTimeout(late);
            resolve();
          });
          child.kill("SIGTERM");
        }),
    );
    await Promise.all([...gone, this.#daemon?.stop({ drain: 0 })]);
    if (this.#caFolder !== null) rmSync(this.#caFolder, { recursive: true, force: true });
  }
}
