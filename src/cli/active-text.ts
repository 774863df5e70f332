/** What is on, as people read it: the answers of `GET`, `PUT`, `POST` and `DELETE /active`. */
import type { Colors } from "picocolors/types.js";

interface SoFarView {
  readonly proxy: string;
  readonly fault: string;
  readonly text: string;
}

interface ActivationView {
  readonly id: string;
  readonly profile: string;
  readonly seed: number;
  readonly phase: string | null;
  readonly remaining: string | null;
  readonly mode: string;
  readonly again: string;
  /** Absent from daemons of earlier versions. */
  readonly so_far?: readonly SoFarView[];
}

interface OwnFaultView {
  readonly proxy: string;
  readonly fault: string;
  readonly type: string;
  readonly so_far?: SoFarView | null;
}

export interface ActiveView {
  readonly revision: number;
  readonly activations: readonly ActivationView[];
  /** Absent from daemons of earlier versions. */
  readonly proxy_faults?: readonly OwnFaultView[];
}

export interface HealedView extends ActiveView {
  readonly ended?: number;
  readonly removed?: number;
}

/** Of one activation; `--json` has all. */
const FAULTS_SHOWN = 20;

/** `figures`: how much everything has hit so far. */
export function activeText(
  { activations, revision, proxy_faults: own = [] }: ActiveView,
  colours: Colors,
  figures: boolean,
): string {
  if (activations.length === 0 && own.length === 0) return `nothing is on (revision ${revision})\n`;
  const ofProxies = own.map(({ proxy, fault, type, so_far: done }) => {
    const hit = figures && done !== undefined && done !== null ? `: ${done.text}` : "";
    return `${colours.bold(fault)} (${type}) is set on ${proxy} itself${hit}\n`;
  });
  return [...activations.map((one) => activationText(one, colours, figures)), ...ofProxies].join("");
}

function activationText(
  { id, seed, phase, remaining, mode, again, so_far: done = [] }: ActivationView,
  colours: Colors,
  figures: boolean,
): string {
  const parts = [
    `seed ${seed}`,
    ...(phase === null ? [] : [`phase ${phase}`]),
    ...(remaining === null ? [] : [`ends in ${remaining}`]),
    ...(mode === "observe" ? ["only observing"] : []),
  ];
  const hits = done.slice(0, FAULTS_SHOWN).map(({ proxy, fault, text }) => `  ${proxy}/${fault}: ${text}\n`);
  const more = done.length - hits.length;
  if (more > 0) hits.push(`  and ${more} more, which --json has\n`);
  if (done.length === 0) hits.push("  no fault of it was in force so far\n");
  return `${colours.bold(id)} is on: ${parts.join(", ")}\n${figures ? hits.join("") : ""}  the same again: ${colours.dim(again)}\n`;
}

/** What a heal did, what it left, and how that is taken away: with `command`, as it was called, and `--own`. */
export function healedText(
  { ended = 0, removed = 0, activations, proxy_faults: own = [] }: HealedView,
  command: (...words: readonly string[]) => string,
): string {
  const gone = removed === 0 ? "" : `, and ${removed} of the proxies' own faults taken away`;
  const done = ended === 0 && removed === 0 ? "no activation was on" : `healed${gone}`;
  const on = activations.map(({ id }) => `  ${id} is still on; to end it: ${command("heal", id)}\n`);
  const left = own.map(({ proxy, fault, type }) => `  ${fault} (${type}) is still set on ${proxy} itself\n`);
  if (left.length > 0)
    left.push(`  to take ${left.length === 1 ? "it" : "them"} away: ${command("heal", "--own")}\n`);
  if (on.length + left.length === 0 && ended + removed === 0) return "nothing was on\n";
  return `${done}\n${on.join("")}${left.join("")}`;
}
