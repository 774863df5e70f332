/** A presence as it stands in an engine: one JSON text. Another daemon wrote it, so nothing in it is taken on trust. */
import type { MemberState, Presence } from "../contract/presence.js";

const STATES: ReadonlySet<string> = new Set<MemberState>([
  "idle",
  "prepared",
  "applied",
  "refused",
  "healed_here",
]);
const TEXT_MAX = 1_000;
const LABELS_MAX = 100;

/** Null if it is none, or says to be of another daemon than the place where it stands: then that one's credentials wrote it. */
export function readPresence(bytes: Uint8Array, daemon: string): Presence | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
  if (!isObject(value) || value["daemon"] !== daemon) return null;
  const {
    life,
    version,
    labels,
    admin,
    serial,
    state,
    why,
    offset_ms,
    error_ms,
    hits,
    ends_at,
    journal_seq,
  } = value;
  if (!isText(life) || !isText(version) || !isLabels(labels) || !isTextOrNull(admin)) return null;
  if (!isNumber(serial) || !isState(state) || !isTextOrNull(why) || !isTextOrNull(ends_at)) return null;
  if (!isNumberOrNull(offset_ms) || !isNumberOrNull(error_ms)) return null;
  if (!isNumber(hits) || !isNumber(journal_seq)) return null;
  return {
    daemon,
    life,
    version,
    labels,
    admin,
    serial,
    state,
    why,
    offset_ms,
    error_ms,
    hits,
    ends_at,
    journal_seq,
  };
}

export const writePresence = (presence: Presence): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(presence));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string" && value.length <= TEXT_MAX;
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isNumberOrNull = (value: unknown): value is number | null => value === null || isNumber(value);
const isState = (value: unknown): value is MemberState => typeof value === "string" && STATES.has(value);
const isLabels = (value: unknown): value is Readonly<Record<string, string>> =>
  isObject(value) && Object.values(value).every(isText) && Object.keys(value).length <= LABELS_MAX;
