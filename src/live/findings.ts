/**
 * What exchanges say of bots: how long they take to recover, whether they try again too early or all at once, wait for ever, take a bad
 * certificate, or have the same thing carried out twice. Pure: the daemon and the page run it over what each has.
 */
import type { Finding, FindingKind, LiveExchange } from "./contract.js";

/** Tries that come sooner after a failure leave the server no time. */
const AT_ONCE_MS = 20;
/** So many at once, one behind the other, before it is said. */
const AT_ONCE_MIN = 3;
/** Whoever waits for so long has no time-out worth the name. */
const PATIENCE_MS = 30_000;
/** Tries of different bots within so long are at the same moment. */
const TOGETHER_MS = 50;
const TOGETHER_BOTS = 3;
const TOGETHER_TIMES = 2;
const PROOF_MAX = 5;

interface Draft {
  readonly id: string;
  readonly kind: FindingKind;
  readonly level: Finding["level"];
  readonly bots: readonly string[];
  readonly route: string | null;
  /** From the number of times and the figure. */
  readonly text: (times: number, ms: number | null) => string;
  readonly ms: number | null;
  readonly at: number;
  readonly proof: readonly LiveExchange[];
}

/** Sorted by what matters most; `now` is on the daemon's clock, for what is still under way. */
export function findingsOf(exchanges: readonly LiveExchange[], now: number): Finding[] {
  const inOrder = exchanges.toSorted((one, other) => one.client_side.at - other.client_side.at);
  const drafts = [
    ...recoveries(inOrder),
    ...earlyRetries(inOrder),
    ...lockStep(inOrder),
    ...endlessWaits(inOrder, now),
    ...badCertificates(inOrder),
    ...carriedOutTwice(inOrder),
  ];
  return merged(drafts).toSorted(
    (one, other) =>
      Number(other.level === "bad") - Number(one.level === "bad") ||
      other.times - one.times ||
      one.bot.localeCompare(other.bot),
  );
}

function merged(drafts: readonly Draft[]): Finding[] {
  const findings = new Map<string, Finding>();
  const worst = (one: number | null, other: number | null): number | null =>
    one === null ? other : other === null ? one : Math.max(one, other);
  for (const { id, kind, level, bots, route, text, ms, at, proof } of drafts) {
    const before = findings.get(id);
    const times = (before?.times ?? 0) + 1;
    const figure = before === undefined ? ms : worst(before.ms, ms);
    findings.set(id, {
      id,
      kind,
      level,
      bot: bots[0] ?? "",
      bots,
      route,
      text: text(times, figure),
      times,
      ms: figure === null ? null : Math.round(figure),
      first_at: before?.first_at ?? at,
      last_at: at,
      exchanges: [
        ...(before?.exchanges ?? []),
        ...proof.map(({ proxy, id: number }) => ({ proxy, id: number })),
      ].slice(0, PROOF_MAX),
    });
  }
  return [...findings.values()];
}

/** It ended without what its client asked for. */
export function isFailed({ client_side: { end, status }, pending, kind, failure }: LiveExchange): boolean {
  if (pending) return false;
  if (end !== "complete" || failure !== null) return true;
  return kind === "exchange" && (status === null || status >= 500 || status === 429);
}

function isHit({ acts }: LiveExchange): boolean {
  return acts.some(({ observed }) => !observed);
}

function byBot(exchanges: readonly LiveExchange[]): Map<string, LiveExchange[]> {
  const bots = new Map<string, LiveExchange[]>();
  for (const one of exchanges) {
    const own = bots.get(one.bot);
    if (own === undefined) bots.set(one.bot, [one]);
    else own.push(one);
  }
  return bots;
}

/** From the end of the last one that a fault made fail, to the end of the first that went well behind it. */
function* recoveries(exchanges: readonly LiveExchange[]): Iterable<Draft> {
  for (const [bot, own] of byBot(exchanges)) {
    const last = own.findLast((one) => isHit(one) && isFailed(one));
    const from = last?.client_side.over ?? null;
    if (last === undefined || from === null) continue;
    const next = own.find(
      (one) => one.client_side.at >= from && !one.pending && !isFailed(one) && one.kind === last.kind,
    );
    const until = next?.client_side.over ?? null;
    yield {
      id: `recovery ${bot}`,
      kind: "recovery",
      level: "note",
      bots: [bot],
      route: last.route,
      text: (_times, ms) =>
        ms === null
          ? "has not been answered again since a fault made one of its exchanges fail"
          : `was answered again ${seconds(ms)} after the last exchange that a fault made fail`,
      ms: until === null ? null : until - from,
      at: until ?? from,
      proof: next === undefined ? [last] : [last, next],
    };
  }
}

function* earlyRetries(exchanges: readonly LiveExchange[]): Iterable<Draft> {
  const known = new Map(exchanges.map((one) => [keyOf(one.proxy, one.id), one]));
  /** Tries at once, one behind the other. */
  const runs = new Map<string, number>();
  for (const one of exchanges) {
    const before = one.again === null ? undefined : known.get(keyOf(one.proxy, one.again));
    const over = before?.client_side.over ?? null;
    if (before === undefined || over === null) continue;
    const waited = one.client_side.at - over;
    const asked = before.retry_after_ms;
    if (asked !== null && waited < asked) {
      yield early(
        one,
        before,
        asked - waited,
        (times, ms) => `tried again ${seconds(ms ?? 0)} before Retry-After was over${timesText(times)}`,
        "asked",
      );
      continue;
    }
    const run = waited < AT_ONCE_MS ? (runs.get(keyOf(before.proxy, before.id)) ?? 0) + 1 : 0;
    runs.set(keyOf(one.proxy, one.id), run);
    if (run >= AT_ONCE_MIN)
      yield early(
        one,
        before,
        null,
        (times) => `tried again at once, without a pause, ${times + AT_ONCE_MIN - 1} times`,
        "at once",
      );
  }
}

function early(
  one: LiveExchange,
  before: LiveExchange,
  ms: number | null,
  text: Draft["text"],
  how: string,
): Draft {
  return {
    id: `early_retry ${how} ${one.bot} ${one.route ?? one.proxy}`,
    kind: "early_retry",
    level: "bad",
    bots: [one.bot],
    route: one.route,
    text,
    ms,
    at: one.client_side.at,
    proof: [before, one],
  };
}

/** Second tries of several bots for the same route at the same moment, more than once. */
function* lockStep(exchanges: readonly LiveExchange[]): Iterable<Draft> {
  const routes = new Map<string, LiveExchange[]>();
  for (const one of exchanges) {
    if (one.again_by !== "failed" || one.route === null) continue;
    const key = keyOf(one.proxy, one.route);
    routes.set(key, [...(routes.get(key) ?? []), one]);
  }
  for (const [key, tries] of routes) {
    const moments = clusters(tries);
    if (moments.length < TOGETHER_TIMES) continue;
    const bots = [...new Set(moments.flat().map(({ bot }) => bot))].toSorted();
    for (const cluster of moments) {
      const [first] = cluster;
      if (first === undefined) continue;
      yield {
        id: `lock_step ${key}`,
        kind: "lock_step",
        level: "bad",
        bots,
        route: first.route,
        text: (times) =>
          `${bots.length} bots try again at the same moments, ${times} times: their pauses have no jitter`,
        ms: null,
        at: first.client_side.at,
        proof: cluster.slice(0, 2),
      };
    }
  }
}

/** Tries that lie together, of several bots each. */
function clusters(tries: readonly LiveExchange[]): LiveExchange[][] {
  const found: LiveExchange[][] = [];
  let cluster: LiveExchange[] = [];
  const close = (): void => {
    if (new Set(cluster.map(({ bot }) => bot)).size >= TOGETHER_BOTS) found.push(cluster);
    cluster = [];
  };
  for (const one of tries) {
    const [first] = cluster;
    if (first !== undefined && one.client_side.at - first.client_side.at > TOGETHER_MS) close();
    cluster.push(one);
  }
  close();
  return found;
}

/** It waited for an answer for so long, and had said all that it had to say. Pools of long polls hold their requests on purpose, so only what faults held counts. */
function* endlessWaits(exchanges: readonly LiveExchange[], now: number): Iterable<Draft> {
  for (const one of exchanges) {
    const { last, answer_first: answered, over, at } = one.client_side;
    if (one.kind !== "exchange" || last === null || !isHeld(one)) continue;
    const waited = (answered ?? over ?? now) - at;
    if (waited < PATIENCE_MS) continue;
    yield {
      id: `no_timeout ${one.bot} ${one.route ?? ""}`,
      kind: "no_timeout",
      level: "bad",
      bots: [one.bot],
      route: one.route,
      text: (times, ms) =>
        `waited ${seconds(ms ?? 0)} for an answer${timesText(times)}: it has no time-out, or a very long one`,
      ms: waited,
      at,
      proof: [one],
    };
  }
}

/** A fault made it wait, or keeps its answer. */
function isHeld({ delays, acts }: LiveExchange): boolean {
  return delays.length > 0 || acts.some(({ observed }) => !observed);
}

function* badCertificates(exchanges: readonly LiveExchange[]): Iterable<Draft> {
  const told = new Set<string>();
  for (const one of exchanges) {
    const { tls } = one;
    if (tls === null || tls.problem === null || tls.took !== "accepted") continue;
    const connection = keyOf(one.proxy, String(one.connection));
    if (told.has(connection)) continue;
    told.add(connection);
    const { problem } = tls;
    yield {
      id: `bad_certificate ${one.bot} ${problem}`,
      kind: "bad_certificate",
      level: "bad",
      bots: [one.bot],
      route: null,
      text: (times) => `took a certificate that it had to refuse (${problem})${timesText(times)}`,
      ms: null,
      at: one.client_side.at,
      proof: [one],
    };
  }
}

/** Requests that do nothing twice though they are sent twice (RFC 9110, section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** The upstream did it, the client was not told, tried again, and the upstream did it again. */
function* carriedOutTwice(exchanges: readonly LiveExchange[]): Iterable<Draft> {
  const known = new Map(exchanges.map((one) => [keyOf(one.proxy, one.id), one]));
  for (const one of exchanges) {
    if (one.method === null || IDEMPOTENT.has(one.method)) continue;
    const copies = one.upstream_side?.copies ?? 0;
    if (copies > 0 && wasDone(one)) yield twice(one, [one], "a fault sent it again");
    const before = one.again === null ? undefined : known.get(keyOf(one.proxy, one.again));
    if (before === undefined || !wasDone(before) || !wasDone(one) || !isFailed(before)) continue;
    const status = before.upstream_side?.status ?? 0;
    yield twice(
      one,
      [before, one],
      `its first answer, ${status}, was lost, and the second try was answered ${one.upstream_side?.status ?? 0} as well`,
    );
  }
}

function twice(one: LiveExchange, proof: readonly LiveExchange[], how: string): Draft {
  // With a key the server can know the second one again: that it answered says nothing yet.
  const keyed = one.key !== null;
  return {
    id: `carried_out_twice ${one.bot} ${one.route ?? ""}`,
    kind: "carried_out_twice",
    level: keyed ? "note" : "bad",
    bots: [one.bot],
    route: one.route,
    text: (times) =>
      `${one.method ?? ""} ${one.path ?? ""} ${keyed ? "was asked for twice, with the same key" : "was carried out twice"}: ${how}${timesText(times)}`,
    ms: null,
    at: one.client_side.at,
    proof,
  };
}

function wasDone({ upstream_side: upstream }: LiveExchange): boolean {
  const status = upstream?.status ?? null;
  return status !== null && status >= 200 && status < 300;
}

function timesText(times: number): string {
  return times === 1 ? "" : ` (${times} times)`;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function keyOf(proxy: string, id: string): string {
  return `${proxy}\n${id}`;
}
