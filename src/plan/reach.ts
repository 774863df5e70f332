/** Whether faults reach any of the proxies that there are, with the place where it was written that they do not. */
import { HELLO_KEYS, type MatchEntry } from "../config/match.js";
import { child, type Located } from "../config/located.js";
import { Problems } from "../config/problems.js";
import type { Problem } from "../core/errors.js";
import type { AnyFaultType, Seam } from "../faults/contract/index.js";
import { oneOf } from "../faults/params.js";
import { writtenAs } from "./compile.js";
import { actsOn, asksHello, needsExchanges, needsHello, needsTermination, needsTls } from "./subjects.js";
import type { CompiledFault, CompiledProfile } from "./value.js";

/** A proxy, as far as this must be known of it. */
export interface Reachable {
  readonly name: string;
  readonly seams: ReadonlySet<Seam>;
}

export type Faults = Pick<CompiledProfile, "faults" | "phases">;

export function allOf({ faults, phases }: Faults): readonly CompiledFault[] {
  return [...faults, ...phases.flatMap((phase) => phase.faults)];
}

/** The proxies that it is kept to and can act on. */
export function reachedBy(
  fault: CompiledFault,
  type: AnyFaultType,
  proxies: readonly Reachable[],
): readonly Reachable[] {
  // A set, since a list may name as many as there are.
  const own = fault.proxies === null ? null : new Set(fault.proxies);
  return proxies.filter(({ name, seams }) => (own === null || own.has(name)) && actsOn(fault, type, seams));
}

/** `http_status cannot act on jobs: …`; `among` says which proxies there are. */
export function cannotAct(fault: CompiledFault, type: AnyFaultType, among: string): string {
  const where = fault.proxies === null ? among : oneOf(fault.proxies);
  return `${fault.type} cannot act on ${where}${needOf(fault, type)[1]}`;
}

/** The same of proxies that an activation is kept to, where the fault can act on others. */
export function actsElsewhere(fault: CompiledFault, type: AnyFaultType, kept: readonly Reachable[]): string {
  const where = oneOf(kept.map(({ name }) => name));
  if (kept.some(({ seams }) => actsOn(fault, type, seams)))
    return `${fault.name} is for ${(fault.proxies ?? []).join(", ")}, so that it would not act on ${where}`;
  return `${fault.type} cannot act on ${where}${needOf(fault, type)[1]}`;
}

/** The place of what a fault asks of its proxies and none of them has; undefined where it was not written in a text. */
export function placeOfNeed(fault: CompiledFault, type: AnyFaultType, message: string): Problem | undefined {
  return placeIn(fault, needOf(fault, type)[0], message);
}

/** The place of one of its keys, or the nearest that was written; undefined where it was not written in a text. */
export function placeIn(
  fault: CompiledFault,
  keys: readonly string[],
  message: string,
  hint?: string,
): Problem | undefined {
  const whole = writtenAs(fault);
  if (whole === undefined) return undefined;
  let node: Located = whole;
  for (const key of keys) node = child(node, key) ?? node;
  const problems = new Problems();
  problems.add(node, message, hint);
  // What a program sent has no lines.
  return problems.list().find(({ source }) => source !== undefined);
}

/** What it needs: the key that says so, and the reason in words. */
function needOf(fault: CompiledFault, type: AnyFaultType): readonly [key: readonly string[], why: string] {
  if (needsExchanges(fault, type))
    return [["type"], ": it is about HTTP exchanges, which only http proxies know"];
  if (needsTermination(fault, type))
    return [["type"], ": it takes a proxy that ends the TLS of its clients (secure: terminate)"];
  if (needsTls(fault, type))
    return [
      [type.handshake === undefined ? "at" : "type"],
      ": it is about TLS with clients, which takes a proxy with secure",
    ];
  if (needsHello(fault))
    return [
      ["match"],
      `: its match asks for the ${keysIn(fault.match)} of clients of TLS, which takes a proxy with secure`,
    ];
  if (fault.draw?.by === "body")
    return [
      ["draw"],
      ": it is drawn by the body of a request or a datagram, which only http and udp proxies know",
    ];
  return [["type"], ""];
}

function keysIn(entries: readonly MatchEntry[]): string {
  return HELLO_KEYS.filter((key) => entries.some((entry) => key in entry)).join(" and ");
}

/**
 * A warning for each condition of a fault that holds for nobody, since none of the proxies on which the fault acts speaks TLS
 * with its clients; the fault acts all the same.
 */
export function askedInVain(
  profile: Faults,
  proxies: readonly Reachable[],
  types: ReadonlyMap<string, AnyFaultType>,
): { readonly fault: string; readonly message: string; readonly place: Problem | undefined }[] {
  return allOf(profile).flatMap((fault) => {
    const type = types.get(fault.type);
    if (type === undefined) return [];
    const reached = reachedBy(fault, type, proxies);
    if (reached.length === 0 || reached.some(({ seams }) => seams.has("handshake"))) return [];
    return (["match", "except"] as const).flatMap((part) => {
      const asking = fault[part].filter(asksHello);
      if (asking.length === 0) return [];
      const message =
        `${part} asks for the ${keysIn(asking)} of clients of TLS, and no proxy that it acts on has secure: ` +
        (part === "match" ? "that entry matches nobody" : "that entry spares nobody");
      return [{ fault: fault.name, message, place: placeIn(fault, [part], message) }];
    });
  });
}
