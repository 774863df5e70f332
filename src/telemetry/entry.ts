/**
 * What a fact looks like once it is written down: bounded in size, free of secrets, and detached from the
 * live objects it came from. Journal, log and event stream all show this form and no other. And what is asked of them.
 */
import type { Fact, Span } from "../core/events.js";
import { BoundedMap } from "../core/lru.js";

/** A fact as it is written down. Our own mistakes keep their text; the trace goes to the log only. */
export type Recorded =
  | Exclude<Fact, { kind: "mistake" }>
  | { readonly kind: "mistake"; readonly where: string; readonly text: string };

export interface Stamp {
  /** From 1, without gaps, for the life of the daemon. */
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Milliseconds on the monotonic clock, to the microsecond, where everything is recorded. */
  readonly at?: number;
  /** How many like this one were left out since the last that was written, see `Journal`. */
  readonly more?: number;
  /** Something in it was longer than an entry may be, and was cut. */
  readonly cut?: true;
}

export type JournalEntry = Stamp & Exclude<Recorded, { kind: "plan_changed" }>;

/** A fact, written down, and whether it had to be cut for that. */
export interface Written {
  readonly fact: Recorded;
  readonly cut: boolean;
  /** About as many characters as it has as a line of JSON. */
  readonly size: number;
}

const TEXT_MAX = 200;
const MESSAGE_MAX = 1_000;
/** What may be longer than other texts, because it is of no use when it is not whole. */
const LONG_TEXTS: ReadonlyMap<string, number> = new Map([
  ["again", 2_000],
  ["text", MESSAGE_MAX],
  ["message", MESSAGE_MAX],
]);
const ITEMS_MAX = 100;
const KEYS_MAX = 50;
const DEPTH_MAX = 4;
/** Values in one entry, over all depths. */
const VALUES_MAX = 2_000;
/** Characters of one entry, over all its texts and names: of what comes behind them only beginnings are left. */
export const ENTRY_MAX = 8 * 1_024;
const LEFT_MAX = 20;
/** Of the stamp, and of what stands between values. */
const STAMP_SIZE = 60;
const VALUE_SIZE = 8;

/** What is told thousands of times a second, and read by few. */
export type Frequent = Extract<Fact, { kind: "fault_hit" | "fault_total" | "exchange_over" }>;

const NOTHING: Readonly<Record<string, unknown>> = {};
/** About as many characters as one of them has without its names. */
const FREQUENT_SIZE = 400;
/** What names the draws of a hit, but for the kind of key. */
const DRAW_SIZE = 70;

export function isFrequent(fact: Fact): fact is Frequent {
  return fact.kind === "fault_hit" || fact.kind === "fault_total" || fact.kind === "exchange_over";
}

/**
 * The size that it will have once it is written down, about; null for one that must be written down at once, since what
 * it holds is larger than an entry may be.
 */
export function sizeUnwritten(fact: Frequent): number | null {
  if (fact.exchange?.site !== undefined || (fact.kind === "exchange_over" && fact.seen !== undefined))
    return null;
  const path = fact.exchange?.path.length ?? 0;
  if (path > TEXT_MAX || fact.bot.length > TEXT_MAX) return null;
  let size = FREQUENT_SIZE + path + fact.bot.length;
  if (fact.kind === "exchange_over") return fact.faults.length > ITEMS_MAX ? null : size;
  if (fact.kind === "fault_hit" && fact.draw !== undefined) size += DRAW_SIZE + fact.draw.by.length;
  const values: Readonly<Record<string, unknown>> =
    fact.kind === "fault_total" ? fact.effects : (fact.detail ?? NOTHING);
  for (const name in values) {
    const value = values[name];
    if (typeof value === "string" && value.length > TEXT_MAX) return null;
    size += VALUE_SIZE + name.length + (typeof value === "string" ? value.length : 0);
  }
  return size;
}

export const MASK = "***";

/** The words by which a name gives away that its value is nobody's business. */
const SECRET_WORDS = new Set([
  ...["token", "tokens", "secret", "secrets", "password", "passwords", "passwd", "passphrase", "pwd", "jwt"],
  ...["credential", "credentials", "authorization", "bearer", "apikey", "cookie", "cookies"],
]);

/** Rules most names out at the price of one look. */
const SUSPICIOUS = /tok|secret|pass|pwd|jwt|cred|auth|bearer|key|cookie/iu;

/** Nearly all names are those of our own entries, and come again thousands of times a second. */
const judged = new BoundedMap<string, boolean>(1_000);

export function isSecretName(name: string): boolean {
  let secret = judged.get(name);
  if (secret === undefined) {
    secret = soundsSecret(name);
    if (name.length <= TEXT_MAX) judged.set(name, secret);
  }
  return secret;
}

function soundsSecret(name: string): boolean {
  if (!SUSPICIOUS.test(name)) return false;
  const words = name
    .replace(/([a-z0-9])([A-Z])/gu, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/u);
  return words.some((word, index) => SECRET_WORDS.has(word) || (word === "key" && isKeyOf(words[index - 1])));
}

function isKeyOf(word: string | undefined): boolean {
  return word === "api" || word === "private" || word === "access" || word === "signing";
}

export function record(fact: Fact): Written {
  const bounds = new Bounds();
  if (fact.kind === "mistake") {
    const where = bounds.text(fact.where, TEXT_MAX);
    const text = bounds.text(messageOf(fact.error), MESSAGE_MAX);
    return { fact: { kind: "mistake", where, text }, cut: bounds.cut, size: bounds.size };
  }
  // Only leaves become shorter, so the shape is still that of the fact.
  const recorded = bounds.value(fit(fact), 0) as Exclude<Fact, { kind: "mistake" }>;
  return { fact: recorded, cut: bounds.cut, size: bounds.size };
}

/** What a fact holds that nobody should, or wants to, read. */
function fit(fact: Exclude<Fact, { kind: "mistake" }>): object {
  switch (fact.kind) {
    case "activation_started":
    case "activation_resumed":
      return { ...fact, again: withoutSecrets(fact.again) };
    case "exchange_over": {
      const { upstream_ms, client_ms, seen } = fact;
      return {
        ...fact,
        ...(seen === undefined ? {} : { seen: spanned(seen) }),
        upstream_ms: upstream_ms === null ? null : inMicroseconds(upstream_ms),
        client_ms: inMicroseconds(client_ms),
      };
    }
    case "connection_over":
    case "query_over":
    case "flow_over":
      return { ...fact, seen: spanned(fact.seen) };
    default:
      return fact;
  }
}

function spanned<T extends Span>(seen: T): T {
  return { ...seen, at: inMicroseconds(seen.at), over: inMicroseconds(seen.over) };
}

/** Clocks have more digits than they know. */
export function inMicroseconds(millis: number): number {
  return Math.round(millis * 1_000) / 1_000;
}

/** Any other values, for log lines that are not facts. */
export function recordFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return new Bounds().object(fields, 0);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** `squall use wan --param token=abc`: the values of secret parameters are not repeated to those who read along. */
function withoutSecrets(again: string): string {
  return again.replace(/--param ('(?:[^']|'\\'')*'|[^\s']+)/gu, (whole, word: string) => {
    const name = word.replace(/^'/u, "").split("=", 1)[0] ?? "";
    return isSecretName(name) ? `--param ${name}=${MASK}` : whole;
  });
}

class Bounds {
  cut = false;
  size = STAMP_SIZE;
  #values = 0;

  value(value: unknown, depth: number, name = ""): unknown {
    if (++this.#values > VALUES_MAX) return this.#given("…");
    this.size += VALUE_SIZE;
    switch (typeof value) {
      case "string":
        return this.text(value, LONG_TEXTS.get(name) ?? TEXT_MAX);
      case "number":
        // JSON has no word for these, and null would read as "none".
        return Number.isFinite(value) ? value : String(value);
      case "boolean":
        return value;
      case "object":
        if (value === null) return null;
        if (depth >= DEPTH_MAX) return this.#given("…");
        if (Array.isArray(value)) return this.#list(value, depth);
        if (value instanceof Error) return this.text(messageOf(value), TEXT_MAX);
        return this.object(value, depth);
      case "undefined":
        return undefined;
      default:
        return this.text(String(value), TEXT_MAX);
    }
  }

  text(text: string, most: number): string {
    const max = this.size > ENTRY_MAX ? Math.min(most, LEFT_MAX) : most;
    this.size += Math.min(text.length, max);
    if (text.length <= max) return text;
    this.cut = true;
    // Half of a surrogate pair is not a character.
    return `${text.slice(0, max).replace(/[\uD800-\uDBFF]$/u, "")}…`;
  }

  object(from: object, depth: number): Record<string, unknown> {
    const into: Record<string, unknown> = {};
    let keys = 0;
    for (const name in from) {
      if (!Object.hasOwn(from, name)) continue;
      const value = (from as Readonly<Record<string, unknown>>)[name];
      if (value === undefined) continue;
      if (name === "__proto__" || ++keys > KEYS_MAX) {
        this.cut = true;
        continue;
      }
      // A secret is masked whatever it is: that it is a number tells too much already.
      into[this.text(name, TEXT_MAX)] = isSecretName(name) ? MASK : this.value(value, depth + 1, name);
    }
    return into;
  }

  #list(from: readonly unknown[], depth: number): unknown[] {
    const items: unknown[] = [];
    for (const item of from) {
      if (items.length === ITEMS_MAX || this.size > ENTRY_MAX) {
        this.cut = true;
        break;
      }
      items.push(this.value(item, depth + 1));
    }
    return items;
  }

  #given(instead: string): string {
    this.cut = true;
    return instead;
  }
}

/**
 * Control characters, and those that turn the direction of text: bots choose their own names, and neither a
 * terminal nor a reader should do what a name says.
 */
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** One line of JSON. What could harm a terminal is escaped, so the data is unchanged. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(HARMFUL, (char) => `\\u${hex(char, 4)}`);
}

/** Text for a terminal. */
export function harmless(text: string): string {
  return text.replace(HARMFUL, (char) => (char < "\u0100" ? `\\x${hex(char, 2)}` : `\\u${hex(char, 4)}`));
}

function hex(char: string, digits: number): string {
  return char.charCodeAt(0).toString(16).padStart(digits, "0");
}

export interface JournalQuery {
  /** Entries after this sequence number. With `limit`, the oldest of them; without `since`, the newest. */
  readonly since?: number;
  readonly limit?: number;
  /** Characters of all entries that are answered; one is answered whatever its size. */
  readonly sizeMax?: number;
  readonly kind?: string;
  readonly proxy?: string;
  readonly activation?: string;
  readonly profile?: string;
  /** Also among the faults of an exchange that is over. */
  readonly fault?: string;
  readonly type?: string;
  readonly bot?: string;
  readonly connection?: number;
  /** Of an exchange, without its query; a pattern as in `match`. */
  readonly path?: string;
}
