/** What becomes of single losses, as transcripts: which transmission is lost is said by its number. */
import { describe, expect, it } from "vitest";
import { SegmentPath } from "../../../src/faults/segments/path.js";
import type { Resent, SegmentParams } from "../../../src/faults/segments/segment.js";

const LINUX: SegmentParams = {
  rtt: 50,
  min_rto: 200,
  max_rto: 120_000,
  initial_window: 10,
  mss: 1000,
  congestion: "reno",
  tick: 0,
  delayed_ack: 40,
  idle_restart: true,
  give_up: 924_600,
  window: 4 * 2 ** 20,
};

interface Told {
  readonly arrivals: (readonly [at: number, delivered: number])[];
  readonly resent: (readonly [why: Resent, waited: number, attempt: number])[];
  readonly late: number[];
  sent: number;
}

class Course {
  readonly told: Told = { arrivals: [], resent: [], late: [], sent: 0 };
  readonly path: SegmentPath;
  now: number;

  constructor(
    change: Partial<SegmentParams> = {},
    /** Numbers, from 1, of transmissions and of acknowledgements that are lost. */
    lost: readonly number[] | "all" = [],
    acksLost: readonly number[] = [],
    /** What the clock says when it begins: a process may have run for weeks. */
    uptime = 0,
  ) {
    this.now = uptime;
    let acks = 0;
    this.path = new SegmentPath({
      params: { ...LINUX, ...change },
      forward: {
        lost: () => {
          const number = ++this.told.sent;
          return lost === "all" || lost.includes(number);
        },
      },
      backward: { lost: () => acksLost.includes(++acks) },
      witness: {
        lost: () => undefined,
        resent: (_, why, waited, attempt) =>
          this.told.resent.push([why, Math.round(waited * 100) / 100, attempt]),
        late: (by) => this.told.late.push(Math.round(by * 100) / 100),
      },
      luck: () => 0.5,
      warm: true,
      carries: () => undefined,
    });
  }

  write(bytes: number): this {
    this.path.write(bytes, this.now);
    return this;
  }

  /** Until nothing is left to happen, or that moment. */
  run(until = Infinity): this {
    while (this.path.due !== Infinity && this.path.due <= until) {
      const before = this.path.delivered;
      this.now = Math.max(this.now, this.path.due);
      this.path.advance(this.now);
      if (this.path.delivered > before) this.told.arrivals.push([round(this.now), this.path.delivered]);
      if (this.path.gaveUp) break;
    }
    if (until !== Infinity) this.now = until;
    return this;
  }
}

const round = (time: number): number => Math.round(time * 100) / 100;
/** RTT + 200 ms: what a lone lost segment costs. */
const G = 250;

describe("a path without losses", () => {
  it("delivers half a round trip later", () => {
    expect(new Course().write(5000).run().told.arrivals).toEqual([[25, 5000]]);
  });

  it("doubles its window each round trip while it starts", () => {
    const { arrivals } = new Course().write(70_000).run().told;
    expect(arrivals).toEqual([
      [25, 10_000],
      [75, 30_000],
      [125, 70_000],
    ]);
  });

  it("adds nothing without an rtt", () => {
    expect(new Course({ rtt: undefined }).write(5_000_000).run().told.arrivals).toEqual([[0, 5_000_000]]);
  });
});

describe("a lone lost segment", () => {
  it.each([
    [[1], G],
    [[1, 2], 2 * G],
    [[1, 2, 3], 4 * G],
    [[1, 2, 3, 4], 8 * G],
  ])("costs a timeout, which doubles from the second one on: %j", (lost, late) => {
    const { told } = new Course({}, lost).write(100).run();
    expect(told.arrivals).toEqual([[25 + late, 100]]);
    expect(told.late).toEqual([late]);
  });

  it("is first probed for, and then timed out", () => {
    expect(new Course({}, [1, 2, 3]).write(100).run().told.resent).toEqual([
      ["probe", G, 1],
      ["timeout", G, 2],
      ["timeout", 2 * G, 3],
    ]);
  });

  it("waits no longer than the greatest timeout, and gives up in the end, as Linux does after 977 s", () => {
    const course = new Course({}, "all").write(100).run();
    expect(course.path.gaveUp).toBe(true);
    expect(course.now).toBeGreaterThan(924_600);
    expect(course.now).toBeLessThan(980_000);
    expect(course.told.resent.map(([, waited]) => waited).slice(-3)).toEqual([120_000, 120_000, 120_000]);
    expect(course.path.due).toBe(Infinity);
  });

  it("is late by as much as a kernel's timers are coarse", () => {
    // 250 ms are 63 ticks of 4 ms: one level up, where the grain is 8 ticks.
    expect(new Course({ tick: 4 }, [1]).write(100).run().told.arrivals).toEqual([[25 + G + 16, 100]]);
    expect(new Course({ tick: 4, rtt: 10 }, [1]).write(100).run().told.arrivals).toEqual([
      [5 + 210 + 2, 100],
    ]);
  });
});

describe("a segment lost among others", () => {
  it("costs one round trip if three later ones arrive", () => {
    const { told } = new Course({}, [3]).write(7000).run();
    expect(told.arrivals).toEqual([
      [25, 2000],
      [75, 7000],
    ]);
    expect(told.resent).toEqual([["fast", 50, 1]]);
  });

  it("costs a quarter of a round trip more if fewer do, which might be mere reordering", () => {
    const { told } = new Course({}, [5]).write(7000).run();
    expect(told.arrivals).toEqual([
      [25, 4000],
      [87.5, 7000],
    ]);
  });

  it("costs a timeout if it is the last, from when all others were acknowledged", () => {
    const { told } = new Course({}, [7]).write(7000).run();
    expect(told.arrivals.at(-1)).toEqual([50 + G + 25, 7000]);
    expect(told.resent).toEqual([["probe", G, 1]]);
  });

  it("is found by a probe after two round trips if the last is lost with it", () => {
    const { told } = new Course({}, [6, 7]).write(7000).run();
    // The probe repeats the last, 2 RTT + 2 ms after the others were acknowledged; what it finds, a round trip later.
    const probed = 50 + 102;
    expect(told.arrivals.at(-1)).toEqual([probed + 50 + 25, 7000]);
    expect(told.resent.map(([why]) => why)).toEqual(["probe", "fast"]);
  });

  it("is sent a third time when what was sent after it arrives", () => {
    // The 11th transmission repeats the 2nd; the 12th and on are new.
    const { told } = new Course({}, [2, 11]).write(40_000).run();
    expect(told.resent.map(([why]) => why)).toEqual(["fast", "fast"]);
    expect(told.arrivals.at(-1)?.[1]).toBe(40_000);
  });
});

describe("the window", () => {
  const after = (congestion: SegmentParams["congestion"]): number => {
    const course = new Course({ congestion, initial_window: 20 }, [5]).write(20_000).run();
    return course.path.window;
  };

  it("is halved by Reno, comes down to 0.7 with CUBIC, and stays with none", () => {
    // It had grown from 20 to 24 when the loss was noticed.
    expect(after("reno")).toBe(12);
    expect(after("cubic")).toBe(16);
    expect(after("none")).toBeGreaterThanOrEqual(20);
  });

  it("remembers: the next message takes more round trips", () => {
    const course = new Course({}, [3]).write(10_000).run();
    // Grown to 12 by the two that were acknowledged before the loss.
    expect(course.path.window).toBe(6);
    const begun = course.now;
    const { arrivals } = course.write(10_000).run().told;
    expect(arrivals.at(-1)?.[0]).toBe(begun + 75);
  });

  it("falls back to the initial one after idle times, if it is told to", () => {
    const grown = (idle_restart: boolean): number => {
      const course = new Course({ idle_restart }).write(200_000).run();
      expect(course.path.window).toBeGreaterThan(100);
      return course.run(course.now + 60_000).write(1000).path.window;
    };
    expect(grown(true)).toBe(10);
    expect(grown(false)).toBeGreaterThan(100);
  });

  it("comes down half of the way to what is used, once in each timeout in which the application does not fill it", () => {
    const windows = (idle_restart: boolean): number[] => {
      const course = new Course({ idle_restart }).write(200_000).run();
      // A small write each round trip: never idle, and never filling it. The timeout is five round trips.
      return Array.from({ length: 30 }, () => course.write(1000).run().path.window);
    };
    const seen = [...new Set(windows(true))];
    expect(seen[0]).toBeGreaterThan(100);
    for (const [index, size] of seen.slice(1).entries()) expect(size).toBe(((seen[index] ?? 0) + 10) >> 1);
    expect(seen.at(-1)).toBeLessThan(20);
    expect(new Set(windows(false)).size).toBe(1);
  });

  it("is not cut for an acknowledgement that was lost: the probe turns out to have been for nothing", () => {
    const course = new Course({}, [], [1]).write(100).run();
    expect(course.told.resent).toEqual([["probe", G, 1]]);
    expect(course.write(100).run().path.window).toBe(10);
  });

  it("holds no more under way than the receiver takes", () => {
    const { arrivals } = new Course({ window: 4000 }).write(12_000).run().told;
    expect(arrivals.map(([, bytes]) => bytes)).toEqual([4000, 8000, 12_000]);
  });
});

describe("small writes", () => {
  it("are bounded by number too while the first is missing", () => {
    const course = new Course({ window: 100_000, delayed_ack: 0 }, [1, 2, 3]);
    for (let i = 0; i < 5000; i++) course.write(1).run(course.now + 0.1);
    // 100 segments that the receiver has room for, and repetitions of the first.
    expect(course.told.sent).toBeLessThan(110);
    expect(course.run().path.delivered).toBe(5000);
  });
});

describe("acknowledgements", () => {
  it("of lone segments are sent at once at first, and later wait", () => {
    const course = new Course();
    for (let i = 0; i < 16; i++) course.write(100).run();
    const begun = course.now;
    course.write(100).run();
    expect(course.now - begun).toBe(90);
    expect(new Course({ delayed_ack: 0 }).write(100).run().now).toBe(50);
  });
});

describe("a path of a process that has run for long", () => {
  /** What was lost, bit by bit, of the first transmissions: nothing that was never stamped may be taken for a time. */
  it("does what it would have done at the beginning, whichever transmissions and acknowledgements are lost", () => {
    const UPTIME = 2 ** 30;
    for (let pattern = 0; pattern < 2 ** 10; pattern++) {
      const lost = [...Array(7).keys()].filter((bit) => pattern & (1 << bit)).map((bit) => bit + 1);
      const acksLost = [...Array(3).keys()].filter((bit) => pattern & (128 << bit)).map((bit) => bit + 1);
      const [early, late] = [0, UPTIME].map((uptime) => {
        const course = new Course({ initial_window: 3 }, lost, acksLost, uptime).write(3000);
        const { arrivals, resent } = course.run().write(2500).run().told;
        return { arrivals: arrivals.map(([at, delivered]) => [round(at - uptime), delivered]), resent };
      });
      expect(late, `lost ${lost.join(" ")}, acknowledgements ${acksLost.join(" ")}`).toEqual(early);
    }
  });
});
