/** What the commands for a whole fleet have in common: they ask one of its daemons, which asks the engine. */
import { hostname, userInfo } from "node:os";
import { parseDuration } from "../../core/units.js";
import { AdminClient, type ClientOptions } from "../client.js";
import { CommandError, EXIT, type Io } from "../io.js";
import { harmless } from "../../telemetry/entry.js";
import { rowLines } from "../rows.js";

/** For the engine's part of an answer, besides what the command itself waits for. */
const SLACK_MS = 20_000;
const WAIT_DEFAULT_MS = 8_000;
/** Of more daemons, those that did what they were asked for are only counted. */
const ROWS_MAX = 30;

export interface FleetOptions extends ClientOptions {
  readonly fleet?: boolean;
  readonly json?: boolean;
  readonly wait?: string;
  readonly by?: string;
  readonly why?: string;
}

export interface DaemonRow {
  readonly daemon: string;
  /** A daemon of an older version does not tell it. */
  readonly life?: string;
  readonly state: string;
  readonly why: string | null;
}

export interface ActivationRow {
  readonly id: string;
  readonly seed: number;
  readonly starts_at: string;
  readonly ends_at: string;
}

/** What a daemon answers to a switch of its fleet. */
export interface OutcomeView {
  readonly serial: number;
  readonly met: boolean;
  readonly healed: boolean;
  readonly daemons: readonly DaemonRow[];
  readonly activations: readonly ActivationRow[];
  /** A daemon of an older version has none. */
  readonly warnings?: readonly string[];
}

/** A client that waits for as long as it was asked to, and for the engine. */
export function fleetClient(options: FleetOptions, io: Pick<Io, "env">): AdminClient {
  const wait =
    options.wait === undefined ? WAIT_DEFAULT_MS : (parseDuration(options.wait) ?? WAIT_DEFAULT_MS);
  return new AdminClient({ ...options, timeout: wait + SLACK_MS }, io);
}

/** Who asks, for those who look at the plan: `--by`, or the user and the machine. */
export function callerOf({ by }: FleetOptions, { env }: Pick<Io, "env">): string {
  return by ?? `${env["USER"] ?? env["LOGNAME"] ?? userName()}@${hostname()}`.slice(0, 200);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user of a container need not have a name.
    return "somebody";
  }
}

/** Throws a CommandError for options that only make sense with a fleet, and for two kinds of many daemons at once. */
export function checkFleetOptions(
  options: FleetOptions & { readonly on?: readonly string[] },
  only: Readonly<Record<string, unknown>>,
): void {
  if (options.fleet === true) {
    if (options.on === undefined) return;
    throw new CommandError(
      EXIT.usage,
      "--fleet: the engine knows the daemons, so --on cannot stand beside it",
    );
  }
  for (const [option, value] of Object.entries(only))
    if (value !== undefined) throw new CommandError(EXIT.usage, `--${option}: needs --fleet`);
}

/** `2 applied, 1 refused, 1 silent`; what nobody is, is left out, but for the word of what went well. */
export function countsText(daemons: readonly DaemonRow[], well: string): string {
  const counts = new Map([[well, 0]]);
  for (const { state } of daemons) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state.replace("_", " ")}`).join(", ");
}

/** The names of rows; with the life where several daemons go by one name. */
export function namesOf(rows: readonly Pick<DaemonRow, "daemon" | "life">[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { daemon } of rows) counts.set(daemon, (counts.get(daemon) ?? 0) + 1);
  return rows.map(({ daemon, life }) =>
    harmless(life === undefined || counts.get(daemon) === 1 ? daemon : `${daemon} (${life})`),
  );
}

/** Lines for standard error. */
export function warningLines(warnings: readonly string[], { colours }: Pick<Io, "colours">): string {
  return warnings.map((warning) => `${colours.yellow("warning")} ${harmless(warning)}\n`).join("");
}

/** A row for each daemon; of many only for those that are not as they should be. */
export function daemonRows(
  daemons: readonly DaemonRow[],
  { colours }: Pick<Io, "colours">,
  isWell: (state: string) => boolean,
): string {
  const names = namesOf(daemons);
  const named = daemons.map(({ state, why }, at) => ({ name: names[at] ?? "", state, why }));
  const shown = named.length <= ROWS_MAX ? named : named.filter(({ state }) => !isWell(state));
  const rows = shown.map(({ name, state, why }) => {
    const tint = isWell(state) ? colours.green : state === "refused" ? colours.red : colours.yellow;
    return {
      name,
      text: `${tint(state.replace("_", " "))}${why === null ? "" : `: ${why}`}`,
    };
  });
  const left = daemons.length - shown.length;
  return rowLines(rows) + (left === 0 ? "" : `  and ${left} more, all well\n`);
}
