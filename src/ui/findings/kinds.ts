/** What is looked for in the exchanges of bots, in words: for cards, for the map, and for those who have no finding yet. Pure. */
import type { Finding, FindingKind } from "../../live/contract.js";
import type { HeatMap, HeatTone, Mark } from "../../drawing/heat-map.js";
import { duration } from "../format.js";
import { byName } from "../order.js";

export interface KindWords {
  readonly kind: FindingKind;
  /** The head of its column. */
  readonly short: string;
  /** What a bot does that has it. */
  readonly title: string;
  readonly about: string;
}

export const KINDS: readonly KindWords[] = [
  {
    kind: "carried_out_twice",
    short: "twice",
    title: "Carried out twice",
    about:
      "The server did the same thing twice, since the answer to the first try was lost and the second had no idempotency key that it knew.",
  },
  {
    kind: "early_retry",
    short: "too early",
    title: "Tried again too early",
    about: "It tried again before the time of Retry-After was over, or at once, without any back-off.",
  },
  {
    kind: "lock_step",
    short: "lock-step",
    title: "Retries in lock-step",
    about:
      "Bots try again at the same moments: their back-off has no jitter, and the server meets them all at once.",
  },
  {
    kind: "no_timeout",
    short: "no time-out",
    title: "No time-out",
    about: "It waited for an answer for 30 s or more, and would have gone on.",
  },
  {
    kind: "bad_certificate",
    short: "certificate",
    title: "Took a bad certificate",
    about: "It went on with a server whose certificate it had to refuse.",
  },
  {
    kind: "recovery",
    short: "recovery",
    title: "Recovery",
    about: "How long it took until it was answered again, after a fault had acted on it for the last time.",
  },
];

export const BAD: Mark = { sign: "✗", tone: "bad", about: "a flaw was seen" };
export const NOTE: Mark = { sign: "•", tone: "good", about: "a figure, and no flaw" };
export const NONE: Mark = { sign: "·", tone: "none", about: "nothing was seen" };
export const MARKS: readonly Mark[] = [BAD, NOTE, NONE];

export function wordsOf(kind: FindingKind): KindWords {
  const words = KINDS.find((one) => one.kind === kind);
  // A daemon that is newer than the page may look for more.
  return words ?? { kind, short: kind, title: kind.replaceAll("_", " "), about: "" };
}

export interface BotFindings {
  readonly bot: string;
  readonly bad: number;
  /** Flaws first, then in the order of kinds. */
  readonly findings: readonly Finding[];
}

/** A card for each bot, those with most flaws first. What concerns several bots stands with each of them. */
export function byBot(findings: readonly Finding[]): readonly BotFindings[] {
  const bots = new Map<string, Finding[]>();
  for (const finding of findings)
    for (const bot of finding.bots.length === 0 ? [finding.bot] : finding.bots) {
      const list = bots.get(bot);
      if (list === undefined) bots.set(bot, [finding]);
      else list.push(finding);
    }
  const place = (finding: Finding): number =>
    (finding.level === "bad" ? 0 : 100) + KINDS.findIndex(({ kind }) => kind === finding.kind);
  return [...bots]
    .map(([bot, list]) => ({
      bot,
      bad: list.filter(({ level }) => level === "bad").length,
      findings: [...list].sort((one, other) => place(one) - place(other) || byName(one.id, other.id)),
    }))
    .sort((one, other) => other.bad - one.bad || byName(one.bot, other.bot));
}

/** Bots down, kinds across: who does what. `link` is the id of a bot's card. */
export function mapOf(bots: readonly BotFindings[], link: (bot: string) => string): HeatMap {
  return {
    corner: "bot",
    columns: KINDS.map(({ short, about }) => ({ name: short, about })),
    rows: bots.map(({ bot, findings }) => ({
      name: bot,
      note: "",
      cells: KINDS.map(({ kind }) => {
        const found = findings.filter((one) => one.kind === kind);
        const mark = found.some(({ level }) => level === "bad") ? BAD : found.length > 0 ? NOTE : NONE;
        const [first] = found;
        return {
          mark,
          figure: first === undefined ? "" : figureOf(first, found),
          said: mark.about,
          more: found.map(({ text }) => text).join("\n"),
          link: first === undefined ? null : link(bot),
        };
      }),
    })),
  };
}

/** What stands in a cell: how long, where that is what matters, else how often. */
function figureOf(first: Finding, found: readonly Finding[]): string {
  if (first.kind === "recovery" || first.kind === "no_timeout") {
    const longest = Math.max(...found.map(({ ms }) => ms ?? 0));
    return found.some(({ ms }) => ms === null) ? "not yet" : duration(longest);
  }
  return String(found.reduce((sum, { times }) => sum + times, 0));
}

export const TONES: Readonly<Record<HeatTone, string>> = {
  good: "heat-good",
  bad: "heat-bad",
  doubt: "heat-doubt",
  open: "heat-open",
  none: "heat-none",
};
