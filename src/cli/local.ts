/** `squall serve`: the daemon, in this process. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Override } from "../config/overrides.js";
import { readConfigFile } from "./files.js";
import type { Io } from "./io.js";
import { profilesOverrides, withProfilesFlags, type ProfilesFlags } from "./profiles-flags.js";
import { logLevelOf } from "./toxiproxy-flags.js";

interface ServeOptions extends ProfilesFlags {
  readonly config?: string;
  readonly admin?: string;
  readonly activate?: string;
  readonly seed?: string;
  readonly state?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

export function addServe(program: Command, io: Io): void {
  withProfilesFlags(program.command("serve", { isDefault: true }))
    .description("run the daemon")
    .option(
      "-c, --config <file>",
      "configuration (default: squall.yaml here, if there is one), or a list of proxies in Toxiproxy's form",
    )
    .option("--admin <address>", "where the admin API listens, such as 127.0.0.1:8474")
    .option("--activate <profile>", "a profile to start with")
    .option("--seed <n>", "the seed of whatever no activation gives a seed to")
    .option("--state <file>", "keep what the API makes and changes there, over restarts")
    .option("--log-level <level>", "error, warn, info or debug (LOG_LEVEL)")
    .option("--log-format <format>", "json, pretty, or auto: pretty on a terminal")
    .action(async (options: ServeOptions) => {
      await serve(options, io);
    });
}

async function serve(options: ServeOptions, io: Io): Promise<void> {
  const overrides = overridesOf(options, io);
  const found = readConfigFile(options.config, io);
  // Before it starts: a SIGHUP that comes meanwhile must not end the process, and is obeyed when there is somebody to do it.
  let early = false;
  let reload = (): void => {
    early = true;
  };
  io.onHangup(() => {
    reload();
  });
  const { startDaemon } = await import("../daemon.js");
  const daemon = await startDaemon({
    ...(found === null ? {} : found),
    overrides,
    env: io.env,
    cwd: io.cwd,
    home: io.home,
    logStream: io.log,
    ownProcess: true,
    pid: io.pid,
    node: io.node,
    unwanted: io.stopped,
  });
  io.started();
  reload = () => {
    void daemon.reload("SIGHUP");
  };
  if (early) reload();
  // Each place at which the event loop comes in sees to its own mistakes. What slips through ends nobody's connections.
  io.onUncaught((error) => {
    daemon.telemetry.tell({ kind: "mistake", where: "a place that nobody watches", error });
  });
  const signal = await io.stopped;
  await daemon.stop({ why: signal });
}

function overridesOf(options: ServeOptions, io: Io): Override[] {
  const overrides: { path: string[]; value: string; origin: string }[] = [];
  const set = (path: string[], value: string | undefined, origin: string): void => {
    if (value !== undefined) overrides.push({ path, value, origin });
  };
  set(["admin", "listen"], options.admin, "--admin");
  set(["activate"], options.activate, "--activate");
  set(["seed"], options.seed, "--seed");
  // From where the command runs, not from where the configuration is.
  set(["state"], options.state === undefined ? undefined : resolve(io.cwd, options.state), "--state");
  set(
    ["log", "level"],
    options.logLevel ?? logLevelOf(io.env["LOG_LEVEL"]),
    options.logLevel === undefined ? "LOG_LEVEL" : "--log-level",
  );
  set(["log", "format"], options.logFormat, "--log-format");
  return [...overrides, ...profilesOverrides(options, io)];
}
