/** What a fault of the plan is decided about, and on which proxies it can act. */
import type { MatchEntry } from "../config/match.js";
import { perKeys } from "../config/conditions.js";
import { EXCHANGE_KEYS, HELLO_KEYS } from "../config/match.js";
import { SEAMS, type AnyFaultType, type RuntimeNeed, type Seam } from "../faults/contract/index.js";
import { onUpstream } from "../faults/dns.js";
import { oneOf } from "../faults/params.js";
import { aboutExchanges, CIPHERTEXT } from "../faults/subjects.js";
import type { CompiledFault, CompiledProfile } from "./value.js";

/** What exchanges have to be drawn by, and datagrams have as well. */
const BODY = "body";

/** What its subjects are called, where they are counted. */
export type Subjects = "connections" | "handshakes" | "exchanges" | "datagrams" | "queries";

/** A proxy, as far as this must be known of it. */
interface Place {
  readonly name: string;
  readonly except: readonly MatchEntry[];
}

/** Whether it says something that only an HTTP proxy can know, so that it is no fault for any other. */
export function needsExchanges(fault: CompiledFault, type: AnyFaultType): boolean {
  if (type.query !== undefined) return false;
  return (
    SEAMS.every((seam) => seam === "exchange" || type[seam] === undefined) ||
    fault.at === "head" ||
    fault.at === "body" ||
    perKeys(fault.when).includes("route") ||
    fault.when.follow !== undefined ||
    (fault.draw !== undefined && fault.draw.by !== BODY) ||
    fault.match.some(asksExchange) ||
    fault.except.some(asksExchange)
  );
}

/** Whether an entry has a key that only exchanges can be asked. */
export function asksExchange(entry: MatchEntry): boolean {
  return Object.keys(entry).some((key) => EXCHANGE_KEYS.includes(key));
}

/** Whether an entry has a key that only clients of TLS can be asked. */
export function asksHello(entry: MatchEntry): boolean {
  return HELLO_KEYS.some((key) => key in entry);
}

/** Whether it is for nobody but clients of TLS, so that it is no fault for a proxy that does not speak it. */
export function needsHello({ match }: CompiledFault): boolean {
  return match.length > 0 && match.every(asksHello);
}

/** Whether it is about TLS with clients, so that it is no fault for a proxy that does not speak it. */
export function needsTls({ at }: CompiledFault, type: AnyFaultType): boolean {
  return at === CIPHERTEXT || type.handshake !== undefined;
}

/** Whether it takes a proxy that ends the TLS of its clients, and does not let it pass through. */
export function needsTermination({ at, params }: CompiledFault, type: AnyFaultType): boolean {
  return type.termination?.(params, at) === true;
}

/** What it needs of the runtime beyond what every Node promises; null for nothing. */
export function needOfRuntime({ at, params }: CompiledFault, type: AnyFaultType): RuntimeNeed | null {
  return type.runtime?.(params, at) ?? null;
}

/** Whether the fault can act on a proxy that has these seams. */
export function actsOn(fault: CompiledFault, type: AnyFaultType, seams: ReadonlySet<Seam>): boolean {
  if (needsExchanges(fault, type) && !seams.has("exchange")) return false;
  if (needsTls(fault, type) && !seams.has("handshake")) return false;
  if (needsTermination(fault, type) && !seams.has("termination")) return false;
  if (needsHello(fault) && !seams.has("handshake")) return false;
  if (fault.draw?.by === BODY && !seams.has("exchange") && !seams.has("datagram")) return false;
  return SEAMS.some(
    (seam) =>
      seams.has(seam) &&
      type[seam] !== undefined &&
      (seam !== "query" || onUpstream(fault.params) !== answersQueries(seams)),
  );
}

/** Whether a proxy with the query seam answers its clients' questions; others only have names of upstreams to look up. */
function answersQueries(seams: ReadonlySet<Seam>): boolean {
  return !seams.has("stream") && !seams.has("datagram");
}

/** What a fault of that type counts on a proxy that has these seams. */
export function subjectsOn(type: AnyFaultType, seams: ReadonlySet<Seam>, at = ""): Subjects {
  if (type.query !== undefined && seams.has("query")) return "queries";
  if (seams.has("datagram")) return "datagrams";
  if (type.handshake !== undefined) return "handshakes";
  return seams.has("exchange") && aboutExchanges(type, at) ? "exchanges" : "connections";
}

/** Of this many profiles the names are told: the library has some fifty of them. */
const NAMED_MAX = 4;

function firstOf(names: readonly string[]): string {
  const more = names.length - NAMED_MAX;
  return more <= 1 ? names.join(", ") : `${names.slice(0, NAMED_MAX).join(", ")} and ${more} others`;
}

/**
 * A warning for each proxy whose `except` means to spare what some fault hits all the same: a fault on connections
 * knows no path, and acts on all that goes over them.
 */
export function sparedInVain(
  profiles: readonly Pick<CompiledProfile, "profile" | "faults" | "phases">[],
  proxies: readonly Place[],
  types: ReadonlyMap<string, AnyFaultType>,
): { readonly proxy: string; readonly message: string }[] {
  return proxies.flatMap(({ name, except }) => {
    const keys = EXCHANGE_KEYS.filter((key) => except.some((entry) => key in entry));
    if (keys.length === 0) return [];
    const hitting = profiles.flatMap(({ profile, faults, phases }) => {
      const blind = [...faults, ...phases.flatMap((phase) => phase.faults)].filter((fault) => {
        const type = types.get(fault.type);
        const here = fault.proxies === null || fault.proxies.includes(name);
        return here && type !== undefined && type.query === undefined && !aboutExchanges(type, fault.at);
      });
      const names = [...new Set(blind.map((fault) => fault.name))];
      return names.length === 0 ? [] : [`${profile} (${names.join(", ")})`];
    });
    if (hitting.length === 0) return [];
    const message = `faults on whole connections know no ${oneOf(keys)}, so nothing is spared from these: ${firstOf(hitting)}`;
    return [{ proxy: name, message }];
  });
}
