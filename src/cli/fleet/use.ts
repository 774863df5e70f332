/** `squall use PROFILE --fleet`: one switch for all daemons of a fleet, and the table of what became of it. */
import { shellWord } from "../../core/shell-word.js";
import { formatDuration } from "../../core/units.js";
import { jsonLine } from "../../telemetry/entry.js";
import { ADMIN_DEFAULT, type AdminClient } from "../client.js";
import { CommandError, EXIT, type Io } from "../io.js";
import {
  callerOf,
  countsText,
  daemonRows,
  fleetClient,
  warningLines,
  type FleetOptions,
  type OutcomeView,
} from "./ask.js";

export interface UseFleetOptions extends FleetOptions {
  readonly ttl?: string;
  readonly daemons?: readonly string[];
  readonly label?: readonly string[];
  readonly percent?: string;
  readonly startsIn?: string;
  readonly require?: string;
  readonly orHeal?: boolean;
}

/** What was asked for, as the line that repeats it. */
export interface Wanted {
  readonly profile: string;
  /** The words of the command but for the seed, and for what is said of the fleet. */
  readonly words: readonly string[];
}

/** By which option a key of the request was given; undefined for those that are the same without a fleet. */
export function fleetOption(path: string): string | undefined {
  const [, key = "", rest = ""] = /^(\w+)\W?(.*)$/su.exec(path) ?? [];
  switch (key) {
    case "daemons":
    case "percent":
    case "require":
    case "wait":
    case "by":
    case "why":
      return `--${key}`;
    case "labels":
      return `--label${rest === "" ? "" : ` ${rest}`}`;
    case "starts_in":
      return "--starts-in";
    case "or_heal":
      return "--or-heal";
    default:
      return undefined;
  }
}

/** What the request has besides what it has without a fleet. Throws a CommandError. */
function bodyOf(options: UseFleetOptions, io: Pick<Io, "env">): Readonly<Record<string, unknown>> {
  const { daemons, label, percent, startsIn, require, wait, orHeal, why } = options;
  return {
    ...(daemons === undefined ? {} : { daemons: daemons.flatMap((one) => one.split(",")) }),
    ...(label === undefined ? {} : { labels: Object.fromEntries(label.map(labelOf)) }),
    ...(percent === undefined ? {} : { percent: percentOf(percent) }),
    ...(startsIn === undefined ? {} : { starts_in: startsIn }),
    ...(require === undefined ? {} : { require }),
    ...(wait === undefined ? {} : { wait }),
    ...(orHeal === true ? { or_heal: true } : {}),
    ...(why === undefined ? {} : { why }),
    by: callerOf(options, io),
  };
}

function labelOf(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new CommandError(EXIT.usage, `--label: expected name=value, got ${JSON.stringify(text)}`);
}

function percentOf(text: string): number {
  const value = Number(text.replace(/%$/u, ""));
  if (text.trim() !== "" && value >= 0 && value <= 100) return value;
  throw new CommandError(
    EXIT.usage,
    `--percent: expected a number from 0 to 100, got ${JSON.stringify(text)}`,
  );
}

/** `switchOn` sends the request, with these keys besides its own. */
export async function useFleet(
  { profile, words }: Wanted,
  options: UseFleetOptions,
  io: Io,
  switchOn: (client: AdminClient, more: Readonly<Record<string, unknown>>) => Promise<OutcomeView>,
): Promise<void> {
  if (options.ttl === undefined)
    throw new CommandError(
      EXIT.usage,
      "--fleet: needs --ttl, such as --ttl 30m: many daemons must heal even when nobody is left to tell them",
    );
  const client = fleetClient(options, io);
  const outcome = await switchOn(client, bodyOf(options, io));
  const { serial, met, healed, daemons, activations, warnings = [] } = outcome;
  const [first] = activations;
  const seed = first?.seed ?? 0;
  const again = [
    "squall",
    "use",
    ...words,
    ...fleetWords(options),
    "--seed",
    String(seed),
    "--ttl",
    options.ttl,
    ...(client.base === ADMIN_DEFAULT ? [] : ["--admin", client.base]),
  ]
    .map(shellWord)
    .join(" ");
  const goal = options.startsIn === undefined ? "applied" : "prepared";
  if (options.json === true) io.out(`${jsonLine({ ...outcome, again })}\n`);
  else {
    const isWell = (state: string): boolean =>
      state === "applied" || (goal === "prepared" && state === "prepared");
    const begins =
      options.startsIn === undefined || first === undefined ? "" : `, begins at ${first.starts_at}`;
    io.out(
      `${io.colours.bold(profile)}: ${countsText(daemons, goal)}; plan ${serial}, seed ${seed}${begins}, ends in ${options.ttl}\n` +
        `${daemonRows(daemons, io, isWell)}  the same again: ${io.colours.dim(again)}\n`,
    );
    io.err(warningLines(warnings, io));
  }
  if (met) return;
  const required = options.require ?? "all";
  const short =
    daemons.length === 0
      ? "no daemon of the fleet is meant (squall status --fleet lists them)"
      : `${required} of ${daemons.length} ${daemons.length === 1 ? "daemon" : "daemons"} had to have it, and ${countsText(daemons, goal)}`;
  throw new CommandError(EXIT.failed, `${short}${endText(healed, first?.ends_at, activations.length)}`);
}

function endText(healed: boolean, endsAt: string | undefined, count: number): string {
  if (healed) return "; what was on before is on again";
  return endsAt === undefined || count === 0
    ? ""
    : `; it stays on until ${endsAt}, or until squall heal --fleet`;
}

function fleetWords({
  daemons = [],
  label = [],
  percent,
  startsIn,
  require,
  orHeal,
}: UseFleetOptions): readonly string[] {
  return [
    "--fleet",
    ...daemons.flatMap((one) => ["--daemons", one]),
    ...label.flatMap((one) => ["--label", one]),
    ...(percent === undefined ? [] : ["--percent", percent]),
    ...(startsIn === undefined ? [] : ["--starts-in", startsIn]),
    ...(require === undefined ? [] : ["--require", require]),
    ...(orHeal === true ? ["--or-heal"] : []),
  ];
}

/** How long until that moment, as far as it is known what time it is there. */
export function untilText(moment: string | null, time: string | null): string {
  if (moment === null) return "";
  if (time === null) return moment;
  return formatDuration(Math.max(0, Math.round((Date.parse(moment) - Date.parse(time)) / 1_000) * 1_000));
}
