/**
 * A failing run made explicit: each hit of its journal as a fault of its own, which names the call that it hit. Probabilities, counts and
 * drawn delays become plain ordinals and values, so that the run can be made again, and with less of it.
 *
 * What acts on bytes, on whole connections of HTTP proxies, on pools, listeners or datagrams has no ordinal by which one hit could be
 * named: such a fault stays as it was written, whole, and can only be left out as a whole.
 */
import { FAULT_TYPES } from "../../faults/kinds/index.js";
import type { Hit, RunRecord, SeenExchange } from "../contract/record.js";
import type { FaultInput } from "../contract/run.js";
import type { HttpCalls } from "../sites/http.js";

/** One thing that can be left out. */
export interface Part {
  /** Of the journal: the order of time. */
  readonly seq: number;
  readonly activation: string;
  /** The name of the fault as it was written. */
  readonly origin: string;
  /** The fault by itself; `when.only` has one ordinal where it is one hit. */
  readonly fault: FaultInput;
  /** Which call it is; null for a fault that stays whole. */
  readonly nth: number | null;
}

export interface Explicit {
  /** In the order of time. */
  readonly parts: readonly Part[];
  /** Names of faults of which single hits cannot be told apart. */
  readonly whole: readonly string[];
}

export interface ExplicitMeans {
  readonly calls: Pick<HttpCalls, "templateOf" | "ordinals" | "exceptOf">;
  /** Bots that fault-free runs have as well; others have names that are new each time, and are counted together. */
  readonly bots: ReadonlySet<string>;
}

type Fields = Readonly<Record<string, unknown>>;

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

/** Of the faults that were on; those that hit nothing are left out at once. */
export function explicit(record: RunRecord, faults: readonly FaultInput[], means: ExplicitMeans): Explicit {
  const byId = new Map(record.exchanges.map((one) => [`${one.proxy} ${one.id}`, one]));
  const ordinals = means.calls.ordinals(record);
  const parts: Part[] = [];
  const whole = new Set<string>();
  const seen = new Set<string>();
  for (const hit of record.hits) {
    const written = faults.find(({ name }) => name === hit.fault);
    if (written === undefined) continue;
    const exchange = hit.exchange === null ? undefined : byId.get(`${hit.proxy} ${hit.exchange.id}`);
    const called = hasOrdinals(hit.type) ? calledOf(hit, record, exchange, ordinals, means) : null;
    if (called === null) whole.add(hit.fault);
    const key = called === null ? hit.fault : `${hit.fault} ${JSON.stringify(called)}`;
    // One call may be hit in several ways by one fault, and is one part.
    if (seen.has(key)) continue;
    seen.add(key);
    parts.push({
      seq: hit.seq,
      activation: hit.activation,
      origin: hit.fault,
      nth: called?.nth ?? null,
      fault: called === null ? written : aimedAt(written, hit, called),
    });
  }
  // A fault that stays whole in part stays whole: its hits would act twice.
  const kept = parts.filter(({ origin, nth }) => nth === null || !whole.has(origin));
  return { parts: kept.sort((a, b) => a.seq - b.seq), whole: [...whole] };
}

/** The faults of some parts: hits of one fault at one place become one, with all of their ordinals. */
export function faultsOfParts(parts: readonly Part[]): FaultInput[] {
  const groups = new Map<string, { readonly fault: FaultInput; readonly only: number[] }>();
  for (const { fault, nth } of parts) {
    const { when, ...rest } = fault;
    const key = nth === null ? JSON.stringify(fault) : JSON.stringify([rest, perOf(when)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { fault, only: nth === null ? [] : [nth] });
    else if (nth !== null) group.only.push(nth);
  }
  const used = new Set<string>();
  return [...groups.values()].map(({ fault, only }) => {
    const name = unused(fault.name, used);
    if (only.length === 0) return { ...fault, name };
    const when = { ...(fault["when"] as Fields), only: only.toSorted((a, b) => a - b) };
    return { ...fault, name, when };
  });
}

/** Levels to leave out whole: activations, then faults. */
export function levelsOf(parts: readonly Part[]): number[][][] {
  return [(part: Part) => part.activation, (part: Part) => part.origin].map((keyOf) => {
    const groups = new Map<string, number[]>();
    parts.forEach((part, index) => {
      const key = keyOf(part);
      groups.set(key, [...(groups.get(key) ?? []), index]);
    });
    return [...groups.values()];
  });
}

interface Called {
  readonly nth: number;
  readonly match: Fields;
  readonly except: readonly Fields[];
  readonly per: string | readonly string[];
}

function callOf(
  hit: Hit,
  exchange: SeenExchange | undefined,
  ordinals: ReadonlyMap<SeenExchange, number>,
  { calls, bots }: ExplicitMeans,
): Called | null {
  if (exchange === undefined) return null;
  const path = calls.templateOf(exchange);
  const except = calls.exceptOf(exchange.proxy, path).map((other) => ({ path: other }));
  const own = ordinals.get(exchange) ?? hit.exchange?.nth;
  if (own === undefined) return null;
  const { method, bot } = exchange;
  if (bots.has(bot)) return { nth: own, match: { bot, method, path }, except, per: ["bot", "route"] };
  const before = [...ordinals.keys()].filter(
    (other) =>
      other.proxy === exchange.proxy &&
      other.method === method &&
      calls.templateOf(other) === path &&
      other.id <= exchange.id,
  );
  return { nth: before.length, match: { method, path }, except, per: "route" };
}

function calledOf(
  hit: Hit,
  record: RunRecord,
  exchange: SeenExchange | undefined,
  ordinals: ReadonlyMap<SeenExchange, number>,
  means: ExplicitMeans,
): Called | null {
  if (TYPES.get(hit.type)?.handshake !== undefined) return handshakeOf(hit, record);
  return (
    callOf(hit, exchange, ordinals, means) ?? connectionOf(hit, record, means) ?? queryOf(hit, record, means)
  );
}

/** Handshakes are counted for all clients of a proxy: nobody has a name yet. */
function handshakeOf(hit: Hit, { handshakes = [] }: RunRecord): Called | null {
  const own = handshakes
    .filter(({ proxy }) => proxy === hit.proxy)
    .map(({ connection }) => connection)
    .sort((a, b) => a - b);
  const nth = own.indexOf(hit.connection) + 1;
  return nth === 0 ? null : { nth, match: {}, except: [], per: "proxy" };
}

/** Connections of tcp proxies, which are all told. */
function connectionOf(hit: Hit, { connections }: RunRecord, { bots }: ExplicitMeans): Called | null {
  if (hit.exchange !== null || hit.query !== null) return null;
  const isKnown = bots.has(hit.bot);
  const own = connections
    .filter((one) => one.proxy === hit.proxy && (!isKnown || one.bot === hit.bot))
    .map((one) => one.connection)
    .sort((a, b) => a - b);
  const nth = own.indexOf(hit.connection) + 1;
  if (nth === 0) return null;
  return { nth, match: isKnown ? { bot: hit.bot } : {}, except: [], per: isKnown ? "bot" : "proxy" };
}

/** Queries have no number of their own: the hit is the latest of that name that was asked before it. */
function queryOf(hit: Hit, { queries }: RunRecord, { bots }: ExplicitMeans): Called | null {
  const { query } = hit;
  if (query === null) return null;
  const isKnown = bots.has(hit.bot);
  const own = queries.filter(
    (one) =>
      one.proxy === hit.proxy &&
      one.name === query.name &&
      one.type === query.type &&
      one.transport === query.transport &&
      (!isKnown || one.bot === hit.bot),
  );
  const nth = own.filter(({ at }) => at <= hit.at).length;
  if (nth === 0) return null;
  const match = {
    qname: query.name,
    qtype: query.type,
    transport: query.transport,
    ...(isKnown ? { bot: hit.bot } : {}),
  };
  return { nth, match, except: [], per: isKnown ? "bot" : "proxy" };
}

function hasOrdinals(name: string): boolean {
  const type = TYPES.get(name);
  return (
    type !== undefined &&
    type.upstreams === undefined &&
    type.listener === undefined &&
    type.datagram === undefined
  );
}

/** What `when` says of which subjects are hit; the rest of it, such as `follow`, would hit others beside that one. */
function aimedAt(written: FaultInput, hit: Hit, { nth, match, except, per }: Called): FaultInput {
  const { match: _match, except: _except, when: _when, proxy: _proxy, follow: _follow, ...params } = written;
  return {
    ...params,
    type: written.type,
    name: written.name,
    ...drawn(written, hit.detail),
    proxy: hit.proxy,
    ...(Object.keys(match).length === 0 ? {} : { match }),
    ...(except.length === 0 ? {} : { except }),
    when: { only: [nth], per },
  };
}

/** A delay that was drawn is that delay from now on. */
function drawn(written: FaultInput, { delay_ms: delay }: Hit["detail"]): Fields {
  if (typeof delay !== "number" || written["delay"] === undefined) return {};
  const { jitter } = written;
  return { delay: `${Math.round(delay)}ms`, ...(jitter === undefined ? {} : { jitter: "0ms" }) };
}

function perOf(when: unknown): unknown {
  return (when as Fields | undefined)?.["per"];
}

function unused(name: string, used: Set<string>): string {
  let free = name;
  for (let number = 2; used.has(free); number++) free = `${name}-${number}`;
  used.add(free);
  return free;
}
