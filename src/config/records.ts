/** `records` of a dns proxy: names with an address, several, another name, or a mapping that says which. */
import { isIP } from "node:net";
import { z } from "zod";
import type { DnsRecord } from "../faults/contract/index.js";
import { count, duration, shown } from "../faults/params.js";
import type { Problems } from "./problems.js";
import { child, under, type LocatedEntry } from "./located.js";

/** A host name, also with underscores, as services have them; RFC 1035, section 2.3.4, for the lengths. */
const NAME = /^(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/u;
const NAMES_MAX = 10_000;
/** Short, so that clients that remember answers notice a change. */
const TTL_DEFAULT = "5s";
const TTL_MAX = 604_800_000;

function hostOrAddress(): z.ZodType<string, string> {
  const expected = "expected an address such as 10.0.0.1 or a name such as jobs.example";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .refine((text) => isIP(text) !== 0 || isName(text), {
      error: (issue) => `${expected}, got ${shown(issue.input)}`,
    });
}

function ipAddress(): z.ZodString {
  const expected = "expected an address such as 10.0.0.1";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .refine((text) => isIP(text) !== 0, { error: (issue) => `${expected}, got ${shown(issue.input)}` });
}

function target(): z.ZodString {
  const expected = "expected a name such as jobs.example";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .refine(isName, { error: (issue) => `${expected}, got ${shown(issue.input)}` });
}

/** Digits and dots alone are meant as an address, and 10.0.0 or 300.1.1.1 are none. */
function isName(text: string): boolean {
  return NAME.test(text.replace(/\.$/u, "")) && !/^[\d.]+$/u.test(text);
}

const addresses = z
  .union([ipAddress(), z.array(ipAddress()).min(1)], {
    error: (issue) => `expected an address or a list of them, got ${shown(issue.input)}`,
  })
  .transform((value) => [value].flat());

const service = z.strictObject({
  target: target().describe("the name of the machine"),
  port: count({ max: 65_535 }),
  priority: count({ max: 65_535 }).default(0),
  weight: count({ max: 65_535 }).default(0),
});

/** One text of a record has 255 bytes at most (RFC 1035, section 3.3.14). */
const line = z
  .string({ error: (issue) => `expected text, got ${shown(issue.input)}` })
  .refine((text) => Buffer.byteLength(text) <= 255, { error: () => "is longer than 255 bytes" });

const detailed = z.strictObject({
  address: addresses.optional().describe("addresses of either family"),
  cname: target().optional().describe("another name that this one stands for"),
  txt: z
    .union([line, z.array(line).min(1)], { error: (issue) => `expected text, got ${shown(issue.input)}` })
    .transform((value) => [value].flat())
    .optional()
    .describe("texts, each in a record of its own"),
  srv: z
    .union([service, z.array(service).min(1)], {
      error: (issue) => `expected a service with target and port, got ${shown(issue.input)}`,
    })
    .transform((value) => [value].flat())
    .optional()
    .describe("where a service is"),
  ttl: duration({ max: TTL_MAX })
    .prefault(TTL_DEFAULT)
    .describe("how long it may be remembered, in whole seconds"),
});
type Detailed = z.output<typeof detailed>;

export const recordsShape = z.record(
  z.string(),
  z.union([hostOrAddress(), z.array(ipAddress()).min(1), detailed], {
    error: (issue) =>
      `expected an address, a list of addresses, another name, or a mapping with address, cname, txt or srv, got ${shown(issue.input)}`,
  }),
);
export type Records = z.output<typeof recordsShape>;

/** The records, each by itself; names without the last dot, in lower case. */
export function recordsOf(records: Records): DnsRecord[] {
  return Object.entries(records).flatMap(([written, value]) => {
    const name = canonical(written);
    const { address = [], cname, txt = [], srv = [], ttl } = inDetail(value);
    const seconds = Math.round(ttl / 1_000);
    const record = (type: string, data: string): DnsRecord => ({ name, type, ttl: seconds, data });
    return [
      ...address.map((one) => record(isIP(one) === 6 ? "AAAA" : "A", one)),
      ...(cname === undefined ? [] : [record("CNAME", canonical(cname))]),
      ...txt.map((text) => record("TXT", quoted(text))),
      ...srv.map(({ target: to, port, priority, weight }) =>
        record("SRV", `${priority} ${weight} ${port} ${canonical(to)}`),
      ),
    ];
  });
}

function inDetail(value: Records[string]): Detailed {
  const ttl = 5_000;
  if (Array.isArray(value)) return { address: value, ttl };
  if (typeof value !== "string") return value;
  return isIP(value) === 0 ? { cname: value, ttl } : { address: [value], ttl };
}

function canonical(name: string): string {
  return name.replace(/\.$/u, "").toLowerCase();
}

/** As it stands in a zone file: RFC 1035, section 5.1. */
function quoted(text: string): string {
  const escaped = Buffer.from(text)
    .toString("latin1")
    .replace(/["\\]|[^ -~]/gu, (byte) => `\\${String(byte.charCodeAt(0)).padStart(3, "0")}`);
  return `"${escaped}"`;
}

/** Names stand on the left, where no schema says anything; and a name that stands for another has nothing of its own. */
export function checkRecords(
  { value: proxy }: LocatedEntry,
  records: Records | undefined,
  problems: Problems,
): void {
  const node = child(proxy, "records");
  if (node?.kind !== "map") return;
  if (node.entries.size > NAMES_MAX) problems.add(node, `has more than ${NAMES_MAX} names`);
  const seen = new Set<string>();
  for (const [name, { place }] of node.entries) {
    const at = { place, path: under(node.path, name) };
    const known = canonical(name);
    if (!isName(name.replace(/^\*\./u, "")))
      problems.add(at, `expected a name such as jobs.example or *.example, got ${shown(name)}`);
    else if (seen.has(known)) problems.add(at, `the name ${shown(known)} is given twice`);
    seen.add(known);
    const given = records?.[name];
    if (given === undefined || typeof given === "string" || Array.isArray(given)) continue;
    const { address, cname, txt, srv } = given;
    const others = [address, txt, srv].filter((one) => one !== undefined).length;
    if (cname !== undefined && others > 0)
      problems.add(at, "stands for another name, so it can have nothing of its own");
    if (cname === undefined && others === 0) problems.add(at, "has no address, cname, txt or srv");
  }
}
