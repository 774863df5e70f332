/** The resolver configuration (resolv.conf(5)): which servers to ask, and under which names. */

import { isIP } from "node:net";

export interface ResolvConf {
  readonly servers: readonly string[];
  /** Domains to try behind a name, without dots at their ends. */
  readonly search: readonly string[];
  /** A name with at least so many dots is tried as it stands before the search list. */
  readonly ndots: number;
  /** Milliseconds; undefined where the file does not say. */
  readonly timeout: number | undefined;
  readonly attempts: number | undefined;
  /** Nobody is to ask for IPv6 addresses (glibc 2.36). */
  readonly noAaaa: boolean;
}

// The limits of glibc (resolv.h: MAXNS, RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY).
const SERVERS_MAX = 3;
const NDOTS_MAX = 15;
const TIMEOUT_MAX_SECONDS = 30;
const ATTEMPTS_MAX = 5;

/** Lines that make no sense are passed over, as libc does; of several `search` or `domain` lines the last wins. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: string[] = [];
  const options = new Map<string, number>();
  let noAaaa = false;
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/);
    const [first] = values;
    if (first === undefined) continue;
    if (keyword === "nameserver" && isIP(first) !== 0 && servers.length < SERVERS_MAX) servers.push(first);
    else if (keyword === "search") search = domains(values);
    else if (keyword === "domain") search = domains([first]);
    else if (keyword === "options") {
      noAaaa ||= values.includes("no-aaaa");
      for (const [, name, value] of values.join(" ").matchAll(/(?<!\S)([a-z0-9-]+):(\d+)(?!\S)/g)) {
        if (name !== undefined) options.set(name, Number(value));
      }
    }
  }
  const timeout = options.get("timeout");
  const attempts = options.get("attempts");
  return {
    servers,
    search,
    ndots: Math.min(options.get("ndots") ?? 1, NDOTS_MAX),
    timeout: timeout === undefined ? undefined : Math.min(Math.max(timeout, 1), TIMEOUT_MAX_SECONDS) * 1_000,
    attempts: attempts === undefined ? undefined : Math.min(Math.max(attempts, 1), ATTEMPTS_MAX),
    noAaaa,
  };
}

/** `search .` names the root, which is the name as it stands: nothing to add. */
function domains(values: readonly string[]): string[] {
  return values.map((value) => value.replace(/\.$/, "")).filter((domain) => domain !== "");
}

/** The full names to ask for, in order. A name that ends in a dot is complete and stands for itself alone. */
export function searchNames(name: string, { search, ndots }: ResolvConf): readonly string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const extended = search.map((domain) => `${name}.${domain}`);
  const dots = name.split(".").length - 1;
  return dots >= ndots ? [name, ...extended] : [...extended, name];
}
