import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Timer } from "../../src/core/clock.js";
import { Deadlines, type EventLoop } from "../../src/core/deadlines.js";

const EMPTY_TURN = 0.005;
/** What the kernel adds to a nap. */
const SLACK = 0.055;

/** A loop whose timers are as coarse as the real one's, on a time of its own. */
class Loop implements EventLoop {
  #now = 0;
  #turn: (() => void)[] = [];
  #sleeping: { readonly due: number; readonly then: () => void }[] = [];
  turns = 0;
  naps = 0;
  /** How long a turn takes in which there is other work. */
  work = 0;

  now(): number {
    return this.#now;
  }

  sleep(wait: number, then: () => void): Timer {
    expect(Number.isInteger(wait)).toBe(true);
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThan(2 ** 31);
    // It counts from the last tick, and its own sleep is a tick too long if it began late in one.
    const entry = { due: Math.floor(this.#now) + wait + 0.95, then };
    this.#sleeping.push(entry);
    return {
      cancel: () => {
        this.#sleeping = this.#sleeping.filter((other) => other !== entry);
      },
    };
  }

  turn(then: () => void): void {
    expect(this.#turn).toEqual([]);
    this.#turn.push(then);
  }

  nap(wait: number): void {
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(0.1);
    this.naps++;
    this.#now += wait + SLACK;
  }

  get idle(): boolean {
    return this.#turn.length === 0 && this.#sleeping.length === 0;
  }

  /** Until nothing is waited for, or the end. */
  run(until = Infinity): void {
    while (!this.idle && this.#now < until) {
      this.#sleeping.sort((a, b) => a.due - b.due);
      const first = this.#sleeping[0];
      if (this.#turn.length === 0 && first !== undefined) this.#now = Math.max(this.#now, first.due);
      else this.#now += EMPTY_TURN + this.work;
      this.turns++;
      const turn = this.#turn;
      this.#turn = [];
      for (const entry of this.#sleeping.filter(({ due }) => due <= this.#now)) {
        this.#sleeping = this.#sleeping.filter((other) => other !== entry);
        entry.then();
      }
      for (const then of turn) then();
    }
  }
}

describe("deadlines", () => {
  it("are kept to a tenth of a millisecond by a loop that has nothing to do, and never early", () => {
    const loop = new Loop();
    const deadlines = new Deadlines(loop);
    const late: number[] = [];
    for (let i = 0; i < 200; i++) {
      const when = loop.now() + 0.3 + ((i * 7919) % 997) / 31;
      deadlines.at(when, () => late.push(loop.now() - when));
      loop.run();
    }
    expect(late).toHaveLength(200);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(0.1);
  });

  it("cost some tens of turns each, however far off they are, and none when there are none", () => {
    const loop = new Loop();
    const deadlines = new Deadlines(loop);
    for (const wait of [3, 30, 3_000, 86_400_000, 2 ** 33]) {
      const before = loop.turns;
      const when = loop.now() + wait;
      let ran = NaN;
      deadlines.at(when, () => {
        ran = loop.now();
      });
      loop.run();
      expect(ran - when).toBeGreaterThanOrEqual(0);
      expect(ran - when).toBeLessThanOrEqual(0.1);
      expect(loop.turns - before).toBeLessThan(60);
    }
    expect(loop.idle).toBe(true);
  });

  it("make nobody wait while the loop has other work", () => {
    const loop = new Loop();
    const deadlines = new Deadlines(loop);
    loop.work = 0.05;
    let ran = 0;
    const again = (): void => {
      if (++ran < 100) deadlines.at(loop.now() + 1.5, again);
    };
    deadlines.at(1.5, again);
    loop.run();
    expect(ran).toBe(100);
    expect(loop.naps).toBe(0);
  });

  it("run in order of time and, at one moment, of asking; those cancelled never do", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ when: fc.integer({ min: 0, max: 20 }), cancelled: fc.boolean() }), {
          maxLength: 60,
        }),
        (plan) => {
          const loop = new Loop();
          const deadlines = new Deadlines(loop);
          const ran: number[] = [];
          const timers = plan.map(({ when }, i) => deadlines.at(when / 2, () => ran.push(i)));
          plan.forEach(({ cancelled }, i) => {
            if (cancelled) timers[i]?.cancel();
          });
          loop.run();
          const expected = plan
            .map(({ when, cancelled }, i) => ({ when, cancelled, i }))
            .filter(({ cancelled }) => !cancelled)
            .sort((a, b) => a.when - b.when || a.i - b.i)
            .map(({ i }) => i);
          expect(ran).toEqual(expected);
          expect(loop.idle).toBe(true);
        },
      ),
    );
  });

  it("wakes earlier for one that is asked for later and due before the others", () => {
    const loop = new Loop();
    const deadlines = new Deadlines(loop);
    const ran: number[] = [];
    deadlines.at(1_000, () => ran.push(Math.floor(loop.now())));
    deadlines.at(10, () => ran.push(Math.floor(loop.now())));
    loop.run();
    expect(ran).toEqual([10, 1_000]);
  });

  it("lets the loop rest as soon as the last one is cancelled, also from within another", () => {
    const loop = new Loop();
    const deadlines = new Deadlines(loop);
    const far = deadlines.at(60_000, () => expect.unreachable());
    far.cancel();
    far.cancel();
    expect(loop.idle).toBe(true);
    const other = deadlines.at(7, () => expect.unreachable());
    deadlines.at(5, () => {
      other.cancel();
    });
    loop.run();
    expect(loop.now()).toBeLessThan(7);
  });

  it("runs what is overdue on a later turn, never within the call, and what that asks for on the turn after", () => {
    const loop = new Loop();
    const deadlines = new Deadlines(loop);
    const at: number[] = [];
    deadlines.at(-5, () => {
      at.push(loop.turns);
      deadlines.at(-5, () => at.push(loop.turns));
    });
    expect(at).toEqual([]);
    loop.run();
    expect(at).toHaveLength(2);
    expect(at[1]).toBeGreaterThan(at[0] ?? Infinity);
  });

  it("keeps the others when one throws", () => {
    const loop = new Loop();
    const deadlines = new Deadlines(loop);
    const ran: string[] = [];
    deadlines.at(5, () => {
      throw new Error("broken");
    });
    deadlines.at(5, () => ran.push("same moment"));
    deadlines.at(9, () => ran.push("later"));
    expect(() => {
      loop.run();
    }).toThrow("broken");
    loop.run();
    expect(ran).toEqual(["same moment", "later"]);
  });
});
