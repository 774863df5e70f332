import { describe, expect, it } from "vitest";
import type { ExchangeFault } from "../../../../src/faults/contract/index.js";
import { ExchangeBench, answerIn } from "../../../support/exchange-bench.js";
import type { Raw } from "../../../support/stream-bench.js";

const asked = (fault: ExchangeFault): string | undefined => fault.request?.().do;

function crowd(raw: Raw, size: number): { bench: ExchangeBench; all: ExchangeFault[] } {
  const bench = new ExchangeBench("overload", raw);
  return { bench, all: Array.from({ length: size }, () => bench.begin().fault) };
}

describe("overload", () => {
  it("works on so many, lets so many wait, and turns the others away", () => {
    const { bench, all } = crowd({ concurrency: 2, queue: 1 }, 4);
    expect(all.map(asked)).toEqual(["pass", "pass", "wait", "answer"]);
    expect(bench.counts).toEqual({ queued: 1, shed: 1 });
  });

  it.each([
    [503, "answer"],
    ["503", "answer"],
    ["reset", "reset"],
    ["hang", "hang"],
  ])("turns away with on_full: %s by: %s", (on_full, how) => {
    const { all } = crowd({ concurrency: 1, on_full }, 2);
    expect(all.map(asked)).toEqual(["pass", how]);
  });

  it("says 503 in a balancer's words", () => {
    const { all } = crowd({ concurrency: 1, persona: "envoy" }, 2);
    all[0]?.request?.();
    const answer = answerIn(all[1]?.request?.());
    expect([answer.head.status, answer.body.toString()]).toEqual([503, "no healthy upstream"]);
  });

  it("serves those who wait in the order in which they came", () => {
    const { bench, all } = crowd({ concurrency: 1, queue: 3 }, 4);
    expect(all.map(asked)).toEqual(["pass", "wait", "wait", "wait"]);
    const [a, b, c, d] = all;
    if (!a || !b || !c || !d) throw new Error("four");
    bench.clock.advance(70);
    a.released?.();
    expect(bench.attended).toEqual([2]);
    expect(asked(c)).toBe("wait");
    expect(asked(b)).toBe("pass");
    expect(bench.armed.delays).toEqual([70]);
    // One who leaves the queue does not hold it up.
    c.released?.();
    b.released?.();
    expect(bench.attended).toEqual([2, 4]);
    expect(asked(d)).toBe("pass");
  });

  it("lets no newcomer pass those who wait", () => {
    const { all, bench } = crowd({ concurrency: 1, queue: 2 }, 2);
    expect(all.map(asked)).toEqual(["pass", "wait"]);
    all[0]?.released?.();
    expect(asked(bench.begin().fault)).toBe("wait");
    expect(all[1] && asked(all[1])).toBe("pass");
  });

  it("keeps a worker busy for the service time, from when it is free", () => {
    const { bench, all } = crowd({ concurrency: 1, queue: 1, service_time: "50ms" }, 2);
    expect(all[0]?.request?.()).toEqual({ do: "hold", for: 50 });
    expect(all[1] && asked(all[1])).toBe("wait");
    bench.clock.advance(80);
    all[0]?.released?.();
    expect(all[1]?.request?.()).toEqual({ do: "hold", for: 50 });
    expect(bench.counts).toEqual({ served: 2, queued: 1 });
    expect(bench.armed.delays).toEqual([50, 80, 50]);
  });

  it("draws a service time once for each, and answers for the same luck", () => {
    const { bench, all } = crowd({ concurrency: 9, service_time: "50ms", jitter: "20ms" }, 2);
    const [a, b] = all;
    const first = a?.request?.();
    expect(a?.request?.()).toEqual(first);
    expect(b?.request?.()).not.toEqual(first);
    expect(bench.counts).toEqual({ served: 2 });
  });

  it("gives a place back once, and only if it had one", () => {
    const { bench, all } = crowd({ concurrency: 1 }, 2);
    expect(all.map(asked)).toEqual(["pass", "answer"]);
    all[1]?.released?.();
    expect(asked(bench.begin().fault)).toBe("answer");
    all[0]?.released?.();
    all[0]?.released?.();
    expect(asked(bench.begin().fault)).toBe("pass");
    expect(asked(bench.begin().fault)).toBe("answer");
  });

  it("admits those who wait when it is given more workers", () => {
    const { bench, all } = crowd({ concurrency: 1, queue: 5 }, 4);
    all.forEach(asked);
    bench.armed.assign({ concurrency: 3, queue: 5 });
    expect(all[3] && asked(all[3])).toBe("wait");
    expect(bench.attended).toEqual([2, 3]);
    expect(all.map(asked)).toEqual(["pass", "pass", "pass", "wait"]);
  });

  it("lets everybody go who was waiting when it is taken away", () => {
    const { bench, all } = crowd({ concurrency: 1, queue: 5 }, 6);
    all.forEach(asked);
    for (const fault of all) fault.released?.();
    // Nobody is left over: the next finds an empty house.
    expect(asked(bench.begin().fault)).toBe("pass");
  });

  it("becomes slower with the load, by one service time for each that is ahead in a worker's queue", () => {
    const { bench, all } = crowd({ concurrency: 2, queue: 100, service_time: "10ms" }, 20);
    const done: number[] = [];
    const start = bench.clock.now();
    const serve = (fault: ExchangeFault): void => {
      const verdict = fault.request?.();
      if (verdict?.do !== "hold") return;
      bench.clock.at(bench.clock.now() + verdict.for, () => {
        done.push(bench.clock.now() - start);
        fault.released?.();
        for (const id of bench.attended.splice(0)) {
          const called = all[id - 1];
          if (called) serve(called);
        }
      });
    };
    all.forEach(serve);
    bench.clock.advance(1_000);
    expect(done).toEqual(Array.from({ length: 20 }, (_, index) => 10 * (1 + Math.floor(index / 2))));
  });

  it("never works on more than it has workers for, over thousands of random comings and goings", () => {
    const bench = new ExchangeBench("overload", { concurrency: 5, queue: 7 });
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const here = new Map<number, { fault: ExchangeFault; working: boolean }>();
    for (let turn = 0; turn < 5000; turn++) {
      if (random(2) === 0) {
        const { fault, info } = bench.begin();
        const verdict = asked(fault);
        if (verdict === "pass" || verdict === "wait")
          here.set(info.id, { fault, working: verdict === "pass" });
        else fault.released?.();
      } else if (here.size > 0) {
        const [gone, entry] = [...here][random(here.size)] ?? [];
        if (gone !== undefined) here.delete(gone);
        entry?.fault.released?.();
      }
      for (const id of bench.attended.splice(0)) {
        const entry = here.get(id);
        if (!entry) continue;
        expect(asked(entry.fault)).toBe("pass");
        entry.working = true;
      }
      const working = [...here.values()].filter((entry) => entry.working).length;
      expect(working).toBeLessThanOrEqual(5);
      expect(here.size - working).toBeLessThanOrEqual(7);
      // Nobody waits while a worker is free.
      if (here.size > working) expect(working).toBe(5);
    }
  });
});
