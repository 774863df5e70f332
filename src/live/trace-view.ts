/** Why: the verdicts on one that was seen, in the order in which they fell, and its heads before and behind the faults. */
import type { SeenHead, SeenVerdict, Sight } from "../pipeline/sight.js";
import type { ActivationMoments } from "../plan/activation.js";
import type { LivePlan } from "../plan/live.js";
import type { CompiledFault } from "../plan/value.js";
import type { ExchangeTrace, MessageHead, MessagePair, Moment, Outcome, Verdict } from "./contract.js";
import { shownBody } from "./bodies.js";
import { actsOf } from "./exchange-view.js";
import { changedBetween, headOf, shownHead } from "./masks.js";
import type { Past } from "./past.js";
import type { Entry } from "./ring.js";
import { maskedReason } from "./trace-reason.js";
import { verdictText } from "./verdict-text.js";

export interface TraceSources {
  readonly plan: Pick<LivePlan, "moments" | "again">;
  readonly past: Past;
  readonly moment: Moment;
}

export function traceOf({ sight, view }: Entry, { plan, past, moment }: TraceSources): ExchangeTrace {
  const seen = [...(sight.within?.verdicts ?? []), ...sight.verdicts];
  const verdicts = [
    ...seen.map((one) => verdictOf(one, sight)),
    ...notAsked(seen, sight),
    ...notInForce(plan.moments(), sight),
  ];
  const activations = new Set(verdicts.map(({ activation }) => activation));
  return {
    ...moment,
    exchange: view,
    source: "traced",
    missing: missingOf(sight),
    verdicts,
    request: requestOf(sight),
    answer: answerOf(sight),
    journal: past.entries(view.proxy, view.id),
    again: Object.fromEntries(
      plan
        .moments()
        .filter(({ value }) => activations.has(value.id))
        .map(({ value }) => [value.id, plan.again(value)]),
    ),
  };
}

function missingOf({ of: { kind } }: Pick<Sight, "of">): string | null {
  return kind === "flow" ? "of a flow's datagrams only the first are followed one by one" : null;
}

function verdictOf(
  { origin, observe, at, judgement, match, when, draw }: SeenVerdict,
  sight: Sight,
): Verdict {
  const own = sight.acts.filter((act) => act.origin === origin);
  const acts = actsOf(own);
  const spared = own.some((act) => act.spared);
  const isNothing = acts.length === 0 && (judgement === "asked" || (judgement === "hit" && spared));
  const outcome: Outcome = isNothing ? "spared" : judgement === "asked" ? "hit" : judgement;
  const masked = match === null ? null : maskedReason(match);
  const { activation, profile, phase, fault, type } = origin;
  return {
    activation,
    profile,
    phase,
    fault,
    type,
    observe,
    at,
    outcome,
    text: verdictText(outcome, { match: masked, when, draw, acts }, observe),
    match: masked,
    when,
    draw,
    acts,
    recomputed: false,
  };
}

/** In force when it began, and nobody asked them. */
function notAsked(seen: readonly SeenVerdict[], sight: Sight): Verdict[] {
  const asked = new Set(seen.map(({ origin }) => origin));
  return sight.inForce
    .filter(({ origin }) => !asked.has(origin))
    .map(({ origin, observe, needsStatus }) => {
      const why = !needsStatus
        ? "it acts on something else than this"
        : sight.done
          ? "it waits for the upstream's status, and none came"
          : "it waits for the upstream's status";
      return bare(origin, observe, "not_asked", why);
    });
}

type Named = Pick<Verdict, "activation" | "profile" | "phase" | "fault" | "type">;

function bare(
  { activation, profile, phase, fault, type }: Named,
  observe: boolean,
  outcome: Outcome,
  why: string,
): Verdict {
  const nothing = { match: null, when: null, draw: null, acts: [] };
  return {
    activation,
    profile,
    phase,
    fault,
    type,
    observe,
    at: null,
    outcome,
    text: verdictText(outcome, nothing, observe, why),
    ...nothing,
    recomputed: false,
  };
}

/** Faults of what was on then, that were not in force on this proxy at that moment. */
function notInForce(moments: readonly ActivationMoments[], sight: Sight): Verdict[] {
  const { proxy } = sight.of;
  const inForce = new Set(sight.inForce.map(({ origin }) => keyOf(origin)));
  for (const { origin } of [...(sight.within?.verdicts ?? []), ...sight.verdicts]) inForce.add(keyOf(origin));
  return moments
    .filter(({ startedAt }) => startedAt <= sight.at)
    .flatMap(({ value }) => {
      const { id: activation, profile, compiled, proxies, mode } = value;
      const verdict = (phase: string, fault: CompiledFault): Verdict[] => {
        const origin = { activation, profile, phase, fault: fault.name, type: fault.type };
        if (inForce.has(keyOf(origin))) return [];
        const elsewhere = [proxies, fault.proxies].find((list) => list?.includes(proxy) === false);
        const why =
          elsewhere !== undefined && elsewhere !== null
            ? `it is for ${elsewhere.join(", ")}`
            : phase !== ""
              ? `it belongs to the phase ${phase}`
              : fault.when.after !== undefined || fault.when.for !== undefined
                ? "its window was not open"
                : "it acts on another kind of proxy";
        return [bare(origin, mode === "observe", "not_in_force", why)];
      };
      return [
        ...compiled.faults.flatMap((fault) => verdict("", fault)),
        ...compiled.phases.flatMap(({ phase, faults }) => faults.flatMap((fault) => verdict(phase, fault))),
      ];
    });
}

function keyOf({ activation, phase, fault, type }: Omit<Named, "profile">): string {
  return JSON.stringify([activation, phase, fault, type]);
}

// -- heads ----------------------------------------------------------------------------------------

function requestOf(sight: Sight): MessagePair | null {
  const { requestIn, requestOut, requestSame, requestBody, up, last, forwarded } = sight;
  if (requestIn === null) return null;
  const body = shownBody(requestBody, { head: requestIn, bytes: up, ended: last !== null });
  const out =
    forwarded === null ? null : requestSame ? requestIn : requestOut === null ? null : headOf(requestOut);
  return pairOf(requestIn, out, body);
}

function answerOf(sight: Sight): MessagePair | null {
  const { answerIn, answerOut, answerSame, answerBody, down, upstreamEnd, answerFirst } = sight;
  const body = shownBody(answerBody, { head: answerIn, bytes: down, ended: upstreamEnd === "complete" });
  const out =
    answerFirst === null ? null : answerSame ? answerIn : answerOut === null ? null : headOf(answerOut);
  return answerIn === null && out === null ? null : pairOf(answerIn, out, body);
}

function pairOf(before: SeenHead | null, after: SeenHead | null, body: MessageHead["body"]): MessagePair {
  const same = before !== null && before === after;
  return {
    in: before === null ? null : shownHead(before, body),
    out: after === null ? null : shownHead(after, null),
    same,
    changed: before === null || after === null || same ? [] : changedBetween(before, after),
  };
}
