/** `match`, `except` and `when` of a fault: which subjects it is about, and which of those it hits. */
import { z } from "zod";
import type { AnyFaultType } from "../faults/contract/index.js";
import { ratio } from "../faults/params.js";
import { aboutExchanges, CIPHERTEXT } from "../faults/subjects.js";
import { child, withoutBlanks, type Located, type LocatedMap } from "./located.js";
import { readMatch, type Knowing, type MatchEntry } from "./match.js";
import { checkRamp, type FaultSurroundings, type Ramp } from "./ramp.js";
import { type EXCHANGE_PER_KEYS, exchangeWhenShape, whenShape } from "./shapes.js";
import { check } from "./validate.js";

export type PerKey = (typeof EXCHANGE_PER_KEYS)[number];

export interface WhenEntry {
  readonly probability?: number | Ramp;
  readonly skip?: number;
  readonly every?: number;
  readonly count?: number;
  /** Exactly these, from 1; never together with skip, every and count. */
  readonly only?: readonly number[];
  /** What is counted by itself; several are one key together. */
  readonly per?: PerKey | readonly PerKey[];
  /** Retries of what was hit are hit as well. */
  readonly follow?: "retries";
  /** Milliseconds from a hit in which all that match are hit. */
  readonly lasts?: number;
  /** Milliseconds from the start of the phase. */
  readonly after?: number;
  readonly for?: number;
}

export function perKeys({ per = "proxy" }: WhenEntry): readonly PerKey[] {
  return typeof per === "string" ? [per] : per;
}

export interface Conditions {
  readonly match: readonly MatchEntry[];
  readonly except: readonly MatchEntry[];
  readonly when: WhenEntry;
  /** Whether some subjects of a proxy are left alone. */
  readonly narrowed: boolean;
}

export function readConditions(
  fault: LocatedMap,
  type: AnyFaultType | null,
  around: FaultSurroundings,
): Conditions | null {
  const { problems } = around;
  const before = problems.count;
  const at = child(fault, "at");
  const knowing = knowingOf(type, at?.kind === "scalar" ? String(at.value) : "");
  const match = readMatch(child(fault, "match"), knowing, problems);
  const except = readMatch(child(fault, "except"), knowing, problems);
  const when = readWhen(child(fault, "when"), knowing, around);
  if (problems.count > before || match === null || except === null || when === null) return null;
  const { probability = 1, skip = 0, every = 1, count, only } = when;
  const least = typeof probability === "number" ? probability : Math.min(probability.from, probability.to);
  const counted = skip > 0 || every > 1 || count !== undefined || only !== undefined;
  const narrowed = match.length > 0 || except.length > 0 || least < 1 || counted;
  return { match, except, when, narrowed };
}

/** What the subjects of a type can be asked. Nothing can be said against a fault whose type nobody knows. */
function knowingOf(type: AnyFaultType | null, at: string): Knowing {
  if (type === null) return { subjects: "exchanges", acts: "it does not act on them" };
  if (type.query !== undefined) return { subjects: "queries", acts: `${type.type} acts on DNS queries` };
  if (type.handshake !== undefined)
    return { subjects: "connections", acts: `${type.type} acts on TLS handshakes` };
  if (at === CIPHERTEXT)
    return { subjects: "connections", acts: `${type.type} acts on connections with \`at: tls\`` };
  if (!aboutExchanges(type))
    return {
      subjects: "connections",
      acts: `${type.type} acts on connections`,
      perExchange: type.perExchange,
    };
  const both = type.stream === undefined ? "HTTP exchanges" : "connections and HTTP exchanges";
  return { subjects: "exchanges", acts: `${type.type} acts on ${both}` };
}

function readWhen(node: Located | undefined, knowing: Knowing, around: FaultSurroundings): WhenEntry | null {
  if (node === undefined || (node.kind === "scalar" && node.value === null)) return {};
  const { problems } = around;
  if (node.kind !== "map") {
    check(z.strictObject({}), node, problems);
    return null;
  }
  const before = problems.count;
  const probability = child(node, "probability");
  const ramp = probability?.kind === "map" ? probability : null;
  const exchanges = knowing.subjects === "exchanges";
  const route = exchanges ? undefined : routeIn(child(node, "per"));
  const isRoute = route !== undefined;
  if (isRoute) problems.add(route, `only HTTP exchanges have routes, and ${knowing.acts}`);
  const follow = exchanges ? undefined : child(node, "follow");
  if (follow !== undefined) problems.add(follow, `only HTTP exchanges have retries, and ${knowing.acts}`);
  if (child(node, "only") !== undefined)
    for (const key of BESIDE_ONLY) {
      const beside = child(node, key);
      if (beside !== undefined)
        problems.add(beside, `\`only\` says which are hit already: leave out \`${key}\`, or \`only\``);
    }
  const left = withoutBlanks(node);
  const entries = [...left.entries].filter(
    ([key]) =>
      !(ramp !== null && key === "probability") &&
      !(isRoute && key === "per") &&
      !(follow !== undefined && key === "follow"),
  );
  const shape: z.ZodType<z.output<typeof exchangeWhenShape>> = exchanges ? exchangeWhenShape : whenShape;
  const when = check(shape, { ...left, entries: new Map(entries) }, problems);
  const slope = ramp === null ? null : readRamp(ramp, around);
  if (when === undefined || problems.count > before) return null;
  const given = Object.fromEntries(
    Object.entries(when).filter(([, value]) => value !== undefined),
  ) as WhenEntry;
  const plain =
    given.only === undefined ? given : { ...given, only: [...new Set(given.only)].sort((a, b) => a - b) };
  return slope === null ? plain : { ...plain, probability: slope };
}

/** What says in other words which are hit. */
const BESIDE_ONLY = ["skip", "every", "count"] as const;

/** Where `per` names the route, by itself or in a list. */
function routeIn(per: Located | undefined): Located | undefined {
  const parts = per?.kind === "list" ? per.items : per === undefined ? [] : [per];
  return parts.find((part) => part.kind === "scalar" && part.value === "route");
}

function readRamp(node: LocatedMap, around: FaultSurroundings): Ramp | null {
  const { problems } = around;
  const before = problems.count;
  checkRamp(node, around);
  const ends = ["from", "to"].map((end) => {
    const value = child(node, end);
    return value === undefined ? undefined : check(ratio(), value, problems);
  });
  const [from, to] = ends;
  return problems.count > before || from === undefined || to === undefined ? null : { from, to };
}
