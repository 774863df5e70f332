/** What all commands that talk to a running daemon have in common. */
import type { Command } from "commander";
import type { ClientOptions } from "./client.js";
import { CommandError, EXIT, type Io } from "./io.js";

export interface RemoteOptions extends ClientOptions {
  readonly json?: boolean;
}

/** The options that every command of this kind takes. */
export function remote(command: Command): Command {
  return command
    .option("--admin <url>", "the daemon's admin address (SQUALL_ADMIN; default http://127.0.0.1:8474)")
    .option(
      "--admin-ca <file>",
      "certificates (PEM) to trust where the admin address is https:// (SQUALL_ADMIN_CA)",
    )
    .option("--token <token>", "the admin token (SQUALL_ADMIN_TOKEN)")
    .option("--json", "print what the daemon answers, for scripts");
}

/** For commands that can be for many daemons at once. */
export function onMany(command: Command): Command {
  return command.option(
    "--on <daemons>",
    "on these daemons, side by side: host1,host2:8475 or @file; a name with several addresses is several daemons",
    collect,
  );
}

/** For commands that can be for a whole fleet. */
export function onFleet(command: Command): Command {
  return command.option("--fleet", "on all daemons of the fleet that the daemon belongs to");
}

/** What those say that change the plan of a fleet. */
export function signed(command: Command): Command {
  return command
    .option("--wait <duration>", "with --fleet: how long to wait for the daemons (default 8s)")
    .option("--by <name>", "with --fleet: who it is, for others (default user@host)")
    .option("--why <text>", "with --fleet: what for, for others");
}

/** For options that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === "") {
    throw new CommandError(EXIT.usage, `--${name}: expected a whole number, got ${JSON.stringify(text)}`);
  }
  return value;
}

/** A command to the same daemon, as it can be typed: the address stands in it if it was given, the token never does. */
export function commandTo(
  { admin }: ClientOptions,
  io: Pick<Io, "env">,
): (...words: readonly string[]) => string {
  const where = admin ?? io.env["SQUALL_ADMIN"];
  return (...words) => ["squall", ...words, ...(where === undefined ? [] : ["--admin", where])].join(" ");
}
