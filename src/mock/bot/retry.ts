/** Tries until there is an answer, waiting longer each time; never gives up by itself. */
import type { Clock, Millis } from "../../core/clock.js";
import type { CallName, Report } from "./events.js";
import type { Flaws } from "./flaws.js";
import { backOff, sleep, type BackOff } from "./patience.js";
import { Refused, Trouble } from "./trouble.js";

/** Something that the server is asked for, however often it takes. */
export interface Errand {
  readonly name: CallName;
  /** Ends it, with the signal's reason. */
  readonly signal: AbortSignal;
  readonly backOffMax?: Millis;
  /** Calls that must get through one day take a refusal for one more difficulty. */
  readonly insist?: boolean;
  /** False if the first Trouble is told to the caller. */
  readonly retry?: boolean;
}

export interface RetryOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly report: Report;
  readonly backOff: BackOff;
  readonly flaws: Flaws;
  /** Shows the server that we are there, without asking for anything. */
  readonly reconnect: () => Promise<unknown>;
}

/** Answers of "bad request" to a request that was good when it left, before we believe them. */
const DOUBTS_MAX = 2;
/** Cuts that follow each other within this time are what `connected-but-idle` stumbles over. */
const CUTS_WITHIN: Millis = 3_000;
/** Cuts that are closer than this are one, that hit several calls. */
const CUTS_APART: Millis = 50;

export class Retrier {
  readonly #options: RetryOptions;
  #lastCut = -Infinity;
  #cutTwice = false;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** `attemptOnce` may answer "again" to be called once more at once. */
  async persist<T>(errand: Errand, attemptOnce: (attempt: number) => Promise<T | "again">): Promise<T> {
    const { clock, report } = this.#options;
    const since = clock.now();
    let waits = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await attemptOnce(attempt);
        if (answer === "again") continue;
        const after = Math.round(clock.now() - since);
        if (waits > 0) report({ event: "recovered", call: errand.name, attempts: attempt, after });
        return answer;
      } catch (error) {
        if (!isWorthAnother(errand, error, waits)) throw error;
        const trouble = error instanceof Trouble ? error : null;
        const wait = this.#wait(errand, ++waits, trouble);
        const { name: call } = errand;
        const tls = trouble?.tls ?? null;
        report({ event: "retrying", call, why: error.message, ...(tls !== null && { tls }), attempt, wait });
        if (trouble?.cut === true) this.#noteCut();
        await sleep(clock, wait, errand.signal);
        await this.#resume(errand);
      }
    }
  }

  #wait(errand: Errand, waits: number, trouble: Trouble | null): Millis {
    const { backOff: pace, flaws, random } = this.#options;
    const retryAfter = trouble?.retryAfter ?? 0;
    const capped = { ...pace, ...(errand.backOffMax !== undefined && { max: errand.backOffMax }) };
    const luck = random();
    // flaw ignores-retry-after: being told to stay away is no failure, so it does not even back off.
    if (flaws.has("ignores-retry-after") && retryAfter > 0) return backOff(capped, 1, 0, luck);
    // A certificate is no better a moment later: the longest wait is the first.
    return backOff(capped, trouble?.lasting === true ? Infinity : waits, retryAfter, luck);
  }

  #noteCut(): void {
    const now = this.#options.clock.now();
    const since = now - this.#lastCut;
    this.#cutTwice ||= since >= CUTS_APART && since <= CUTS_WITHIN;
    this.#lastCut = now;
  }

  /**
   * flaw connected-but-idle: the second cut hits the recovery from the first, in which the bot was about to ask
   * for jobs again. The connection recovers once more; the asking does not.
   */
  async #resume({ name, signal }: Errand): Promise<void> {
    const { clock, flaws, backOff: pace, reconnect } = this.#options;
    while (flaws.has("connected-but-idle") && this.#cutTwice && name === "lease") {
      await reconnect();
      await sleep(clock, pace.max, signal);
    }
  }
}

function isWorthAnother(errand: Errand, error: unknown, before: number): error is Trouble | Refused {
  if (error instanceof Trouble) return errand.retry !== false;
  if (!(error instanceof Refused)) return false;
  // The server could make nothing of the request, which may have been corrupted on the way.
  return errand.insist === true || (error.status === 400 && before < DOUBTS_MAX);
}
