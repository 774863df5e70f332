/** `draw`: what names the draws of a fault in place of a subject's number, so that the same request meets the same fate on any daemon. */
import { z } from "zod";
import type { AnyFaultType } from "../faults/contract/index.js";
import { flag, oneOf, shown } from "../faults/params.js";
import { aboutExchanges, CIPHERTEXT } from "../faults/subjects.js";
import { child, under, type Located, type LocatedMap } from "./located.js";
import type { Problems } from "./problems.js";
import { check, hasHole } from "./validate.js";

export interface DrawEntry {
  /** `header:NAME` (the name in lower case), `path`, `body` or `name`. */
  readonly by: string;
  /** Each subject with the same key draws anew, counted for each key on each daemon. */
  readonly attempt?: true;
}

const HEADER = "header:";

/** The header that it names; null if it is none. */
export function headerOf(by: string): string | null {
  return by.startsWith(HEADER) ? by.slice(HEADER.length) : null;
}

type Kind = "exchanges" | "datagrams" | "queries";

/** What there is to draw by, of subjects of each kind. */
const KEYS: Readonly<Record<Kind, { readonly words: readonly string[]; readonly pattern: RegExp }>> = {
  exchanges: {
    words: ["header:NAME", "path", "body"],
    pattern: /^header:[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$|^path$|^body$/u,
  },
  datagrams: { words: ["body"], pattern: /^body$/u },
  queries: { words: ["name"], pattern: /^name$/u },
};

/** Whose subjects have something of their own to be known by; null for connections, handshakes and pools. */
export function keyedKind(type: AnyFaultType, at = ""): Kind | null {
  if (at === CIPHERTEXT || type.handshake !== undefined || type.upstreams !== undefined) return null;
  if (type.query !== undefined) return "queries";
  if (aboutExchanges(type, at)) return "exchanges";
  // One on connections has a link that its datagrams share, whose losses come in bursts.
  return type.datagram !== undefined && type.connection === undefined ? "datagrams" : null;
}

function by(kind: Kind): z.ZodType<string, string> {
  const { words, pattern } = KEYS[kind];
  const error = (issue: { readonly input?: unknown }): string =>
    `expected ${oneOf(words)}, got ${shown(issue.input)}`;
  return z
    .string({ error })
    .regex(pattern, { error })
    .transform((key) => (key.startsWith(HEADER) ? key.toLowerCase() : key));
}

export function drawShape(
  kind: Kind,
): z.ZodObject<{ by: z.ZodType<string, string>; attempt: z.ZodOptional<z.ZodBoolean> }> {
  return z.strictObject({
    by: by(kind).describe("what its draws are named by in place of its number: the same key, the same fate"),
    attempt: flag().optional().describe("draw anew for each that has the same key, counted on each daemon"),
  });
}

/** What depends on what a daemon has seen before, and so on which one that was. */
const COUNTING = ["skip", "every", "count", "only", "per", "follow", "lasts"] as const;

/** Undefined where there is none, null after a problem. */
export function readDraw(
  fault: LocatedMap,
  type: AnyFaultType | null,
  at: string,
  problems: Problems,
): DrawEntry | null | undefined {
  const entry = fault.entries.get("draw");
  if (entry === undefined || isBlank(entry.value)) return undefined;
  if (type === null) return null;
  const kind = keyedKind(type, at);
  if (kind === null) {
    const where = at === CIPHERTEXT ? " with `at: tls`" : "";
    const instead = type.perExchange === undefined ? "" : `; for one exchange: ${type.perExchange}`;
    problems.add(
      { place: entry.place, path: under(fault.path, "draw") },
      `only HTTP exchanges, datagrams and DNS queries have something to draw by, and ${type.type} decides about none of them${where}${instead}`,
    );
    return null;
  }
  const before = problems.count;
  refuseCounting(child(fault, "when"), problems);
  refuseCorrelation(child(fault, "correlation"), problems);
  const drawn = check(drawShape(kind), entry.value, problems);
  if (problems.count > before) return null;
  if (drawn === undefined) return hasHole(entry.value) ? undefined : null;
  return { by: drawn.by, ...(drawn.attempt === true ? { attempt: true } : {}) };
}

function isBlank(node: Located): boolean {
  return node.kind === "scalar" && node.value === null && node.hole !== true;
}

function refuseCounting(when: Located | undefined, problems: Problems): void {
  for (const key of COUNTING) {
    const node = child(when, key);
    if (node !== undefined && !isBlank(node))
      problems.add(node, beside(key, "depends on what this daemon has seen before"));
  }
}

function refuseCorrelation(node: Located | undefined, problems: Problems): void {
  if (node === undefined || isBlank(node)) return;
  if (node.kind === "scalar" && (node.hole === true || /^0(?:\.0*)?%?$/u.test(String(node.value)))) return;
  problems.add(node, beside("correlation", "makes a delay resemble the one before it on this daemon"));
}

function beside(key: string, what: string): string {
  return `\`${key}\` ${what}, and with \`draw\` the key alone decides: leave out \`${key}\`, or \`draw\``;
}
