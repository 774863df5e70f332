/**
 * What is seen of one exchange, connection, question or flow that somebody watches: its moments on both sides, which faults were asked
 * and why they let it be, what they did, how long they held it. Nobody has one while nobody watches, and only so many a second have one then.
 */
import type { Clock, Millis } from "../core/clock.js";
import type { FaultOrigin } from "../core/events.js";
import type { DrawReason, MatchReason, WhenReason } from "../core/verdict-reasons.js";
import type { Detail } from "../faults/contract/index.js";
import type { HandshakeSeen } from "./dealings.js";

export type ActorOrigin = Pick<FaultOrigin, "proxy" | "activation" | "profile" | "phase" | "fault" | "type">;

/** Whose time a fault takes: that of the request, or that of the answer. */
export type Side = "request" | "answer";

export interface SeenAct {
  readonly origin: ActorOrigin;
  readonly effect: string;
  amount: number;
  readonly at: Millis;
  readonly detail: Detail | null;
  /** No act: it let somebody be, or noticed something. */
  readonly spared: boolean;
  readonly observed: boolean;
}

export interface SeenDelay {
  readonly origin: ActorOrigin;
  readonly side: Side;
  readonly at: Millis;
  /** Null while it lasts. */
  until: Millis | null;
}

/** `asked`: somebody else decides what it comes to, as with faults of the pool, which are asked of all. */
export type Judgement =
  "hit" | "no_match" | "excepted" | "not_due" | "not_drawn" | "spent" | "asked" | "kernel";

export interface SeenVerdict {
  readonly origin: ActorOrigin;
  readonly observe: boolean;
  readonly at: Millis;
  readonly judgement: Judgement;
  readonly match: MatchReason | null;
  readonly when: WhenReason | null;
  readonly draw: DrawReason | null;
}

export interface Why {
  readonly match?: MatchReason | null;
  readonly when?: WhenReason | null;
  readonly draw?: DrawReason | null;
}

export interface SeenHead {
  readonly line: string;
  readonly fields: readonly (readonly [string, string])[];
}

export type UpstreamEnd =
  "complete" | "cut" | "reset" | "closed" | "refused" | "unreachable" | "timeout" | "abandoned";

/** Verdicts, acts and delays of one subject: a connection of hours may have any number. */
const LIST_MAX = 64;

export interface SightOf {
  readonly kind: "exchange" | "connection" | "query" | "flow";
  readonly proxy: string;
  readonly number: number;
  readonly connection: number;
  readonly bot: string;
  readonly client: string;
}

export class Sight {
  readonly of: SightOf;
  readonly clock: Clock;
  readonly #changed: (sight: Sight) => void;
  /** It is among those that have changed since they were looked at last. */
  dirty = false;
  /** It was looked at before. */
  told = false;
  /** Of what it is a part: the connection of an exchange, where faults of the connection were asked. */
  readonly within: Sight | null;
  /** The faults in force when it began. */
  inForce: readonly {
    readonly origin: ActorOrigin;
    readonly observe: boolean;
    readonly needsStatus: boolean;
  }[] = [];

  method: string | null = null;
  path: string | null = null;
  route: string | null = null;
  requestIn: SeenHead | null = null;
  requestOut: Buffer | null = null;
  answerIn: SeenHead | null = null;
  answerOut: Buffer | null = null;
  /** The head went on as it came. */
  requestSame = false;
  answerSame = false;
  /** The beginning of either body, where the configuration asks for that. */
  requestBody: Buffer | null = null;
  answerBody: Buffer | null = null;
  readonly bodiesMax: number;
  key: string | null = null;
  retryAfter: Millis | null = null;

  readonly at: Millis;
  first: Millis;
  last: Millis | null = null;
  answerFirst: Millis | null = null;
  answerLast: Millis | null = null;
  over: Millis | null = null;
  clientStatus: number | null = null;
  rcode: string | null = null;
  /** In the words of its plane: those of `exchange_over` and `connection_over`. */
  end: string | null = null;
  failure: string | null = null;
  /** Nothing of it changes any more. */
  done = false;

  upstream: string | null = null;
  dialled: Millis | null = null;
  connected: Millis | null = null;
  forwarded: Millis | null = null;
  sent: Millis | null = null;
  answered: Millis | null = null;
  upstreamOver: Millis | null = null;
  upstreamStatus: number | null = null;
  upstreamEnd: UpstreamEnd | null = null;
  tls: HandshakeSeen | null = null;
  copies = 0;
  detached = false;
  /** It was answered here, and no upstream asked. */
  local = false;
  up = 0;
  down = 0;

  readonly verdicts: SeenVerdict[] = [];
  readonly acts: SeenAct[] = [];
  readonly delays: SeenDelay[] = [];
  /** An exchange, or whatever else has its own sight, began within it. */
  parted = false;
  /** It is not shown: a connection that has exchanges, or may still have. */
  hidden = false;

  constructor(parts: {
    readonly of: SightOf;
    readonly clock: Clock;
    readonly at: Millis;
    readonly within?: Sight | null;
    readonly bodiesMax?: number;
    readonly changed: (sight: Sight) => void;
  }) {
    this.of = parts.of;
    this.clock = parts.clock;
    this.at = this.first = parts.at;
    this.within = parts.within ?? null;
    this.bodiesMax = parts.bodiesMax ?? 0;
    this.#changed = parts.changed;
  }

  touch(): void {
    if (this.dirty) return;
    this.dirty = true;
    this.#changed(this);
  }

  // -- faults -------------------------------------------------------------------------------------

  judged(origin: ActorOrigin, observe: boolean, judgement: Judgement, why: Why = {}): void {
    if (this.verdicts.length >= LIST_MAX) return;
    const { match = null, when = null, draw = null } = why;
    this.verdicts.push({ origin, observe, at: this.clock.now(), judgement, match, when, draw });
    this.touch();
  }

  acted(
    origin: ActorOrigin,
    effect: string,
    amount: number,
    detail: Detail | undefined,
    spared: boolean,
    observed: boolean,
  ): void {
    const known = this.acts.find((act) => act.origin === origin && act.effect === effect);
    if (known !== undefined) known.amount += amount;
    else if (this.acts.length < LIST_MAX) {
      const at = this.clock.now();
      this.acts.push({ origin, effect, amount, at, detail: detail ?? null, spared, observed });
    }
    this.touch();
  }

  /** A fault holds it from now on. */
  held(origin: ActorOrigin, side: Side): void {
    if (this.delays.length >= LIST_MAX) return;
    this.delays.push({ origin, side, at: this.clock.now(), until: null });
    this.touch();
  }

  /** And lets it go on. */
  released(origin: ActorOrigin): void {
    const now = this.clock.now();
    for (const delay of this.delays) if (delay.origin === origin && delay.until === null) delay.until = now;
    this.touch();
  }

  /** A fault holds bytes of it for so long. What overlaps is one delay. */
  delayed(origin: ActorOrigin, side: Side, by: Millis): void {
    const now = this.clock.now();
    const before = this.delays.findLast((delay) => delay.origin === origin && delay.side === side);
    if (before !== undefined && before.until !== null && before.until >= now) {
      before.until = Math.max(before.until, now + by);
    } else if (by > 0 && this.delays.length < LIST_MAX) {
      this.delays.push({ origin, side, at: now, until: now + by });
    }
    this.touch();
  }

  // -- its moments --------------------------------------------------------------------------------

  requestEnds(): void {
    this.last = this.clock.now();
    this.touch();
  }

  dials(upstream: string): void {
    this.upstream = upstream;
    this.dialled = this.clock.now();
    this.touch();
  }

  connects(): void {
    this.connected = this.clock.now();
    this.touch();
  }

  forwards(upstream: string): void {
    this.upstream = upstream;
    this.forwarded ??= this.clock.now();
    this.touch();
  }

  sends(): void {
    this.sent ??= this.clock.now();
    this.touch();
  }

  answers(status: number | null): void {
    this.answered ??= this.clock.now();
    this.upstreamStatus = status;
    this.touch();
  }

  answerGoes(): void {
    this.answerFirst ??= this.clock.now();
    this.touch();
  }

  upstreamEnds(end: UpstreamEnd): void {
    if (this.upstreamEnd !== null) return;
    this.upstreamEnd = end;
    this.upstreamOver = this.clock.now();
    this.touch();
  }

  /** It was not reached, for a reason in the journal's words. */
  notReached(reason: string): void {
    this.failure ??= reason;
    if (reason === "upstream_refused" || reason === "upstream_reset") this.upstreamEnds("refused");
    else if (reason === "upstream_timeout") this.upstreamEnds("timeout");
    else this.upstreamEnds("unreachable");
  }

  requestGoes(head: Buffer, same: boolean): void {
    this.requestSame = same;
    this.requestOut = same ? null : Buffer.from(head);
    this.touch();
  }

  headGoes(head: Buffer, same: boolean): void {
    this.answerSame = same;
    this.answerOut = same ? null : Buffer.from(head);
    this.touch();
  }

  requestBytes(raw: Buffer, start: number, end: number): void {
    this.up += end - start;
    if (this.bodiesMax > 0)
      this.requestBody = beginning(this.requestBody, raw.subarray(start, end), this.bodiesMax);
  }

  answerBytes(raw: Buffer, start: number, end: number): void {
    this.down += end - start;
    if (this.bodiesMax > 0)
      this.answerBody = beginning(this.answerBody, raw.subarray(start, end), this.bodiesMax);
  }

  /** Over for its client, though its upstream may go on. */
  overAt(at: Millis, end: string | null): void {
    this.over = at;
    this.end = end;
    this.touch();
  }

  /** All is known of it. */
  ends(): void {
    this.done = true;
    const { over } = this;
    for (const delay of this.delays) delay.until ??= over ?? this.clock.now();
    this.touch();
  }
}

function beginning(before: Buffer | null, more: Buffer, limit: number): Buffer {
  const have = before?.length ?? 0;
  if (before !== null && have >= limit) return before;
  const taken = more.subarray(0, limit - have);
  return before === null ? Buffer.from(taken) : Buffer.concat([before, taken]);
}
