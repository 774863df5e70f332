/** A compiled profile in sentences: one for each fault, said so that a tester can check it against what happens. */
import { formatDuration, formatRate, formatRatio, formatSize } from "../core/units.js";
import type { AnyFaultType } from "../faults/contract.js";
import { oneOf, quantityOf } from "../faults/params.js";
import type { CompiledFault, CompiledPhase, CompiledProfile, MatchValue, Ramp, WhenValue } from "./value.js";

type Types = ReadonlyMap<string, AnyFaultType>;

/** The lines of `squall explain`. */
export function explainProfile(profile: CompiledProfile, types: Types): string[] {
  const lines = profile.faults.map((fault) => explainFault(fault, types, null));
  if (profile.phases.length > 0) lines.push(timeline(profile));
  for (const phase of profile.phases) {
    if (phase.faults.length === 0) lines.push(`Phase ${phase.phase}: nothing is disturbed.`);
    for (const fault of phase.faults) lines.push(explainFault(fault, types, phase));
  }
  return lines.length === 0 ? ["Nothing is disturbed."] : lines;
}

/** "On every proxy, 30% of connections: delays every byte by 200ms, downstream, from 5s to 25s of phase crash." */
export function explainFault(fault: CompiledFault, types: Types, phase: CompiledPhase | null): string {
  const type = types.get(fault.type);
  const what = type === undefined ? `does what ${fault.type} does` : type.explain(fault.params);
  const parts = [
    `${where(fault)}, ${subjects(fault)}: ${what}`,
    ...ramps(fault, type),
    ...(fault.directions === null
      ? []
      : [fault.directions === "both" ? "in both directions" : fault.directions]),
    ...span(fault.when, phase),
  ];
  return `${parts.join(", ")}.`;
}

function where({ proxies }: CompiledFault): string {
  if (proxies === null) return "On every proxy";
  return proxies.length === 1 ? `On proxy ${proxies[0] ?? ""}` : `On proxies ${list(proxies)}`;
}

function list(words: readonly string[]): string {
  return oneOf(words).replace(/ or (?=[^ ]*$)/u, " and ");
}

function subjects({ match, except, when }: CompiledFault): string {
  const of = match.length === 0 ? "connections" : `connections ${match.map(clients).join(" or ")}`;
  const but = except.length === 0 ? "" : ` except those ${except.map(clients).join(" or ")}`;
  return `${share(when)}${of}${but}${counted(when)}`;
}

function clients({ client }: MatchValue): string {
  return client === undefined ? "of anybody" : `from ${oneOf(client)}`;
}

function share({ probability = 1 }: WhenValue): string {
  if (typeof probability !== "number")
    return `${formatRatio(probability.from)} to ${formatRatio(probability.to)} of `;
  return probability === 1 ? "all " : `${formatRatio(probability)} of `;
}

function counted({ skip = 0, every = 1, count, per }: WhenValue): string {
  const rules = [
    ...(skip > 0 ? [`leaving the first ${skip} alone`] : []),
    ...(every > 1 ? [`hitting every ${ordinal(every)}`] : []),
    ...(count === undefined ? [] : [count === 1 ? "once" : `${count} times at most`]),
  ];
  if (rules.length === 0) return "";
  return ` (${rules.join(", ")}, counted for each ${per ?? "proxy"})`;
}

function ordinal(n: number): string {
  const tens = n % 100;
  const suffix = tens > 10 && tens < 14 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th");
  return `${n}${suffix}`;
}

function ramps(fault: CompiledFault, type: AnyFaultType | undefined): string[] {
  return Object.entries(fault.ramps).map(
    ([name, ramp]) =>
      `${name} going from ${measured(name, ramp.from, type)} to ${measured(name, ramp.to, type)}`,
  );
}

function measured(name: string, value: Ramp["from"], type: AnyFaultType | undefined): string {
  const schema = type?.params.shape[name];
  switch (schema === undefined ? undefined : quantityOf(schema)?.kind) {
    case "duration":
      return formatDuration(value);
    case "size":
      return formatSize(value);
    case "rate":
      return formatRate(value);
    case "ratio":
      return formatRatio(value);
    default:
      return String(value);
  }
}

function span(when: WhenValue, phase: CompiledPhase | null): string[] {
  const start = when.after ?? 0;
  const of = phase === null ? "" : ` of phase ${phase.phase}`;
  const end = Math.min(when.for === undefined ? Infinity : start + when.for, phase?.for ?? Infinity);
  if (start === 0 && when.for === undefined) return phase === null ? [] : [`in phase ${phase.phase}`];
  if (end === Infinity) return [`from ${formatDuration(start)}${of} on`];
  return [`from ${formatDuration(start)} to ${formatDuration(end)}${of}`];
}

function timeline({ phases, repeat }: CompiledProfile): string {
  const steps = phases.map((phase) =>
    phase.for === null ? `${phase.phase} without end` : `${phase.phase} for ${formatDuration(phase.for)}`,
  );
  const often = repeat === "forever" ? ", over and over" : repeat === 1 ? "" : `, ${repeat} times`;
  return `Phases: ${steps.join(", then ")}${often}.`;
}
