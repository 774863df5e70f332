/** Long polls: `GET /active?wait=…` answers when what is on gets there, or when its time is up. */
import type { ServerResponse } from "node:http";
import { SquallError } from "../core/errors.js";
import type { Control } from "../control.js";
import type { ActiveView } from "../control/active-view.js";
import type { Clock } from "../core/clock.js";
import type { Guests } from "./guests.js";

export type Goal = (now: ActiveView, changed: boolean) => boolean;

/**
 * `phase:NAME`, `end` (nothing is on) or `change`; throws SQ_BAD_PARAM. With the revision that the client
 * has seen, a change that came between two polls is not missed.
 */
export function goalOf(wait: string, seen: number | undefined): Goal {
  if (wait === "change")
    return ({ revision }, changed) => changed || (seen !== undefined && revision !== seen);
  if (wait === "end") return ({ activations }) => activations.length === 0;
  const [, phase] = /^phase:(.+)$/u.exec(wait) ?? [];
  if (phase === undefined) {
    throw new SquallError(
      "SQ_BAD_PARAM",
      `wait: expected phase:NAME, end or change, got ${JSON.stringify(wait)}`,
      {
        path: "wait",
      },
    );
  }
  return ({ activations }) => activations.some((activation) => activation.phase === phase);
}

export interface PollParts {
  readonly control: Pick<Control, "active" | "onChange">;
  readonly clock: Clock;
  readonly polls: Guests;
  readonly response: ServerResponse;
}

/** True when it came, false when the time was up or nobody waits any more. Leaves no timer and no listener behind. */
export function waitFor(
  goal: Goal,
  timeout: number,
  { control, clock, polls, response }: PollParts,
): Promise<boolean> {
  if (goal(control.active(), false)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (came: boolean): void => {
      timer.cancel();
      unsubscribe();
      leave();
      resolve(came);
    };
    const leave = polls.enter(response, () => {
      done(false);
    });
    const timer = clock.at(clock.now() + timeout, () => {
      done(false);
    });
    const unsubscribe = control.onChange(() => {
      if (goal(control.active(), true)) done(true);
    });
  });
}
