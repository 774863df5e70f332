/** What a fault decided about one exchange, in a sentence. */
import { formatRatio } from "../core/units.js";
import type { DrawnBy } from "../core/verdict-reasons.js";
import type { MatchReason, Outcome, Verdict, WhenReason } from "./contract.js";

type Reasons = Pick<Verdict, "match" | "when" | "draw"> & { readonly acts: readonly { effect: string }[] };

export function verdictText(outcome: Outcome, reasons: Reasons, observe: boolean, more = ""): string {
  const hit = observe ? "would have been hit" : "hit";
  switch (outcome) {
    case "hit":
      return [hit, because(reasons)].filter((text) => text !== "").join(": ");
    case "spared":
      return "asked, and let it be";
    case "no_match":
      return `not hit: ${matchText(reasons.match, "does not match")}`;
    case "excepted":
      return `not hit: except spares it${reasons.match === null ? "" : `, as ${reasons.match.key} is ${actualOf(reasons.match)}`}`;
    case "not_due":
      return `not hit: ${reasons.when === null ? "when has skipped it" : whenText(reasons.when)}`;
    case "not_drawn":
      return `not hit: ${drawText(reasons.draw)}`;
    case "spent":
      return `not hit: ${reasons.when === null ? "when.count is reached" : whenText(reasons.when)}`;
    case "not_asked":
      return `not asked: ${more === "" ? "something before it had ended it" : more}`;
    case "not_in_force":
      return `not in force here then${more === "" ? "" : `: ${more}`}`;
    case "kernel":
      return "the kernel carries it out on segments, and knows of no exchange";
    case "unknown":
      return more === "" ? "not known: nobody was watching" : `not known: ${more}`;
  }
}

function because({ when, draw }: Reasons): string {
  const parts = [when === null ? "" : whenText(when), draw === null ? "" : drawText(draw)].filter(
    (text) => text !== "",
  );
  return parts.join(", ");
}

function matchText(match: MatchReason | null, otherwise: string): string {
  if (match === null) return otherwise;
  return `${match.key} is ${actualOf(match)}, wanted ${match.wanted.join(" or ")}`;
}

function actualOf({ actual }: MatchReason): string {
  return actual ?? "not there";
}

function drawText(draw: Verdict["draw"]): string {
  if (draw === null) return "the draw was against it";
  const drawn = draw.drawn.toFixed(3);
  const probability = formatRatio(draw.probability);
  const by = draw.by === undefined ? "" : ` by ${keyText(draw.by)}`;
  return draw.drawn < draw.probability
    ? `drawn ${drawn}${by}, below ${probability}`
    : `drawn ${drawn}${by}, not below ${probability}`;
}

/** Keys are known by their hashes: they may be secret. */
function keyText({ by, key, attempt }: DrawnBy): string {
  const what = by.replace(/^header:/u, "header ");
  if (key === null) return `its number, as it has no ${what}`;
  return `${what} (hash ${key}${attempt === undefined ? "" : `, attempt ${attempt}`})`;
}

function whenText({ rule, wanted, was, per }: WhenReason): string {
  const each =
    per.length === 0 || (per.length === 1 && per[0] === "proxy") ? "" : ` of each ${per.join(" and ")}`;
  switch (rule) {
    case "skip":
      return `the first ${String(wanted)}${each} are skipped, and this was number ${was}`;
    case "every":
      return `every ${ordinal(Number(wanted))}${each}, and this was number ${was}`;
    case "only":
      return `only number ${[wanted].flat().join(", ")}${each}, and this was number ${was}`;
    case "count":
      return `at most ${String(wanted)}${each}, and ${was} had been hit by then`;
    case "follow":
      return "it is a retry of one that was hit";
  }
}

function ordinal(n: number): string {
  const end = n % 100 >= 11 && n % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${end}`;
}
