/**
 * Simpler words for what is left: each of these says less, or something plainer, and is kept only if it fails alike. What does not make a
 * fault easier to understand is not tried.
 */
import { formatDuration, parseDuration } from "../../core/units.js";
import type { FaultInput } from "../contract/run.js";
import { botClassOf, botPattern } from "../sites/bots.js";

export interface Simpler {
  /** For people: `any bot instead of bot-3`. */
  readonly words: string;
  readonly fault: FaultInput;
}

type Fields = Readonly<Record<string, unknown>>;

/** In the order in which they are to be tried; each begins with the fault as the ones before it have left it. */
export const STEPS: readonly ((fault: FaultInput) => Simpler | null)[] = [
  firstCall,
  classOfBots,
  anyBot,
  plainWords,
  resetInstead,
  withoutExcept,
  roundTimes,
];

function firstCall(fault: FaultInput): Simpler | null {
  const { when } = parts(fault);
  const [nth, second] = Array.isArray(when["only"]) ? (when["only"] as readonly unknown[]) : [];
  if (typeof nth !== "number" || nth === 1 || second !== undefined) return null;
  return {
    words: `the first call instead of number ${nth}`,
    fault: { ...fault, when: { ...when, only: [1] } },
  };
}

function classOfBots(fault: FaultInput): Simpler | null {
  const { match } = parts(fault);
  const { bot } = match;
  if (typeof bot !== "string" || bot.includes("*")) return null;
  const pattern = botPattern(botClassOf(bot));
  return pattern === bot || !pattern.includes("*")
    ? null
    : {
        words: `bots ${pattern} instead of ${bot}`,
        fault: counted({ ...fault, match: { ...match, bot: pattern } }),
      };
}

function anyBot(fault: FaultInput): Simpler | null {
  const { match } = parts(fault);
  const { bot, ...rest } = match;
  if (bot === undefined) return null;
  const { match: _match, ...others } = fault;
  const wider = Object.keys(rest).length === 0 ? others : { ...others, match: rest };
  return { words: "any bot", fault: counted({ ...wider, type: fault.type, name: fault.name }) };
}

/** All bots together: without their names there is one first call. */
function counted(fault: FaultInput): FaultInput {
  const { when, match } = parts(fault);
  if (when["only"] === undefined) return fault;
  return { ...fault, when: { ...when, per: match["path"] === undefined ? "proxy" : "route" } };
}

function plainWords(fault: FaultInput): Simpler | null {
  const { persona, ...rest } = fault;
  if (persona === undefined || persona === "plain") return null;
  return { words: "no persona", fault: { ...rest, type: fault.type, name: fault.name } };
}

function resetInstead(fault: FaultInput): Simpler | null {
  return fault["then"] === "hang"
    ? { words: "a reset instead of silence", fault: { ...fault, then: "reset" } }
    : null;
}

function withoutExcept(fault: FaultInput): Simpler | null {
  const { except, ...rest } = fault;
  if (except === undefined) return null;
  return { words: "no exceptions", fault: { ...rest, type: fault.type, name: fault.name } };
}

/** The parameters that are times, and may be rounded up. */
const TIMES = ["delay", "hold"] as const;

function roundTimes(fault: FaultInput): Simpler | null {
  const time = timeOf(fault);
  if (time === null) return null;
  const step = 10 ** Math.floor(Math.log10(time.value));
  const round = Math.ceil(time.value / step) * step;
  return round === time.value
    ? null
    : {
        words: `${formatDuration(round)} instead of ${formatDuration(time.value)}`,
        fault: withTime(fault, round),
      };
}

/** In milliseconds; null where the fault has no time that is one value. */
export function timeOf(fault: FaultInput): { readonly key: string; readonly value: number } | null {
  for (const key of TIMES) {
    const text = fault[key];
    const value = typeof text === "string" ? parseDuration(text) : null;
    if (value !== null && value > 0) return { key, value };
  }
  return null;
}

export function withTime(fault: FaultInput, value: number): FaultInput {
  const time = timeOf(fault);
  return time === null ? fault : { ...fault, [time.key]: `${Math.round(value)}ms` };
}

function parts({ match, when }: FaultInput): { readonly match: Fields; readonly when: Fields } {
  const fields = (value: unknown): Fields =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
  return { match: fields(match), when: fields(when) };
}
