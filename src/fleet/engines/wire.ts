/** A presence as it stands in an engine: one JSON text. Another daemon wrote it, so nothing in it is taken on trust. */
import { NAMESAKES_MAX, type MemberState, type Namesake, type Presence } from "../contract/presence.js";

const STATES: ReadonlySet<string> = new Set<MemberState>([
  "idle",
  "prepared",
  "applied",
  "refused",
  "healed_here",
]);
const TEXT_MAX = 1_000;
const LABELS_MAX = 100;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string" && value.length <= TEXT_MAX;
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isNumberOrNull = (value: unknown): value is number | null => value === null || isNumber(value);
const isState = (value: unknown): value is MemberState => typeof value === "string" && STATES.has(value);
const isLabels = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every(isText) && Object.keys(value).length <= LABELS_MAX;

type Own = Omit<Presence, "namesakes">;

const FIELDS: { readonly [Name in keyof Own]: (value: unknown) => value is Own[Name] } = {
  daemon: isText,
  life: isText,
  version: isText,
  labels: isLabels,
  admin: isTextOrNull,
  serial: isNumber,
  state: isState,
  why: isTextOrNull,
  offset_ms: isNumberOrNull,
  error_ms: isNumberOrNull,
  hits: isNumber,
  ends_at: isTextOrNull,
  journal_seq: isNumber,
};

/** Null if it is none, or says to be of another daemon than the place where it stands: then that one's credentials wrote it. */
export function readPresence(bytes: Uint8Array, daemon: string): Presence | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
  const own = ownOf(value, daemon);
  return own === null ? null : { ...own, namesakes: namesakesIn(value, daemon) };
}

/** A daemon of an earlier version tells of none, and what is no presence is left out. */
function namesakesIn(value: unknown, daemon: string): readonly Namesake[] {
  const told = isObject(value) ? value["namesakes"] : undefined;
  if (!Array.isArray(told)) return [];
  return told.slice(0, NAMESAKES_MAX).flatMap((one: unknown) => {
    const own = ownOf(one, daemon);
    const age = isObject(one) ? one["age_ms"] : undefined;
    return own !== null && isNumber(age) && age >= 0 ? [{ ...own, age_ms: age }] : [];
  });
}

function ownOf(value: unknown, daemon: string): Own | null {
  if (!isObject(value) || value["daemon"] !== daemon) return null;
  const known: Record<string, unknown> = {};
  for (const [name, isRight] of Object.entries(FIELDS)) {
    if (!isRight(value[name])) return null;
    known[name] = value[name];
  }
  return known as unknown as Own;
}

export const writePresence = (presence: Presence): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(presence));
