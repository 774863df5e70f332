/** `squall status --fleet`: who is in the fleet, and what each of its daemons is under. */
import { formatDuration } from "../../core/units.js";
import { harmless, jsonLine } from "../../telemetry/entry.js";
import { AdminClient } from "../client.js";
import { CommandError, EXIT, type Io } from "../io.js";
import { columns } from "../rows.js";
import { namesOf, warningLines, type ActivationRow, type FleetOptions } from "./ask.js";
import { untilText } from "./use.js";

interface MemberRow {
  readonly daemon: string;
  readonly life: string;
  readonly state: string;
  readonly serial: number;
  readonly hits: number;
  readonly ends_at: string | null;
  readonly why: string | null;
  readonly age_seconds: number;
}

interface FleetView {
  readonly name: string;
  readonly daemon: string;
  readonly engine: string;
  readonly connected: boolean;
  readonly problem: string | null;
  readonly me: MemberRow;
  readonly plan: {
    readonly serial: number;
    readonly by: string;
    readonly why: string | null;
    readonly activations: readonly ActivationRow[];
  } | null;
  readonly time: string | null;
  readonly members: readonly MemberRow[] | null;
  /** A daemon of an older version has none. */
  readonly warnings?: readonly string[];
}

const HEADS = ["daemon", "state", "plan", "hits", "ends in", "heard", "why"] as const;

export async function statusFleet(options: FleetOptions, io: Io): Promise<void> {
  const client = new AdminClient(options, io);
  const fleet = (await client.call("GET", "/fleet")) as FleetView;
  if (options.json === true) io.out(`${jsonLine(fleet)}\n`);
  else {
    io.out(fleetText(fleet, io));
    io.err(warningLines(fleet.warnings ?? [], io));
  }
  if (fleet.members !== null) return;
  throw new CommandError(
    EXIT.failed,
    `${fleet.engine} does not tell who is in the fleet: ${fleet.problem ?? "no answer so far"}`,
  );
}

function fleetText({ name, engine, plan, time, members, me, problem }: FleetView, io: Io): string {
  const { colours } = io;
  const rows = members ?? [me];
  const names = namesOf(rows);
  const count = members === null ? "" : `, ${members.length} ${members.length === 1 ? "daemon" : "daemons"}`;
  const trouble = problem === null || members === null ? "" : `  ${colours.yellow(problem)}\n`;
  const tints: Readonly<Record<string, (text: string) => string>> = {
    "applied": colours.green,
    "prepared": colours.green,
    "refused": colours.red,
    "healed here": colours.yellow,
  };
  const table = columns(
    HEADS,
    rows.map(({ state, serial, hits, ends_at: ends, why, age_seconds: age }, at) => [
      names[at] ?? "",
      state.replace("_", " "),
      String(serial),
      String(hits),
      untilText(ends, time),
      `${formatDuration(Math.round(age * 10) * 100)} ago`,
      // A line of its own would look like the row of another daemon.
      harmless(why ?? ""),
    ]),
    (cell, column) => (column === 1 ? (tints[cell.trim()]?.(cell) ?? cell) : cell),
  );
  return `fleet ${colours.bold(name)} at ${engine}${count}\n${planText(plan, time, io)}${trouble}${table}`;
}

function planText(plan: FleetView["plan"], time: string | null, { colours }: Io): string {
  if (plan === null) return "  no plan was read so far\n";
  const { serial, by, why, activations } = plan;
  const from = by === "" ? "" : ` by ${harmless(`${by}${why === null ? "" : ` (${why})`}`)}`;
  const on = activations.map(({ id, seed, ends_at: ends }) => {
    const left = untilText(ends, time);
    return `${colours.bold(id)} (seed ${seed}, ${left === "0ms" ? "over" : `ends in ${left}`})`;
  });
  return `  plan ${serial}${from}: ${on.length === 0 ? "nothing is on" : on.join(", ")}\n`;
}
