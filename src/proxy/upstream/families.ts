/**
 * The addresses of one name in both families. With one family in hand the other is waited for only a moment, since servers
 * that never answer one of the two questions are common (RFC 8305, section 3; RFC 4074, section 4).
 */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import type { AddressRecord } from "./lookup.js";

export type Family = 4 | 6;

/** What came of the question for one family. `unanswered` is still under way. */
export type FamilyAnswer = readonly AddressRecord[] | { readonly error: unknown };
export type FamilyOutcome = FamilyAnswer | "unanswered";

export interface FamilyQuestion {
  readonly answer: Promise<readonly AddressRecord[]>;
  readonly askedAt: Millis;
}

export interface BothQuestions {
  readonly clock: Pick<Clock, "now" | "at">;
  readonly four: FamilyQuestion;
  readonly six: FamilyQuestion;
  /** Told of the family that was waited for no longer, when it has its answer. */
  readonly late: (family: Family, answer: FamilyAnswer) => void;
}

/** The resolution delay of RFC 8305, section 8. */
export const RESOLUTION_DELAY: Millis = 50;

/** Never rejects. */
export function bothFamilies({
  clock,
  four,
  six,
  late,
}: BothQuestions): Promise<Record<Family, FamilyOutcome>> {
  return new Promise((resolve) => {
    const outcomes: Record<Family, FamilyOutcome> = { 4: "unanswered", 6: "unanswered" };
    const begun = clock.now();
    let timer: Timer | null = null;
    let over = false;
    const finish = (): void => {
      over = true;
      timer?.cancel();
      resolve(outcomes);
    };
    const answered = (family: Family, other: FamilyQuestion, answer: FamilyAnswer): void => {
      if (over) {
        late(family, answer);
        return;
      }
      outcomes[family] = answer;
      const both = outcomes[4] !== "unanswered" && outcomes[6] !== "unanswered";
      // Somebody has waited for the other one long enough already.
      const waited = begun - other.askedAt >= RESOLUTION_DELAY;
      if (both || (settles(family, answer) && waited)) finish();
      else if (settles(family, answer)) timer = clock.at(clock.now() + RESOLUTION_DELAY, finish);
    };
    const watch = (family: Family, question: FamilyQuestion, other: FamilyQuestion): void => {
      question.answer.then(
        (records) => {
          answered(family, other, records);
        },
        (error: unknown) => {
          answered(family, other, { error });
        },
      );
    };
    watch(4, four, six);
    watch(6, six, four);
  });
}

/**
 * Whether the other family need not be waited for to its end. A name that does not exist has no addresses of either family
 * (RFC 8020), but servers are known that say so of AAAA for names that have an A (RFC 4074, section 4.2).
 */
function settles(family: Family, answer: FamilyAnswer): boolean {
  if ("error" in answer) return family === 4 && isNoSuchName(answer.error);
  return answer.length > 0;
}

function isNoSuchName(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOTFOUND";
}
