/**
 * `squall use PROFILE --on …`: the same activation on many daemons, with one seed and one end, so that a bot meets the same faults at each
 * of them, and they are over whatever becomes of whoever switched them on.
 */
import { randomInt } from "node:crypto";
import { shellWord } from "../../core/shell-word.js";
import { jsonLine } from "../../telemetry/entry.js";
import type { ActiveView } from "../active-text.js";
import { Refusal, type AdminClient } from "../client.js";
import { CommandError, EXIT, type Io } from "../io.js";
import {
  askEach,
  countText,
  daemonsOf,
  endOf,
  rowsText,
  type Daemon,
  type OnOptions,
  type Outcome,
} from "./each.js";

export interface UseOnOptions extends OnOptions {
  readonly json?: boolean;
  readonly ttl?: string;
  readonly add?: boolean;
  readonly orHeal?: boolean;
}

/** What was asked for, as the line that repeats it. */
export interface Wanted {
  readonly profile: string;
  /** Null for one that is to be drawn. */
  readonly seed: number | null;
  /** The words of the command but for `--seed`, `--ttl` and `--on`. */
  readonly words: readonly string[];
}

/** `switchOn` does it at one daemon, as without `--on`. */
export async function useOn(
  { profile, seed: given, words }: Wanted,
  options: UseOnOptions,
  io: Io,
  switchOn: (client: AdminClient, seed: number) => Promise<ActiveView>,
): Promise<void> {
  const { ttl, json } = options;
  if (ttl === undefined)
    throw new CommandError(
      EXIT.usage,
      "--on: needs --ttl, such as --ttl 30m: many daemons must heal even when nobody is left to tell them",
    );
  const daemons = await daemonsOf(options, io);
  const seed = given ?? randomInt(2 ** 32);
  if (options.orHeal === true) await allThere(daemons);
  const outcomes = await askEach(daemons, (client) => switchOn(client, seed));
  const healed = options.orHeal === true ? await healAgain(profile, outcomes) : null;
  const again = ["squall", "use", ...words, "--seed", String(seed), "--ttl", ttl, ...onWords(options)]
    .map(shellWord)
    .join(" ");
  if (json === true)
    io.out(
      `${jsonLine({ profile, seed, ttl, again, daemons: outcomes.map((one) => rowOf(one, healed)) })}\n`,
    );
  else {
    const { colours } = io;
    const rows = rowsText(outcomes, io, () => colours.green("applied"));
    const after = healed === null || healed.length === 0 ? "" : healedText(healed, io);
    io.out(
      `${colours.bold(profile)}: ${countText(outcomes, "applied")}; seed ${seed}, ends in ${ttl}\n${rows}${after}` +
        `  the same again: ${colours.dim(again)}\n`,
    );
  }
  endOf(outcomes, (count) =>
    healed === null ? `${profile} is on at ${count}` : `${profile} came on at ${count}, and was ended again`,
  );
}

/** Nothing is switched on anywhere while one of them is away. */
async function allThere(daemons: readonly Daemon[]): Promise<void> {
  const seen = await askEach(daemons, (client) => client.call("GET", "/status"));
  const away = seen.flatMap((one) =>
    one.state === "applied" ? [] : [`  ${one.daemon.host.name}: ${one.why}`],
  );
  if (away.length === 0) return;
  const code = away.length === daemons.length ? EXIT.unreachable : EXIT.failed;
  throw new CommandError(
    code,
    `nothing was switched on, since not all ${daemons.length} daemons are there\n${away.join("\n")}`,
  );
}

/** Null where all have it: then nothing is taken back. Of silent ones it is not known whether they have it, so they are asked as well. */
async function healAgain(
  profile: string,
  outcomes: readonly Outcome<ActiveView>[],
): Promise<Outcome<unknown>[] | null> {
  if (outcomes.every(({ state }) => state === "applied")) return null;
  const asked = outcomes.flatMap(({ daemon, state }) => (state === "refused" ? [] : [daemon]));
  return askEach(asked, (client) =>
    client.call("DELETE", `/active/${encodeURIComponent(profile)}`).catch((error: unknown) => {
      if (!(error instanceof Refusal) || error.status !== 404) throw error;
    }),
  );
}

function healedText(healed: readonly Outcome<unknown>[], io: Io): string {
  const left = healed.filter(({ state }) => state !== "applied");
  const count = healed.length - left.length;
  const head = `ended again at ${count} of ${healed.length}\n`;
  return left.length === 0 ? head : head + rowsText(left, io, () => "");
}

function rowOf(one: Outcome<ActiveView>, healed: readonly Outcome<unknown>[] | null): object {
  const { daemon, state } = one;
  const after = healed?.find((other) => other.daemon === daemon);
  return {
    daemon: daemon.host.name,
    state,
    ...(one.state === "applied" ? { revision: one.value.revision } : { why: one.why }),
    ...(after === undefined ? {} : { healed: after.state === "applied" }),
  };
}

export function onWords({ on = [] }: OnOptions): string[] {
  return on.flatMap((one) => ["--on", one]);
}
