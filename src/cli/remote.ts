/** The commands that talk to a running daemon: use, add, heal, status, journal, profiles. */
import type { Command } from "commander";
import { formatDuration } from "../core/units.js";
import { matcher } from "../telemetry/journal.js";
import { jsonLine } from "../telemetry/entry.js";
import { AdminClient, type ClientOptions } from "./client.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { paramsOf } from "./params.js";
import { journalLine, type JournalEntryView } from "./journal-line.js";

interface RemoteOptions extends ClientOptions {
  readonly json?: boolean;
}

interface ActivationView {
  readonly id: string;
  readonly profile: string;
  readonly seed: number;
  readonly params: Readonly<Record<string, unknown>>;
  readonly phase: string | null;
  readonly remaining: string | null;
  readonly mode: string;
  readonly again: string;
}

interface ActiveView {
  readonly revision: number;
  readonly activations: readonly ActivationView[];
  /** Absent from daemons of earlier versions. */
  readonly proxy_faults?: readonly {
    readonly proxy: string;
    readonly fault: string;
    readonly type: string;
  }[];
}

/** The options that every command of this kind takes. */
export function remote(command: Command): Command {
  return command
    .option("--admin <url>", "the daemon's admin address (SQUALL_ADMIN; default http://127.0.0.1:8474)")
    .option("--token <token>", "the admin token (SQUALL_ADMIN_TOKEN)")
    .option("--json", "print what the daemon answers, for scripts");
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === "") {
    throw new CommandError(EXIT.usage, `--${name}: expected a whole number, got ${JSON.stringify(text)}`);
  }
  return value;
}

export function addRemoteCommands(program: Command, io: Io): void {
  addUse(program, io);
  addAdd(program, io);
  addHeal(program, io);
  addStatus(program, io);
  addJournal(program, io);
}

interface UseOptions extends RemoteOptions {
  readonly param?: readonly string[];
  readonly seed?: string;
  readonly ttl?: string;
  readonly proxy?: readonly string[];
  readonly observe?: boolean;
  readonly add?: boolean;
}

function activationOptions(command: Command): Command {
  return remote(command)
    .option("--seed <n>", "the seed of all draws; drawn and shown if not given")
    .option("--ttl <duration>", "ends by itself after that time, such as 30s")
    .option("--proxy <names...>", "only on these proxies")
    .option("--observe", "journal what would be hit, and do nothing");
}

function commonBody({ seed, ttl, proxy, observe }: UseOptions): Record<string, unknown> {
  return {
    ...(seed === undefined ? {} : { seed: wholeNumber("seed", seed) }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(proxy === undefined ? {} : { proxies: proxy }),
    ...(observe === true ? { mode: "observe" } : {}),
  };
}

function addUse(program: Command, io: Io): void {
  activationOptions(program.command("use <profile>"))
    .description("switch a profile on, in place of what is on")
    .option("--param <name=value>", "a parameter of the profile; may be given several times", collect)
    .option("--add", "beside what is on, instead of in its place")
    .action(async (profile: string, options: UseOptions) => {
      const params = paramsOf(options.param);
      const client = new AdminClient(options, io);
      const body = {
        profile,
        ...(Object.keys(params).length === 0 ? {} : { params }),
        ...commonBody(options),
      };
      report(io, options, await client.call(options.add === true ? "POST" : "PUT", "/active", body));
    });
}

function addAdd(program: Command, io: Io): void {
  activationOptions(program.command("add <proxy> <type> [parameters...]"))
    .description("add one fault to a proxy: squall add jobs latency --delay 200ms")
    .allowUnknownOption()
    .action(async (proxy: string, type: string, parameters: string[], options: UseOptions) => {
      const fault: Record<string, unknown> = { type };
      for (let i = 0; i < parameters.length; i++) {
        const word = parameters[i] ?? "";
        if (!word.startsWith("--"))
          throw new CommandError(EXIT.usage, `expected --parameter value, got ${JSON.stringify(word)}`);
        const at = word.indexOf("=");
        const name = (at < 0 ? word.slice(2) : word.slice(2, at)).replaceAll("-", "_");
        const value = at < 0 ? parameters[++i] : word.slice(at + 1);
        if (value === undefined) throw new CommandError(EXIT.usage, `${word}: a value is missing`);
        fault[name] = scalar(value);
      }
      const client = new AdminClient(options, io);
      report(
        io,
        options,
        await client.call("POST", "/active", { faults: [{ ...fault, proxy }], ...commonBody(options) }),
      );
    });
}

/** Numbers and booleans as YAML would read them; everything else stays text. */
function scalar(text: string): unknown {
  if (/^-?\d+$/u.test(text)) return Number(text);
  return text === "true" ? true : text === "false" ? false : text;
}

function addHeal(program: Command, io: Io): void {
  remote(program.command("heal [activation]"))
    .description("end all activations, or the one with that id; connections are kept")
    .option("--own", "take away the faults that proxies have of their own as well, toxics among them")
    .action(async (activation: string | undefined, options: RemoteOptions & { readonly own?: boolean }) => {
      const { own = false } = options;
      if (own && activation !== undefined)
        throw new CommandError(EXIT.usage, "--own goes with healing everything, not with one activation");
      const client = new AdminClient(options, io);
      const path =
        activation === undefined
          ? `/active${own ? "?own=true" : ""}`
          : `/active/${encodeURIComponent(activation)}`;
      const answer = (await client.call("DELETE", path)) as HealedView | null;
      if (options.json === true) io.out(`${jsonLine(answer)}\n`);
      else io.out(healedText(answer ?? {}));
    });
}

interface HealedView {
  readonly ended?: number;
  readonly removed?: number;
  readonly left?: string | null;
}

function healedText({ ended = 0, removed = 0, left = null }: HealedView): string {
  const own = removed === 0 ? "" : `, and ${removed} of the proxies' own faults taken away`;
  const nothing = left === null ? "nothing was on" : "no activation was on";
  const done = ended === 0 && removed === 0 ? nothing : `healed${own}`;
  return left === null ? `${done}\n` : `${done}, but ${left}\n`;
}

function report(io: Io, options: RemoteOptions, answer: unknown): void {
  if (options.json === true) {
    io.out(`${jsonLine(answer)}\n`);
    return;
  }
  io.out(activeText(answer as ActiveView, io));
}

function activeText({ activations, revision, proxy_faults: own = [] }: ActiveView, { colours }: Io): string {
  const ofProxies = own
    .map(({ proxy, fault, type }) => `${colours.bold(fault)} (${type}) is set on ${proxy} itself\n`)
    .join("");
  if (activations.length === 0)
    return own.length === 0 ? `nothing is on (revision ${revision})\n` : ofProxies;
  return `${activations
    .map(({ id, seed, phase, remaining, mode, again }) => {
      const parts = [
        `seed ${seed}`,
        ...(phase === null ? [] : [`phase ${phase}`]),
        ...(remaining === null ? [] : [`ends in ${remaining}`]),
        ...(mode === "observe" ? ["only observing"] : []),
      ];
      return `${colours.bold(id)} is on: ${parts.join(", ")}\n  the same again: ${colours.dim(again)}\n`;
    })
    .join("")}${ofProxies}`;
}

interface StatusView {
  readonly version: string;
  readonly uptime_seconds: number;
  readonly ready: boolean;
  readonly revision: number;
  readonly proxies: readonly {
    readonly name: string;
    readonly listen: string;
    readonly upstream: string;
    readonly state: string;
    readonly connections: { readonly active: number; readonly total: number };
  }[];
}

function addStatus(program: Command, io: Io): void {
  remote(program.command("status"))
    .description("show proxies, connections and what is on")
    .action(async (options: RemoteOptions) => {
      const client = new AdminClient(options, io);
      const status = (await client.call("GET", "/status")) as StatusView;
      const active = (await client.call("GET", "/active")) as ActiveView;
      if (options.json === true) {
        io.out(`${jsonLine({ status, active })}\n`);
        return;
      }
      const { colours } = io;
      io.out(
        `squall ${status.version} at ${client.base}, up ${formatDuration(status.uptime_seconds * 1000)}\n`,
      );
      for (const { name, listen, upstream, state, connections } of status.proxies) {
        const tint = state === "listening" ? colours.green : colours.yellow;
        io.out(`  ${colours.bold(name)}  ${listen} -> ${upstream}  ${tint(state)}  `);
        io.out(`${connections.active} connections (${connections.total} in all)\n`);
      }
      io.out(activeText(active, io));
    });
}

interface JournalOptions extends RemoteOptions {
  readonly bot?: string;
  readonly fault?: string;
  readonly proxy?: string;
  readonly since?: string;
  readonly limit?: string;
  readonly follow?: boolean;
}

function addJournal(program: Command, io: Io): void {
  remote(program.command("journal"))
    .description("show what was done to whom")
    .option("--bot <name>", "only this bot")
    .option("--fault <name>", "only this fault")
    .option("--proxy <name>", "only this proxy")
    .option("--since <seq>", "only entries after this sequence number")
    .option("--limit <n>", "at most so many entries (default 100)")
    .option("-f, --follow", "go on printing what comes")
    .action(async (options: JournalOptions) => {
      const client = new AdminClient(options, io);
      const query = new URLSearchParams();
      for (const name of ["bot", "fault", "proxy", "since", "limit"] as const) {
        const value = options[name];
        if (value !== undefined) query.set(name, value);
      }
      const print = (entry: JournalEntryView): void => {
        io.out(options.json === true ? `${jsonLine(entry)}\n` : `${journalLine(entry, io.colours)}\n`);
      };
      const answer = (await client.call("GET", `/journal?${query.toString()}`)) as {
        readonly entries: readonly JournalEntryView[];
        readonly last: number;
      };
      answer.entries.forEach(print);
      if (options.follow === true) await follow(client, options, answer.last, print, io);
    });
}

async function follow(
  client: AdminClient,
  options: JournalOptions,
  last: number,
  print: (entry: JournalEntryView) => void,
  io: Io,
): Promise<void> {
  const stop = new AbortController();
  // What comes is for whoever reads it.
  void Promise.race([io.stopped, io.outputLost]).then(() => {
    stop.abort();
  });
  const { bot, fault, proxy } = options;
  const wanted = matcher({
    ...(bot === undefined ? {} : { bot }),
    ...(fault === undefined ? {} : { fault }),
    ...(proxy === undefined ? {} : { proxy }),
  });
  try {
    for await (const data of client.events(`/events?after=${last}`, stop.signal)) {
      const entry = JSON.parse(data) as JournalEntryView;
      if (wanted(entry)) print(entry);
    }
    throw new CommandError(EXIT.failed, "the daemon ended the stream of events");
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}
