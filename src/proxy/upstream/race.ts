/**
 * Several candidates for one connection, or one answer: begun one after the other, each a while after the one before or as
 * soon as that has failed, until one of them wins (RFC 8305, section 5). It knows nothing of sockets.
 */
import type { Clock, Millis, Timer } from "../../core/clock.js";

/** What becomes of one candidate. One of `won` and `lost` is called once, never while it is being started. */
export interface Runner<Won, Lost> {
  readonly won: (won: Won) => void;
  readonly lost: (lost: Lost) => void;
  /** It has come half of its way: the next one waits so long from now. */
  readonly progressed: (wait: Millis) => void;
}

export interface RaceParts<Candidate, Won, Lost> {
  readonly clock: Pick<Clock, "now" | "at">;
  /** How long the next candidate waits for the one before; Infinity for as long as it takes. */
  readonly delay: Millis;
  /** How often more candidates are wanted while all that there are keep silent. */
  readonly again: Millis;
  readonly keyOf: (candidate: Candidate) => string;
  /** Begins one, and answers how to give it up. */
  readonly start: (candidate: Candidate, runner: Runner<Won, Lost>) => () => void;
  /** All others have been given up. */
  readonly won: (won: Won, candidate: Candidate) => void;
  readonly lost: (lost: Lost, candidate: Candidate) => void;
  /** It had its time, said nothing, and is given up. */
  readonly silent: (candidate: Candidate) => void;
  /** No candidate is left to begin with. Nothing runs any more, unless those that do `keepSilent`. */
  readonly wanting: (keepSilent: boolean) => void;
}

interface Running<Candidate> {
  readonly candidate: Candidate;
  readonly since: Millis;
  readonly giveUp: () => void;
}

export class Race<Candidate, Won, Lost> {
  readonly #parts: RaceParts<Candidate, Won, Lost>;
  readonly #seen = new Set<string>();
  readonly #running = new Map<string, Running<Candidate>>();
  #left: readonly Candidate[] = [];
  #timer: Timer | null = null;
  /** Whoever comes may begin at once. */
  #due = true;
  #over = false;

  constructor(parts: RaceParts<Candidate, Won, Lost>) {
    this.#parts = parts;
  }

  /** Candidates that it has had before are passed over. Answers whether there was another one. */
  add(candidates: readonly Candidate[]): boolean {
    if (this.#over) return false;
    const { keyOf } = this.#parts;
    const left = [...this.#left];
    for (const candidate of candidates) {
      const key = keyOf(candidate);
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      left.push(candidate);
    }
    const more = left.length > this.#left.length;
    this.#left = left;
    if (more && this.#due) this.#next();
    return more;
  }

  #next(): void {
    const [candidate, ...left] = this.#left;
    if (candidate === undefined) {
      this.#due = true;
      const keepSilent = this.#running.size > 0;
      if (keepSilent) this.#wait(this.#parts.again);
      this.#parts.wanting(keepSilent);
      return;
    }
    const { clock, delay, keyOf, start } = this.#parts;
    this.#left = left;
    this.#due = false;
    const key = keyOf(candidate);
    const giveUp = start(candidate, {
      won: (won) => {
        this.#won(key, won);
      },
      lost: (lost) => {
        this.#lost(key, lost);
      },
      progressed: (wait) => {
        if (delay !== Infinity && this.#running.has(key) && !this.#due) this.#wait(wait);
      },
    });
    this.#running.set(key, { candidate, since: clock.now(), giveUp });
    this.#wait(delay);
  }

  #wait(millis: Millis): void {
    const { clock } = this.#parts;
    this.#timer?.cancel();
    this.#timer = null;
    if (millis === Infinity) return;
    this.#timer = clock.at(clock.now() + millis, () => {
      this.#timer = null;
      this.#next();
    });
  }

  #won(key: string, won: Won): void {
    const winner = this.#running.get(key);
    if (this.#over || winner === undefined) return;
    this.#running.delete(key);
    // Those that began after it had no chance to show what they can.
    this.#giveUp(({ since }) => since < winner.since);
    this.#parts.won(won, winner.candidate);
  }

  #lost(key: string, lost: Lost): void {
    const loser = this.#running.get(key);
    if (this.#over || loser === undefined) return;
    this.#running.delete(key);
    this.#parts.lost(lost, loser.candidate);
    // What is told of the loss may have ended it.
    if (this.#ended) return;
    if (this.#left.length > 0) {
      this.#next();
    } else if (this.#running.size === 0) {
      this.#timer?.cancel();
      this.#next();
    }
  }

  get #ended(): boolean {
    return this.#over;
  }

  /** Gives up all that still run. */
  cancel(): void {
    if (this.#over) return;
    const { clock, delay } = this.#parts;
    const now = clock.now();
    this.#giveUp(({ since }) => now - since >= delay);
  }

  #giveUp(wasSilent: (running: Running<Candidate>) => boolean): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#left = [];
    for (const running of this.#running.values()) {
      running.giveUp();
      if (wasSilent(running)) this.#parts.silent(running.candidate);
    }
    this.#running.clear();
  }
}
