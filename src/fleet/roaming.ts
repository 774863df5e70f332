/**
 * Bots that come by several daemons. What a fault counts, or draws by number, is another request of such a bot on each of them; whoever
 * switches a fleet is told which faults that concerns, and who was seen.
 */
import { isLoopback } from "../config/address.js";
import type { CompiledFault, CompiledProfile } from "../plan/value.js";
import type { FleetLine } from "./contract/journal.js";

/** Bots and daemons that a warning names. */
const NAMED = 3;

/** Conditions that go by the number of a subject, which each daemon counts for itself. */
const BY_NUMBER = ["skip", "every", "count", "only", "probability"] as const;

/** Which of these a fault has, if nothing of the request stands in place of its number. */
function byNumber({ when, draw }: CompiledFault): readonly string[] {
  return draw === undefined ? BY_NUMBER.filter((name) => when[name] !== undefined) : [];
}

/** By the name of the fault, in the order of the profiles. */
export function numberedFaults(profiles: readonly CompiledProfile[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { faults, phases } of profiles)
    for (const fault of [...faults, ...phases.flatMap((phase) => phase.faults)]) {
      const conditions = byNumber(fault);
      if (conditions.length > 0) found.set(fault.name, conditions);
    }
  return found;
}

/**
 * Bots of which several daemons have written, each with these daemons, in the order in which they were seen. A loopback address is
 * somebody else on each machine.
 */
export function roamersIn(lines: readonly FleetLine[]): ReadonlyMap<string, ReadonlySet<string>> {
  const seen = new Map<string, Set<string>>();
  for (const line of lines) {
    if (!("daemon" in line) || !("bot" in line) || typeof line.bot !== "string") continue;
    if (isLoopback(line.bot)) continue;
    const daemons = seen.get(line.bot) ?? new Set();
    seen.set(line.bot, daemons.add(line.daemon));
  }
  return new Map([...seen].filter(([, daemons]) => daemons.size > 1));
}

/** One for each fault that it concerns; none where nobody roams. */
export function roamingWarnings(
  faults: ReadonlyMap<string, readonly string[]>,
  roamers: ReadonlyMap<string, ReadonlySet<string>>,
): readonly string[] {
  if (roamers.size === 0) return [];
  const bots = listed([...roamers.keys()]);
  const daemons = listed([...new Set([...roamers.values()].flatMap((each) => [...each]))]);
  return [...faults].map(
    ([fault, conditions]) =>
      `${fault}: ${conditions.join(" and ")} ${conditions.length === 1 ? "goes" : "go"} by numbers that each daemon counts for itself, and ` +
      `${bots} lately came by several (${daemons}): draw: { by: … } names a key of the request instead`,
  );
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMED;
  return [...names.slice(0, NAMED), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
