/** What somebody who watches sees of questions to a dns proxy. Called only while somebody does. */
import type { Millis } from "../../core/clock.js";
import type { Question } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Sight } from "../../pipeline/sight.js";
import { ONLY_UPSTREAM } from "../upstream/pool.js";
import type { Dealings } from "../../pipeline/dealings.js";
import type { Watcher } from "../../pipeline/watch.js";
import type { PlaneContext } from "../context.js";

/** A question, as far as it is told of when everything is recorded. */
export interface QuestionRecord {
  readonly id: number;
  readonly at: Millis;
  /** The names of the faults that acted on it. */
  readonly faults: string[];
  /** What its asker does on this proxy, and what is seen of it; null unless somebody watched when it came. */
  readonly dealings: Dealings | null;
  readonly sight: Sight | null;
}

export function watchedQuestion(
  watcher: Watcher,
  id: number,
  { bot, name, type }: Question & { readonly bot: string },
  of: { readonly name: string; readonly faults: readonly ArmedFault[]; readonly context: PlaneContext },
): QuestionRecord {
  const at = of.context.clock.now();
  const dealings = watcher.dealings(of.name, bot);
  dealings.begins(at);
  const what = { kind: "query", proxy: of.name, number: id, connection: id, bot, client: bot } as const;
  const sight = watcher.sight(what, at, null);
  if (sight !== null) {
    sight.method = type;
    sight.path = name;
    sight.route = `${type} ${name}`;
    sight.last = at;
    sight.inForce = of.faults;
  }
  return { id, at, faults: [], dealings, sight };
}

/** Its own records are asked, and behind them whoever it asks itself. */
export function seesAsking(sight: Sight): void {
  sight.forwards(ONLY_UPSTREAM);
  sight.sends();
  // What is found within this turn was in its own records.
  sight.local = true;
  queueMicrotask(() => {
    sight.local = sight.upstreamEnd !== null;
  });
}

export function seesReply(sight: Sight, reply: Buffer | null): void {
  if (reply !== null) sight.answers(null);
  sight.upstreamEnds(reply === null ? "closed" : "complete");
}

export function endQuestion(
  { sight, faults }: QuestionRecord,
  dealings: Dealings,
  rcode: string | null,
  now: Millis,
): void {
  dealings.ends(now, rcode === null || rcode === "SERVFAIL", faults.length > 0);
  if (sight === null) return;
  sight.rcode = rcode;
  if (rcode !== null) {
    sight.answerGoes();
    sight.answerLast = now;
  }
  if (sight.forwarded !== null) sight.upstreamEnds("abandoned");
  sight.overAt(now, rcode === null ? "unanswered" : "complete");
  sight.ends();
}
