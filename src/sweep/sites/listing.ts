/** The list of sites as people read it: what was called, how often, how steadily, and what was seen there. */
import type { Site } from "../contract/site.js";
import { kindsAt } from "../kinds/kinds.js";
import type { Preset } from "../kinds/kind.js";
import { several } from "../../drawing/figures.js";
import { siteNameOf, siteNames } from "./names.js";
import type { Sites } from "./sites.js";

/** `41 sites: 36 stable, 4 wavering, 1 rare`. */
export function sitesSummary(sites: readonly Site[]): string {
  const words = (["stable", "wavering", "rare"] as const)
    .map((word) => ({ word, count: sites.filter(({ steadiness }) => steadiness === word).length }))
    .filter(({ count }) => count > 0)
    .map(({ word, count }) => `${count} ${word}`);
  return `${several(sites.length, "site")}${words.length === 0 ? "" : `: ${words.join(", ")}`}`;
}

/** Lines of a table, the head first; without colours and without an end of line. */
export function sitesTable(sites: readonly Site[], preset: Preset): string[] {
  const names = siteNames(sites);
  const rows = sites.map((site) => [
    names.get(site.id) ?? site.id,
    siteNameOf(site),
    botsOf(site),
    callsOf(site),
    site.steadiness,
    String(kindsAt(site, preset).length),
    [...(site.secure === true ? ["TLS"] : []), ...seenAt(site)].join(", "),
  ]);
  const table = [["site", "call", "bots", "calls", "is", "kinds", "seen"], ...rows];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** What is to be said of routes that were given: that they fit nothing, or that a described one was never called. */
export function routeWarnings({ unusedRoutes }: Sites): string[] {
  return unusedRoutes.map(
    (template) =>
      `routes: ${template} fits no path that was seen: it may be of an older version of the program, or stand behind a wider one`,
  );
}

function botsOf({ protocol, botClass, bots, bot }: Site): string {
  if (bots.length === 1) return protocol === "tls" ? (bots[0] ?? bot) : bot;
  return `${botClass} (${bots.length})`;
}

function callsOf({ counts }: Site): string {
  const least = counts.reduce((a, b) => Math.min(a, b), Infinity);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  return least === most ? String(most) : `${least}-${most}`;
}

function seenAt(site: Site): string[] {
  switch (site.protocol) {
    case "http": {
      const { authorized, keepAlive, json, answers, keyed, body } = site.traits;
      return [
        ...(json ? ["json"] : []),
        ...(body === 0 ? ["no body"] : []),
        ...(keyed ? ["key"] : []),
        ...(authorized ? ["token"] : []),
        ...(keepAlive ? ["keep-alive"] : []),
        ...(answers > 1 ? [`${answers} answers`] : []),
      ];
    }
    case "tcp":
      return [`${site.bytes.up} B up`, `${site.bytes.down} B down`];
    case "udp":
      return [`${site.datagrams.up} up`, `${site.datagrams.down} down`];
    case "tls":
      return [site.ended ? "ended here" : "passes through"];
    case "dns":
      return [];
  }
}
