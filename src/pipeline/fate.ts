/**
 * What would have become of a subject that is only observed: once a fault would have had the last word, none behind it is
 * asked, as none would be. One for each exchange, connection or question, shared by all faults that watch it.
 */
import type { Direction, DnsReply, RequestParts, ResponseParts } from "../faults/contract/index.js";

export class Fate {
  /** It would be over: answered, dropped, severed, or hanging. */
  over = false;
  /** It would have been answered in its upstream's place: there are bytes on the way back, if others. */
  answered = false;
  /** Bytes that a stage before this one would have kept from it, within one turn. */
  readonly muted: Record<Direction, boolean> = { upstream: false, downstream: false };
  /** Where bodies would be cut; the least counts. */
  readonly cuts: Record<Direction, number> = { upstream: Infinity, downstream: Infinity };
  /** What would have been made of these so far. */
  request: RequestParts | null = null;
  response: ResponseParts | null = null;
  reply: DnsReply | null = null;
  readonly bodies: Record<Direction, Buffer | null> = { upstream: null, downstream: null };
}

const FATES = new WeakMap<object, Fate>();

/** Of a subject, known by the one object that all its faults are admitted with. */
export function fateOf(subject: object): Fate {
  const known = FATES.get(subject);
  if (known !== undefined) return known;
  const fate = new Fate();
  FATES.set(subject, fate);
  return fate;
}

/** Scopes that know whose fate they are about. */
export interface Fated {
  readonly fate: Fate;
}

export function isFated(scope: object): scope is Fated {
  return "fate" in scope;
}
