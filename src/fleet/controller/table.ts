/** Who of a fleet has done what was asked: rows of the table that a command prints, and whether they are enough. Pure. */
import type { Millis } from "../../core/clock.js";
import { livesOf } from "../contract/lives.js";
import { isMeant } from "../targets.js";
import type { FleetOrder, FleetOutcome } from "../contract/member.js";
import type { FleetActivation } from "../contract/plan.js";
import { PRESENCE_MAX_AGE, type Heard, type MemberState, type Presence } from "../contract/presence.js";

export type Row = FleetOutcome["daemons"][number];

/** What a daemon that is meant is to say about the plan. */
export type Goal = "applied" | "prepared" | "ended";

const GOOD: Readonly<Record<Goal, readonly MemberState[]>> = {
  applied: ["applied"],
  // It may have begun by the time that somebody looks.
  prepared: ["prepared", "applied"],
  // Whatever it says about a plan without them, it is not under them any more.
  ended: ["applied", "prepared", "idle", "refused", "healed_here"],
};

/** What a daemon says that is not its last word: one whose clock is behind has prepared for a moment what begins at once. */
const NOT_YET: Readonly<Record<Goal, readonly Row["state"][]>> = {
  applied: ["silent", "prepared"],
  prepared: ["silent"],
  ended: ["silent"],
};

export interface Question {
  readonly goal: Goal;
  readonly serial: number;
  /** What the daemons are meant by; null for all daemons. */
  readonly activations: readonly FleetActivation[] | null;
}

interface Known {
  readonly presence: Presence;
  /** The engine did not hear it before that. */
  readonly notBefore: Millis;
  gone: boolean;
}

/** Who is there, and when somebody asked and was answered: the ages are of a moment in between. */
export interface Look {
  readonly members: readonly Heard[];
  readonly asked: Millis;
  readonly answered: Millis;
}

export class Table {
  readonly #question: Question;
  /** By the life: several daemons may go by one name. */
  readonly #known = new Map<string, Known>();

  /** `before`: who was there when it was asked; they are waited for though they may have gone meanwhile. */
  constructor(question: Question, before: Look) {
    this.#question = question;
    this.hear(before);
  }

  /** Takes in who is there now. */
  hear({ members, asked, answered }: Look): void {
    const there = new Set<string>();
    const names = new Set<string>();
    for (const { presence, age, isTold } of livesOf(members)) {
      if (age > PRESENCE_MAX_AGE) continue;
      names.add(presence.daemon);
      if (!this.#isMeant(presence)) continue;
      const key = JSON.stringify([presence.daemon, presence.life]);
      there.add(key);
      const before = this.#known.get(key);
      // What a namesake tells of it may be older than what it has said itself, and that is the newest that the engine has of it.
      const isOlder = isTold && before !== undefined && before.notBefore > answered - age;
      this.#known.set(
        key,
        isOlder ? { ...before, gone: false } : { presence, notBefore: asked - age, gone: false },
      );
    }
    for (const [key, known] of this.#known) {
      if (there.has(key)) continue;
      // Whoever goes by its name now knows nothing of it: it was started anew.
      if (names.has(known.presence.daemon)) this.#known.delete(key);
      else known.gone = true;
    }
  }

  #isMeant(presence: Presence): boolean {
    const { activations } = this.#question;
    return activations === null || activations.some(({ targets, id }) => isMeant(targets, id, presence));
  }

  get rows(): readonly Row[] {
    return [...this.#known].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, known]) => this.#row(known));
  }

  #row({ presence: { daemon, life, serial, state, why }, gone }: Known): Row {
    if (serial < this.#question.serial)
      return { daemon, life, state: "silent", why: gone ? "it has gone" : lagging(serial) };
    return { daemon, life, state, why };
  }

  /** How many did it, and how many have not said anything yet. */
  get count(): { readonly meant: number; readonly good: number; readonly silent: number } {
    const { goal } = this.#question;
    const { rows } = this;
    const isGood = ({ state }: Row): boolean => state !== "silent" && GOOD[goal].includes(state);
    return {
      meant: rows.length,
      good: rows.filter(isGood).length,
      silent: rows.filter(({ state }) => state === "silent").length,
    };
  }

  /** Nobody is meant: then nothing has come of it, whatever was required. */
  isMet(require: FleetOrder["require"]): boolean {
    const { meant, good } = this.count;
    switch (require) {
      case "none":
        return true;
      case "any":
        return good > 0;
      case "quorum":
        return good > meant / 2;
      case "all":
        return meant > 0 && good === meant;
    }
  }

  /** Nothing that is still to come could change the answer, or it is there. */
  isOver(require: FleetOrder["require"]): boolean {
    const { rows } = this;
    const notYet = NOT_YET[this.#question.goal];
    return this.isMet(require) || (rows.length > 0 && rows.every(({ state }) => !notYet.includes(state)));
  }
}

function lagging(serial: number): string {
  return serial === 0 ? "it has read no plan yet" : `it has read no plan after ${serial}`;
}
