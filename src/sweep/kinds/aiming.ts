/** A blow aimed at one call of one bot at one site: `match`, `except` and `when` as a profile writes them. */
import type { Ordinal } from "../contract/case.js";
import type { FaultInput } from "../contract/run.js";
import type { Site } from "../contract/site.js";
import type { Blow } from "./kind.js";

/** The ordinal as the daemon counts it; null for all calls. */
function countedOrdinal(site: Site, { nth }: Ordinal): number | null {
  if (nth === null || site.protocol !== "http" || site.within === null) return nth;
  return site.within[nth - 1] ?? nth;
}

export function aimed(
  name: string,
  { type, params, behind, lasts: outage }: Blow,
  site: Site,
  ordinal: Ordinal,
): FaultInput {
  const nth = countedOrdinal(site, ordinal);
  const { for: lasts, ...own } = params;
  const counted = {
    only: behind === undefined ? [nth] : behind.map((more) => (nth ?? 0) + more),
    per: perOf(site),
    ...(outage === undefined ? {} : { lasts: `${outage}ms` }),
  };
  const when = { ...(nth === null ? {} : counted), ...(lasts === undefined ? {} : { for: lasts }) };
  const { match, except } = matchOf(outage === undefined ? site : ofAllBots(site), type);
  return {
    name,
    type,
    proxy: site.proxy,
    ...own,
    ...(match === null ? {} : { match }),
    ...(except.length === 0 ? {} : { except }),
    ...(Object.keys(when).length === 0 ? {} : { when }),
  };
}

/** The first of them to make so many calls begins it. */
const ofAllBots = (site: Site): Site => ({ ...site, bot: "*" });

/** Calls of a class whose names are new in each run are counted for all of them together. */
function perOf(site: Site): string | readonly string[] {
  const isOne = !site.bot.includes("*");
  if (site.protocol === "http") return isOne ? ["bot", "route"] : "route";
  return isOne ? "bot" : "proxy";
}

type Entry = Readonly<Record<string, unknown>>;

function matchOf(
  site: Site,
  type: string,
): { readonly match: Entry | readonly Entry[] | null; readonly except: readonly Entry[] } {
  switch (site.protocol) {
    case "http":
      return { match: httpMatch(site), except: site.except.map((path) => ({ path })) };
    case "dns": {
      const query = { qname: site.name, qtype: site.type };
      const over = type === "dns_truncate" ? {} : { transport: site.transport };
      return { match: { ...query, ...over, bot: site.bot }, except: [] };
    }
    case "tls":
      return {
        match: site.sni === null ? null : { sni: site.sni },
        // No pattern says that there is no name.
        except: site.sni === null && site.others.length > 0 ? [{ sni: site.others }] : [],
      };
    case "tcp":
    case "udp":
      // They are known by nothing but their addresses; `down` closes the port to everybody.
      return {
        match:
          site.bots.length > 1 && !site.bot.includes("*") && type !== "down" ? { client: site.bot } : null,
        except: [],
      };
  }
}

/** An operation whose ordinals on the route are known is aimed at by these; one that wavers, by what a `match` may see of it. */
function httpMatch(site: Extract<Site, { protocol: "http" }>): Entry | readonly Entry[] {
  const { method, template, bot, operation } = site;
  const path = /^[/*]/u.test(template) ? template : "**";
  const whole = { method, path, bot };
  if (operation === null || site.within !== null) return whole;
  return [
    { ...whole, header: { "x-amz-target": operation } },
    { ...whole, header: { soapaction: [operation, `"${operation}"`] } },
    { ...whole, query: { action: operation } },
    { ...whole, query: { operationName: operation } },
  ];
}
