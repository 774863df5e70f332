/** What was seen of one exchange, connection, question or flow, as it is told: made anew whenever it has changed. */
import type { SeenAct, Sight } from "../pipeline/sight.js";
import type { HandshakeSeen } from "../pipeline/dealings.js";
import type {
  Again,
  ClientEnd,
  EntryKind,
  LiveAct,
  LiveDelay,
  LiveExchange,
  Party,
  Plane,
  UpstreamSide,
} from "./contract.js";
import { shortened } from "./masks.js";

const LETTERS: Readonly<Record<EntryKind, string>> = { exchange: "", connection: "c", query: "q", flow: "f" };

export function idOf(kind: EntryKind, number: number): string {
  return `${LETTERS[kind]}${number}`;
}

/** What its entry knows besides what was seen. */
export interface EntryFacts {
  readonly rank: number;
  readonly plane: Plane;
  readonly again: { readonly id: string; readonly by: Again } | null;
  readonly handshake: HandshakeSeen | null;
}

export function exchangeView(sight: Sight, { rank, plane, again, handshake }: EntryFacts): LiveExchange {
  const { of, first, at, last, answerFirst, answerLast, over, clientStatus, rcode, failure, done } = sight;
  const { kind, proxy, number, connection, bot, client } = of;
  const acts = actsOf(sight.acts);
  const end = done || over !== null ? clientEndOf(sight) : null;
  const upstream = upstreamSideOf(sight);
  const path = sight.path === null ? null : shortened(sight.path);
  return {
    proxy,
    id: idOf(kind, number),
    kind,
    plane,
    rank,
    bot: shortened(bot),
    client,
    connection,
    method: sight.method,
    path,
    route: sight.route === null ? null : shortened(sight.route),
    pending: !done,
    client_side: {
      first: micro(first),
      at: micro(at),
      last: micro(last),
      answer_first: micro(answerFirst),
      answer_last: micro(answerLast),
      over: micro(over),
      status: clientStatus,
      rcode,
      end,
      by: end === null ? null : partyOf(end, sight, upstream),
    },
    upstream_side: upstream,
    delays: delaysOf(sight),
    acts,
    again: again?.id ?? null,
    again_by: again?.by ?? null,
    up: sight.up,
    down: sight.down,
    tls: handshake ?? sight.tls ?? sight.within?.tls ?? null,
    retry_after_ms: sight.clientStatus === null ? null : sight.retryAfter,
    key: sight.key,
    failure,
  };
}

/** Microseconds are as fine as anybody can see, and shorter to send. */
function micro(at: number): number;
function micro(at: number | null): number | null;
function micro(at: number | null): number | null {
  return at === null ? null : Math.round(at * 1_000) / 1_000;
}

export function actsOf(acts: readonly SeenAct[]): LiveAct[] {
  return acts
    .filter(({ spared }) => !spared)
    .map(({ origin: { activation, profile, phase, fault, type }, effect, amount, at, detail, observed }) => ({
      activation,
      profile,
      phase,
      fault,
      type,
      effect,
      amount,
      at: micro(at),
      detail,
      observed,
    }));
}

function delaysOf({ delays, over }: Sight): LiveDelay[] {
  return delays.map(({ origin: { activation, fault, type }, side, at, until }) => ({
    at: micro(at),
    // What was held when it ended was held no longer.
    until: micro(over === null || until === null ? until : Math.max(at, Math.min(until, over))),
    side,
    activation,
    fault,
    type,
  }));
}

function clientEndOf({ end, of: { kind }, up, down }: Sight): ClientEnd {
  switch (end) {
    case "complete":
    case "cut":
    case "reset":
    case "closed":
    case "client_left":
    case "refused":
    case "unanswered":
      return end;
    // The ends of a stream, in the words of `connection_over`.
    case "client_closed":
    case "upstream_closed":
      return "complete";
    case "client_reset":
      return "client_left";
    case "upstream_reset":
      return "reset";
    case "fault":
      return "cut";
    default:
      return kind === "connection" && up + down === 0 ? "closed" : "cut";
  }
}

/** Who brought that end about. */
function partyOf(end: ClientEnd, sight: Sight, upstream: UpstreamSide | null): Party {
  if (end === "client_left" || sight.end === "client_closed") return "client";
  if (sight.end === "upstream_closed" || sight.end === "upstream_reset") return "upstream";
  if (sight.end === "fault") return "fault";
  const acted = sight.acts.some(({ observed, spared }) => !observed && !spared);
  const own = upstream?.end ?? null;
  if (end === "complete") {
    if (sight.rcode !== null) {
      if (upstream === null) return acted ? "fault" : "proxy";
      return severs(sight) ? "fault" : "upstream";
    }
    if (upstream?.answered === null || upstream === null) return acted ? "fault" : "proxy";
    return sight.clientStatus === upstream.status ? "upstream" : acted ? "fault" : "proxy";
  }
  const brokeItself = own === "cut" || own === "reset" || own === "closed";
  if (brokeItself && !severs(sight)) return "upstream";
  return acted ? "fault" : end === "unanswered" ? "upstream" : "proxy";
}

/** Something that a fault did to it was more than to make it wait. */
function severs({ acts }: Sight): boolean {
  return acts.some(({ effect, observed, spared }) => !observed && !spared && effect !== "delayed");
}

function upstreamSideOf(sight: Sight): UpstreamSide | null {
  const { upstream, dialled, connected, forwarded, sent, answered, local } = sight;
  if (local || (dialled === null && forwarded === null && answered === null)) return null;
  return {
    name: upstream ?? "",
    dialled: micro(dialled),
    connected: micro(connected),
    forwarded: micro(forwarded),
    sent: micro(sent),
    answered: micro(answered),
    over: micro(sight.upstreamOver),
    status: sight.upstreamStatus,
    end: sight.upstreamEnd,
    copies: sight.copies,
    detached: sight.detached,
  };
}
