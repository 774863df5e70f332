/** Short names of sites, for commands and tables: `complete` of `POST /v1/jobs/:n/complete`, and more of it where that is not enough. */
import type { Site } from "../contract/site.js";
import { isVersion } from "../../core/route-template.js";

/** Site id -> its name; no two are alike. From few words to many, until all differ. */
export function siteNames(sites: readonly Site[]): Map<string, string> {
  const names = new Map<string, string>();
  let open = sites;
  for (const nameOf of FORMS) {
    const taken = new Map<string, number>();
    for (const site of sites) {
      const name = nameOf(site);
      taken.set(name, (taken.get(name) ?? 0) + 1);
    }
    const used = new Set(names.values());
    const left: Site[] = [];
    for (const site of open) {
      const name = nameOf(site);
      if (taken.get(name) === 1 && !used.has(name)) names.set(site.id, name);
      else left.push(site);
    }
    open = left;
  }
  for (const site of open) names.set(site.id, site.id);
  return names;
}

const FORMS: readonly ((site: Site) => string)[] = [
  lastWord,
  (site) => `${lowerMethod(site)}${lastWord(site)}`,
  (site) => `${lowerMethod(site)}${tail(site)}`,
  (site) => `${lowerMethod(site)}${whole(site)}`,
  (site) => `${site.proxy} ${lowerMethod(site)}${whole(site)}`,
];

/** The last segment that is a word, and a placeholder behind it: `jobs/:n`. */
function lastWord(site: Site): string {
  if (site.protocol === "tls") return "tls";
  if (site.protocol !== "http") return whole(site);
  if (site.operation !== null)
    return site.operation.split(/[./#]/u).findLast((part) => part !== "") ?? site.operation;
  return tailFrom(site.template, 1);
}

function tail(site: Site): string {
  return site.protocol === "http" && site.operation === null ? tailFrom(site.template, 2) : lastWord(site);
}

function tailFrom(template: string, words: number): string {
  const segments = template.split("/").filter((segment) => segment !== "");
  let left = words;
  let from = segments.length;
  while (from > 0 && left > 0) {
    from--;
    const segment = segments[from] ?? "";
    if (!segment.startsWith(":") && !isVersion(segment)) left--;
  }
  return segments.slice(from).join("/") || "/";
}

function whole(site: Site): string {
  switch (site.protocol) {
    case "http":
      return site.operation === null ? site.template : `${site.template} ${site.operation}`;
    case "dns":
      return `${site.name} ${site.type}${site.transport === "udp" ? "" : ` ${site.transport}`}`;
    case "tls":
      return `${site.proxy} tls${site.sni === null ? "" : ` ${site.sni}`}`;
    case "tcp":
    case "udp":
      return site.proxy;
  }
}

function lowerMethod(site: Site): string {
  return site.protocol === "http" ? `${site.method.toLowerCase()} ` : "";
}

/** A site in whole words, for tables: `POST /v1/jobs/:n/complete`, `connection to queue`. Sites of other bots may have the same. */
export function siteNameOf(site: Site): string {
  switch (site.protocol) {
    case "http":
      return `${site.method} ${site.template}${site.operation === null ? "" : ` ${site.operation}`}`;
    case "dns":
      return `${site.type} ${site.name}${site.transport === "udp" ? "" : ` over ${site.transport}`}`;
    case "tcp":
      return `connection to ${site.proxy}`;
    case "tls":
      return `TLS to ${site.proxy}${site.sni === null ? "" : ` as ${site.sni}`}`;
    case "udp":
      return `flow to ${site.proxy}`;
  }
}
