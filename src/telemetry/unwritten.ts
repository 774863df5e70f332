/**
 * Facts that nobody has read yet, by their places in the journal's ring. They are told thousands of times a second, and each
 * would outlive the collections of the young heap, which is what such objects cost most: so what they say is copied into
 * columns that are written over, and an object is made of it again when somebody reads it.
 */
import type { ExchangeName, FaultOrigin, QueryName } from "../core/events.js";
import type { Frequent } from "./entry.js";

type Hit = Extract<Frequent, { kind: "fault_hit" }>;
type Total = Extract<Frequent, { kind: "fault_total" }>;
type Over = Extract<Frequent, { kind: "exchange_over" }>;
type Value = string | number | boolean;
type Values = Readonly<Record<string, Value>>;

/** Places that are made at a time: a journal that stays small costs little. */
const PAGE = 512;

/** Where in the columns of a place what stands: values that are no numbers. */
const KIND = 0;
const PROXY = 1;
const BOT = 2;
const METHOD = 3;
const PATH = 4;
const ACTIVATION = 5;
const PROFILE = 6;
const PHASE = 7;
const FAULT = 8;
const TYPE = 9;
const QUERY = 10;
const HEALTH_CHECK = 11;
const EFFECT = 12;
const OBSERVED = 13;
/** The name and the value of the only thing in a detail, or all of it where there is more. */
const NAME = 14;
const VALUE = 15;
const REFERENCES = 16;
/** Of exchanges that are over, in the places of what only faults have. */
const UPSTREAM = ACTIVATION;
const FAULTS = PROFILE;
const END = PHASE;
const TRACE = FAULT;

/** The same of numbers. NaN stands for none. */
const TOLD_AT = 0;
const CONNECTION = 1;
const EXCHANGE = 2;
const AMOUNT = 3;
const NUMBER = 4;
const CLIENT_STATUS = 5;
const CLIENT_MS = 6;
const NUMBERS = 7;
const UPSTREAM_STATUS = AMOUNT;
const UPSTREAM_MS = NUMBER;

interface Page {
  readonly references: unknown[];
  readonly numbers: Float64Array;
}

export class Unwritten {
  readonly #pages: (Page | undefined)[] = [];
  readonly #methods = new Known();
  readonly #paths = new Known();
  readonly #bots = new Known();
  #faults: readonly string[] = [];

  /** `toldAt` is on the wall's clock, in milliseconds. What was in that place is written over. */
  put(at: number, toldAt: number, fact: Frequent): void {
    const { references, numbers } = this.#page(at);
    const from = (at % PAGE) * REFERENCES;
    const first = (at % PAGE) * NUMBERS;
    const { exchange } = fact;
    references[from + KIND] = fact.kind;
    references[from + PROXY] = fact.proxy;
    references[from + BOT] = this.#bots.same(fact.bot);
    references[from + METHOD] = exchange === undefined ? null : this.#methods.same(exchange.method);
    references[from + PATH] = exchange === undefined ? null : this.#paths.same(exchange.path);
    numbers[first + TOLD_AT] = toldAt;
    numbers[first + CONNECTION] = fact.connection;
    numbers[first + EXCHANGE] = exchange?.id ?? NaN;
    if (fact.kind === "exchange_over") {
      references[from + UPSTREAM] = fact.upstream;
      references[from + FAULTS] = this.#sameFaults(fact.faults);
      references[from + END] = fact.end;
      references[from + TRACE] = fact.trace ?? null;
      numbers[first + UPSTREAM_STATUS] = fact.upstream_status ?? NaN;
      numbers[first + UPSTREAM_MS] = fact.upstream_ms ?? NaN;
      numbers[first + CLIENT_STATUS] = fact.client_status ?? NaN;
      numbers[first + CLIENT_MS] = fact.client_ms;
      return;
    }
    references[from + ACTIVATION] = fact.activation;
    references[from + PROFILE] = fact.profile;
    references[from + PHASE] = fact.phase;
    references[from + FAULT] = fact.fault;
    references[from + TYPE] = fact.type;
    references[from + QUERY] = fact.query ?? null;
    references[from + HEALTH_CHECK] = fact.health_check ?? null;
    if (fact.kind === "fault_hit") {
      references[from + EFFECT] = fact.effect;
      references[from + OBSERVED] = fact.observed === true;
      numbers[first + AMOUNT] = fact.amount;
    }
    const values = fact.kind === "fault_hit" ? fact.detail : fact.effects;
    const name = values === undefined ? null : onlyName(values);
    const value = values === undefined || name === null ? values : values[name];
    references[from + NAME] = name;
    references[from + VALUE] = typeof value === "number" ? null : value;
    numbers[first + NUMBER] = typeof value === "number" ? value : NaN;
  }

  /** When that fact was told, and what it said. */
  at(at: number): { readonly toldAt: number; readonly fact: Frequent } {
    const page = this.#page(at);
    const place: Place = {
      references: page.references.slice((at % PAGE) * REFERENCES, ((at % PAGE) + 1) * REFERENCES),
      numbers: page.numbers.subarray((at % PAGE) * NUMBERS, ((at % PAGE) + 1) * NUMBERS),
    };
    const toldAt = number(place, TOLD_AT);
    switch (reference<Frequent["kind"]>(place, KIND)) {
      case "exchange_over":
        return { toldAt, fact: overOf(place) };
      case "fault_hit":
        return { toldAt, fact: hitOf(place) };
      case "fault_total":
        return { toldAt, fact: totalOf(place) };
    }
  }

  #page(at: number): Page {
    const index = Math.floor(at / PAGE);
    return (this.#pages[index] ??= {
      references: new Array<unknown>(PAGE * REFERENCES).fill(null),
      numbers: new Float64Array(PAGE * NUMBERS),
    });
  }

  /** Most exchanges were hit by the same faults as the one before. */
  #sameFaults(faults: readonly string[]): readonly string[] {
    const known = this.#faults;
    if (known.length === faults.length && faults.every((fault, index) => fault === known[index]))
      return known;
    this.#faults = faults;
    return faults;
  }
}

/** Texts that come again, though each time as another string: the one that is known already is kept in its place. */
class Known {
  readonly #texts = new Array<string>(256).fill("");

  same(text: string): string {
    const { length } = text;
    // An empty text has no code: NaN, which counts as 0 here.
    const last = text.charCodeAt(length - 1) | 0;
    const at = (length * 31 + last * 7 + (text.charCodeAt(length >> 1) | 0)) & 255;
    const known = this.#texts[at];
    if (known === text) return known;
    this.#texts[at] = text;
    return text;
  }
}

function onlyName(values: Readonly<Record<string, unknown>>): string | null {
  let only: string | null = null;
  for (const name in values) {
    if (only !== null) return null;
    only = name;
  }
  return only;
}

interface Place {
  readonly references: readonly unknown[];
  readonly numbers: Float64Array;
}

/** What stands there was put there by `put`, which knows its type. */
function reference<T>({ references }: Place, at: number): T {
  return references[at] as T;
}

function given<T>(place: Place, at: number): T | undefined {
  return reference<T | null>(place, at) ?? undefined;
}

function number({ numbers }: Place, at: number): number {
  return numbers[at] ?? NaN;
}

function numberOrNull(place: Place, at: number): number | null {
  const value = number(place, at);
  return Number.isNaN(value) ? null : value;
}

function exchangeOf(place: Place): ExchangeName | undefined {
  const id = numberOrNull(place, EXCHANGE);
  return id === null ? undefined : { id, method: reference(place, METHOD), path: reference(place, PATH) };
}

function originOf(place: Place): FaultOrigin {
  return {
    proxy: reference(place, PROXY),
    activation: reference(place, ACTIVATION),
    profile: reference(place, PROFILE),
    phase: reference(place, PHASE),
    fault: reference(place, FAULT),
    type: reference(place, TYPE),
    bot: reference(place, BOT),
    connection: number(place, CONNECTION),
    exchange: exchangeOf(place),
    query: given<QueryName>(place, QUERY),
    health_check: given<string>(place, HEALTH_CHECK),
  };
}

function valuesOf<T extends Values>(place: Place): T | undefined {
  const name = reference<string | null>(place, NAME);
  const value = reference<Value | T | null | undefined>(place, VALUE);
  if (name === null) return (value ?? undefined) as T | undefined;
  return { [name]: value === null ? number(place, NUMBER) : value } as T;
}

function hitOf(place: Place): Hit {
  return {
    kind: "fault_hit",
    ...originOf(place),
    effect: reference(place, EFFECT),
    amount: number(place, AMOUNT),
    detail: valuesOf(place),
    ...(reference<boolean>(place, OBSERVED) ? { observed: true as const } : {}),
  };
}

function totalOf(place: Place): Total {
  return {
    kind: "fault_total",
    ...originOf(place),
    effects: valuesOf<Readonly<Record<string, number>>>(place) ?? {},
  };
}

function overOf(place: Place): Over {
  const trace = given<string>(place, TRACE);
  return {
    kind: "exchange_over",
    proxy: reference(place, PROXY),
    connection: number(place, CONNECTION),
    bot: reference(place, BOT),
    exchange: exchangeOf(place) ?? { id: 0, method: "", path: "" },
    upstream: reference(place, UPSTREAM),
    faults: reference(place, FAULTS),
    upstream_status: numberOrNull(place, UPSTREAM_STATUS),
    upstream_ms: numberOrNull(place, UPSTREAM_MS),
    client_status: numberOrNull(place, CLIENT_STATUS),
    client_ms: number(place, CLIENT_MS),
    end: reference(place, END),
    ...(trace === undefined ? {} : { trace }),
  };
}
