/** The flags that say what is run and against what: the same for sites, sweep, hunt, shrink and replay, over squall.run.yaml. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { scalarOf } from "../config/located.js";
import { badFlag, directoryIn, readRun, type RunFlag } from "../sweep/run-file/read.js";
import type { RunSettings } from "../sweep/run-file/settings.js";
import type { RunInput } from "../sweep/run-file/shape.js";
import { readConfigFile, readRunFile, type ConfigText } from "./files.js";
import type { Io } from "./io.js";

/** As commander hands them over. */
export interface RunFlags {
  readonly run?: string;
  readonly config?: string;
  readonly proxy?: readonly string[];
  readonly secure?: readonly string[];
  readonly env?: readonly string[];
  readonly yesReally?: boolean;
  readonly [flag: string]: unknown;
}

interface Flag {
  readonly flag: string;
  readonly takes: string;
  readonly key: keyof RunInput;
  readonly about: string;
  /** `many`: may be given again; `list`: words with commas between them. */
  readonly form?: "many" | "list" | "number" | "yes";
}

const FLAGS: readonly Flag[] = [
  { flag: "--setup", takes: "<line>", key: "setup", about: "run before each run, by a shell" },
  {
    flag: "--upstream",
    takes: "<line>",
    key: "upstream",
    about: "a server, started afresh for each run; {port:NAME} is a free port",
  },
  {
    flag: "--ready",
    takes: "<url>",
    key: "ready",
    about: "what must answer before the command is started",
    form: "many",
  },
  {
    flag: "--ready-timeout",
    takes: "<duration>",
    key: "ready_timeout",
    about: "how long that may take (30s)",
  },
  { flag: "--check", takes: "<line>", key: "check", about: "run afterwards; fails where something is wrong" },
  {
    flag: "--audit",
    takes: "<url>",
    key: "audit",
    about: "JSON that is compared with that of fault-free runs",
  },
  {
    flag: "--ignore",
    takes: "<pointer>",
    key: "ignore",
    about: "a JSON pointer into the audit that may differ, such as /jobs/*/worker",
    form: "many",
  },
  {
    flag: "--tolerance",
    takes: "<share>",
    key: "tolerance",
    about: "by how much numbers of the audit may differ (0%)",
  },
  {
    flag: "--outage",
    takes: "<duration>",
    key: "outage",
    about: "how long the kind outage lasts, which then is tried by default (10s)",
  },
  {
    flag: "--outage-ignore",
    takes: "<pointer>",
    key: "outage_ignore",
    about: "a JSON pointer into the audit that may differ after faults that last",
    form: "many",
  },
  {
    flag: "--idempotent",
    takes: "<call>",
    key: "idempotent",
    about: "a call that may come twice, such as 'POST /v1/jobs/:id/complete'",
    form: "many",
  },
  {
    flag: "--settle",
    takes: "<duration>",
    key: "settle",
    about: "how long is waited at most until all is quiet (2s)",
  },
  { flag: "--timeout", takes: "<duration>", key: "timeout", about: "how long the command may take (auto)" },
  {
    flag: "--dump",
    takes: "<signal>",
    key: "dump",
    about: "by which a command that hangs tells where it stands",
  },
  {
    flag: "--jobs",
    takes: "<n>",
    key: "jobs",
    about: "runs at a time; more than 1 needs --upstream (1)",
    form: "number",
  },
  {
    flag: "--isolate",
    takes: "<what>",
    key: "isolate",
    about: "net: each of these runs has a network of its own, on Linux",
  },
  {
    flag: "--baselines",
    takes: "<n>",
    key: "baselines",
    about: "fault-free runs before anything else (3)",
    form: "number",
  },
  {
    flag: "--route",
    takes: "<path>",
    key: "routes",
    about: "a route template such as /v1/jobs/:id",
    form: "many",
  },
  {
    flag: "--openapi",
    takes: "<file>",
    key: "openapi",
    about: "an OpenAPI description to take route templates from",
    form: "many",
  },
  {
    flag: "--kinds",
    takes: "<names>",
    key: "kinds",
    about: "kinds of faults, or quick, default or all",
    form: "list",
  },
  {
    flag: "--skip-kinds",
    takes: "<names>",
    key: "skip_kinds",
    about: "kinds of faults that are left out",
    form: "list",
  },
  { flag: "--seed", takes: "<n>", key: "seed", about: "of all that is drawn (1)", form: "number" },
  { flag: "--budget", takes: "<duration>", key: "budget", about: "how long all of it may take" },
  {
    flag: "--service",
    takes: "",
    key: "service",
    about: "the bots run all the time; a fault comes and goes, and all must be well again",
    form: "yes",
  },
  { flag: "--directory", takes: "<folder>", key: "directory", about: "for all that is written (.squall)" },
  { flag: "--disk", takes: "<size>", key: "disk", about: "how much the folders of runs may have (256MiB)" },
  { flag: "--keep", takes: "", key: "keep", about: "keep the folders of all runs", form: "yes" },
];

const again = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];

/** The command itself is whatever stands behind `--`. */
export function withRunFlags(command: Command): Command {
  command
    .argument("[command...]", "what is judged, with its words behind --")
    .option("--run <file>", "the run file (default: squall.run.yaml here, if there is one)")
    .option(
      "-c, --config <file>",
      "squall.yaml, whose proxies are used (default: squall.yaml here, if there is one)",
    )
    .option("--proxy <name=upstream>", "a proxy, such as jobs=http://127.0.0.1:3000; may be repeated", again)
    .option(
      "--secure <name>",
      "a proxy with which the command speaks TLS, by a certificate that Squall makes; may be repeated",
      again,
    )
    .option(
      "--env <name=value>",
      "a variable for the command, such as JOBS_URL={url:jobs}; may be repeated",
      again,
    );
  for (const { flag, takes, about, form } of FLAGS) {
    if (form === "many") command.option(`${flag} ${takes}`, `${about}; may be repeated`, again);
    else command.option(takes === "" ? flag : `${flag} ${takes}`, about);
  }
  return command.option("--yes-really", "upstreams may be neither loopback nor private addresses");
}

/**
 * `given` is a run file that lies elsewhere, such as in a replay file; `--run` stands above it.
 *
 * Throws SquallError with all mistakes and their places, or CommandError for a file that cannot be read.
 */
export function runSettings(
  flags: RunFlags,
  words: readonly string[],
  io: Pick<Io, "cwd" | "env">,
  given: ConfigText | null = null,
): RunSettings {
  return readRun({
    file: flags.run === undefined && given !== null ? given : readRunFile(flags.run, io),
    flags: [...flagsGiven(flags), ...commandOf(words), ...environmentOf(flags.env ?? [])],
    proxies: (flags.proxy ?? []).map(proxyOf),
    secure: flags.secure ?? [],
    config: readConfigFile(flags.config, io),
    env: io.env,
    cwd: io.cwd,
  });
}

/** Where all is written: `--directory`, or what the run file says. */
export function directoryOf(flags: RunFlags, io: Pick<Io, "cwd" | "env">): string {
  const given = flags["directory"];
  return resolve(io.cwd, typeof given === "string" ? given : directoryIn(readRunFile(flags.run, io), io.env));
}

/** Resolves to a signal that Ctrl-C, SIGTERM and the end of the terminal abort. */
export function interruptOf(io: Pick<Io, "stopped" | "onHangup">): AbortSignal {
  const controller = new AbortController();
  const stop = (why: string): void => {
    controller.abort(new DOMException(`interrupted by ${why}`, "AbortError"));
  };
  void io.stopped.then(stop);
  io.onHangup(() => {
    stop("SIGHUP");
  });
  return controller.signal;
}

function flagsGiven(flags: RunFlags): RunFlag[] {
  return FLAGS.flatMap(({ flag, key, form }): RunFlag[] => {
    const given = flags[camel(flag)];
    if (given === undefined) return [];
    const value =
      form === "list"
        ? String(given)
            .split(",")
            .map((word) => word.trim())
            .filter((word) => word !== "")
        : form === "number"
          ? scalarOf(String(given)).value
          : given;
    return [{ key, value, flag }];
  });
}

function camel(flag: string): string {
  return flag.slice(2).replaceAll(/-([a-z])/gu, (_whole, letter: string) => letter.toUpperCase());
}

function commandOf(words: readonly string[]): RunFlag[] {
  return words.length === 0 ? [] : [{ key: "command", value: [...words], flag: "the command line" }];
}

function environmentOf(given: readonly string[]): RunFlag[] {
  if (given.length === 0) return [];
  const pairs = given.map((pair) => {
    const [, name, value] = /^([A-Za-z_]\w*)=([\s\S]*)$/u.exec(pair) ?? [];
    if (name === undefined || value === undefined)
      throw badFlag("--env", `expected NAME=VALUE such as JOBS_URL={url:jobs}, got ${JSON.stringify(pair)}`);
    return [name, value] as const;
  });
  return [{ key: "env", value: Object.fromEntries(pairs), flag: "--env" }];
}

function proxyOf(pair: string): { name: string; upstream: string } {
  const [, name, upstream] = /^([a-z0-9][a-z0-9._-]{0,63})=(\S+)$/u.exec(pair) ?? [];
  if (name !== undefined && upstream !== undefined) return { name, upstream };
  throw badFlag(
    "--proxy",
    `expected NAME=UPSTREAM such as jobs=http://127.0.0.1:3000, got ${JSON.stringify(pair)}`,
  );
}
