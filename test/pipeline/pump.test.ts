import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/core/invariant.js";
import type { Outlet, StreamStage } from "../../src/faults/contract/index.js";
import { HeldBudget } from "../../src/pipeline/budget.js";
import { VirtualClock } from "../../src/core/clock.js";
import { passing } from "../../src/faults/kit.js";
import { ByteQueue } from "../../src/faults/byte-queue.js";
import { StreamBench } from "../support/stream-bench.js";

/** Keeps everything until it is told to let go. */
class Keeper implements StreamStage {
  readonly queue = new ByteQueue();
  capacity = Infinity;
  wakeAt = Infinity;
  woken = 0;

  push(chunk: Buffer): void {
    this.queue.add(chunk);
  }
  end(): void {
    // Kept as well.
  }
  wake(out: Outlet): void {
    this.woken++;
    this.wakeAt = Infinity;
    this.queue.pour(out);
  }
  release(out: Outlet): void {
    this.queue.pour(out);
  }
  get held(): number {
    return this.queue.length;
  }
}

const DOWN = "downstream";

describe("a pump without stages", () => {
  it("writes each chunk straight to the sink, the same buffer", () => {
    const bench = new StreamBench();
    const chunk = Buffer.from("hello");
    bench.pumps[DOWN].data(chunk);
    expect(bench.written[0]?.what).toBe(chunk);
    expect(bench.clock.idle).toBe(true);
  });

  it("pauses the source while the sink is full, and once only", () => {
    const bench = new StreamBench();
    bench.blocked[DOWN] = true;
    bench.send(DOWN, 10);
    expect(bench.paused[DOWN]).toBe(true);
    bench.drain(DOWN);
    expect(bench.paused[DOWN]).toBe(false);
  });

  it("passes the end on, in order or torn down", () => {
    const fin = new StreamBench();
    fin.end(DOWN);
    expect(fin.transcript()).toEqual(["0 downstream end"]);
    const torn = new StreamBench();
    torn.end(DOWN, "reset");
    expect(torn.transcript()).toEqual(["0 downstream reset"]);
  });
});

describe("back-pressure", () => {
  it("acts on the source alone: while a stage is full nothing is read, whatever the sink says", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    keeper.capacity = 100;
    bench.pumps[DOWN].insert(0, keeper);
    bench.send(DOWN, 99);
    expect(bench.paused[DOWN]).toBe(false);
    bench.send(DOWN, 1);
    expect(bench.paused[DOWN]).toBe(true);
    bench.blocked[DOWN] = true;
    bench.pumps[DOWN].assigned(keeper);
    expect(bench.paused[DOWN]).toBe(true);
    bench.drain(DOWN);
    expect(bench.paused[DOWN]).toBe(false);
  });

  it("sees a capacity that shrinks", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    bench.pumps[DOWN].insert(0, keeper);
    keeper.capacity = 0;
    bench.pumps[DOWN].settle();
    expect(bench.paused[DOWN]).toBe(true);
    keeper.capacity = 1;
    bench.pumps[DOWN].settle();
    expect(bench.paused[DOWN]).toBe(false);
  });

  it("goes on holding while one stage of several is full", () => {
    const bench = new StreamBench();
    const [first, second] = [new Keeper(), new Keeper()];
    first.capacity = second.capacity = 10;
    bench.pumps[DOWN].insert(0, first);
    bench.pumps[DOWN].insert(1, second);
    bench.send(DOWN, 10);
    bench.pumps[DOWN].assigned(first);
    expect([first.held, second.held, bench.paused[DOWN]]).toEqual([0, 10, true]);
    bench.pumps[DOWN].assigned(second);
    expect(bench.paused[DOWN]).toBe(false);
  });
});

describe("a budget of held bytes", () => {
  it("pauses those who hold bytes when it is used up, and resumes them when there is room", () => {
    const budget = new HeldBudget(100);
    const clock = new VirtualClock();
    const [a, b, idle] = [
      new StreamBench({ budget, clock }),
      new StreamBench({ budget, clock }),
      new StreamBench({ budget, clock }),
    ];
    const [ofA, ofB] = [new Keeper(), new Keeper()];
    a.pumps[DOWN].insert(0, ofA);
    b.pumps[DOWN].insert(0, ofB);
    a.send(DOWN, 60);
    expect(a.paused[DOWN]).toBe(false);
    b.send(DOWN, 60);
    expect([budget.held, budget.exhausted, b.paused[DOWN]]).toEqual([120, true, true]);
    a.send(DOWN, 1);
    expect(a.paused[DOWN]).toBe(true);
    // Who holds nothing back is none of the budget's business.
    idle.send(DOWN, 1000);
    expect(idle.paused[DOWN]).toBe(false);
    b.pumps[DOWN].assigned(ofB);
    expect([budget.held, a.paused[DOWN], b.paused[DOWN]]).toEqual([61, false, false]);
    expect(budget.heldPeak).toBe(121);
  });

  it("gets back what a severed connection held, and forgets that connection", () => {
    const budget = new HeldBudget(50);
    const clock = new VirtualClock();
    const [a, b] = [new StreamBench({ budget, clock }), new StreamBench({ budget, clock })];
    a.pumps[DOWN].insert(0, new Keeper());
    b.pumps[DOWN].insert(0, new Keeper());
    b.send(DOWN, 1);
    a.send(DOWN, 60);
    b.send(DOWN, 1);
    expect([a.paused[DOWN], b.paused[DOWN]]).toEqual([true, true]);
    a.severed({ do: "reset" });
    expect([budget.held, b.paused[DOWN]]).toEqual([2, false]);
    expect(a.pumps[DOWN].bytesLost).toBe(60);
  });
});

describe("a change on the way", () => {
  it("inserts a stage before those that stand at its place and behind", () => {
    const bench = new StreamBench();
    const order: string[] = [];
    const tagged = (name: string): StreamStage =>
      passing((chunk, out) => {
        order.push(name);
        out.emit(chunk);
      });
    bench.pumps[DOWN].insert(0, tagged("b"));
    bench.pumps[DOWN].insert(0, tagged("a"));
    bench.pumps[DOWN].insert(2, tagged("d"));
    bench.pumps[DOWN].insert(2, tagged("c"));
    bench.send(DOWN, 1);
    expect(order).toEqual(["a", "b", "c", "d"]);
  });

  it("takes a stage out and lets its bytes go on through those behind it", () => {
    const bench = new StreamBench();
    const [first, second] = [new Keeper(), new Keeper()];
    bench.pumps[DOWN].insert(0, first);
    bench.pumps[DOWN].insert(1, second);
    bench.send(DOWN, 10);
    expect(bench.pumps[DOWN].remove(first)).toBe(0);
    bench.send(DOWN, 5);
    expect([second.held, bench.written]).toEqual([15, []]);
    bench.pumps[DOWN].remove(second);
    expect(bench.intact(DOWN)).toBe(true);
    expect(bench.received(DOWN)).toHaveLength(15);
  });

  it("passes on an end that was held back when its stage goes, behind its bytes", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    bench.pumps[DOWN].insert(0, keeper);
    bench.send(DOWN, 10);
    bench.end(DOWN);
    bench.pumps[DOWN].remove(keeper);
    expect(bench.transcript()).toEqual(["0 downstream 10", "0 downstream end"]);
  });

  it("says how many bytes a stage had destroyed, and keeps the sum when it is gone", () => {
    const bench = new StreamBench();
    const dropper = passing((chunk, out) => {
      out.drop(chunk.length);
    });
    bench.pumps[DOWN].insert(0, dropper);
    bench.send(DOWN, 10);
    expect(bench.pumps[DOWN].remove(dropper)).toBe(10);
    expect(bench.pumps[DOWN].bytesDropped).toBe(10);
    expect(bench.unaccounted(DOWN)).toBe(0);
  });

  it("never shows an end that has gone past to a stage that comes later", () => {
    const bench = new StreamBench();
    bench.send(DOWN, 1);
    bench.end(DOWN);
    const late = new Keeper();
    bench.pumps[DOWN].insert(0, late);
    bench.pumps[DOWN].remove(late);
    expect(bench.transcript()).toEqual(["0 downstream 1", "0 downstream end"]);
  });

  it.each([0, 1])("lets a stage that comes after the end, at place %i, make up no bytes", (index) => {
    const bench = new StreamBench();
    const open = passing((chunk, out) => {
      out.emit(chunk);
    });
    if (index === 1) bench.pumps[DOWN].insert(0, open);
    bench.end(DOWN);
    const chatty = passing(() => undefined);
    chatty.assigned = (out): void => {
      out.insert(Buffer.from("?"));
    };
    bench.pumps[DOWN].insert(index, chatty);
    bench.pumps[DOWN].assigned(chatty);
    expect(bench.failures[0]).toBeInstanceOf(InvariantError);
    expect(bench.transcript()).toEqual(["0 downstream end", "0 severed reset"]);
  });

  it("shows an end that is still held back further up to a stage behind it, and to none before it", () => {
    const bench = new StreamBench();
    const middle = new Keeper();
    bench.pumps[DOWN].insert(0, middle);
    bench.send(DOWN, 1);
    bench.end(DOWN);
    const [before, behind] = [new Keeper(), new Keeper()];
    bench.pumps[DOWN].insert(0, before);
    bench.pumps[DOWN].insert(2, behind);
    bench.pumps[DOWN].remove(middle);
    expect([before.held, behind.held, bench.written]).toEqual([0, 1, []]);
    bench.pumps[DOWN].remove(behind);
    bench.pumps[DOWN].remove(before);
    expect(bench.transcript()).toEqual(["0 downstream 1", "0 downstream end"]);
  });

  it("makes a FIN that was held back a reset when the source is torn down meanwhile", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    bench.pumps[DOWN].insert(0, keeper);
    bench.end(DOWN, "fin");
    bench.end(DOWN, "reset");
    bench.pumps[DOWN].remove(keeper);
    expect(bench.transcript()).toEqual(["0 downstream reset"]);
  });

  it("lets nothing follow an RST that is held back: what is handed in behind it is lost", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    bench.pumps[DOWN].insert(0, keeper);
    bench.send(DOWN, 10);
    bench.end(DOWN, "reset");
    bench.pumps[DOWN].data(Buffer.alloc(5));
    bench.pumps[DOWN].remove(keeper);
    expect(bench.transcript()).toEqual(["0 downstream 10", "0 downstream reset"]);
    expect(bench.pumps[DOWN].bytesLost).toBe(5);
  });
});

describe("timers", () => {
  it("are one for each pump, for the earliest of its stages", () => {
    const bench = new StreamBench();
    const [first, second] = [new Keeper(), new Keeper()];
    first.wakeAt = 100;
    second.wakeAt = 50;
    bench.pumps[DOWN].insert(0, first);
    bench.pumps[DOWN].insert(1, second);
    expect(bench.clock.next).toBe(50);
    bench.clock.advance(50);
    expect([first.woken, second.woken, bench.clock.next]).toEqual([0, 1, 100]);
    bench.clock.advance(50);
    expect([first.woken, second.woken, bench.clock.idle]).toEqual([1, 1, true]);
  });

  it("are taken back when a stage needs them no longer, or goes", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    keeper.wakeAt = 100;
    bench.pumps[DOWN].insert(0, keeper);
    keeper.wakeAt = Infinity;
    bench.pumps[DOWN].settle();
    expect(bench.clock.idle).toBe(true);
    keeper.wakeAt = 200;
    bench.pumps[DOWN].settle();
    bench.pumps[DOWN].remove(keeper);
    expect(bench.clock.idle).toBe(true);
  });

  it("wait beyond 2^31 ms", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    keeper.wakeAt = 2 ** 33;
    bench.pumps[DOWN].insert(0, keeper);
    bench.clock.advance(2 ** 33 - 1);
    expect(keeper.woken).toBe(0);
    bench.clock.advance(1);
    expect(keeper.woken).toBe(1);
  });
});

describe("a severed connection", () => {
  it("gets nothing any more, and what was held or comes later counts as lost", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    bench.pumps[DOWN].insert(0, keeper);
    bench.send(DOWN, 10);
    bench.severed({ do: "reset" });
    bench.send(DOWN, 5);
    bench.end(DOWN);
    bench.pumps[DOWN].assigned(keeper);
    bench.pumps[DOWN].remove(keeper);
    expect(bench.transcript()).toEqual(["0 severed reset"]);
    expect(bench.pumps[DOWN].bytesLost).toBe(15);
    expect(bench.failures).toEqual([]);
  });

  it("can be severed by a stage from within a chunk; the rest of it is accounted for", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    bench.pumps[DOWN].insert(0, keeper);
    bench.pumps[DOWN].insert(
      1,
      passing((chunk, out) => {
        out.emit(chunk.subarray(0, 4));
        out.drop(chunk.length - 4);
        out.sever({ do: "close" });
      }),
    );
    bench.send(DOWN, 10);
    bench.send(DOWN, 20);
    // Both chunks leave the keeper in one go: the second goes nowhere, and is not counted twice.
    bench.pumps[DOWN].assigned(keeper);
    expect(bench.transcript()).toEqual(["0 downstream 4", "0 severed close"]);
    const { bytesOut, bytesDropped, bytesLost } = bench.pumps[DOWN];
    expect([bytesOut, bytesDropped, bytesLost]).toEqual([4, 6, 20]);
    expect(bench.failures).toEqual([]);
  });

  /** Lets four bytes through, and severs. */
  const cutter = (how: "close" | "reset"): StreamStage =>
    passing((chunk, out) => {
      out.emit(chunk.subarray(0, 4));
      out.drop(chunk.length - 4);
      out.sever({ do: how });
    });

  it.each(["close", "reset"] as const)(
    "is cut (%s) behind the bytes that a later stage still holds",
    (how) => {
      const bench = new StreamBench();
      const keeper = new Keeper();
      bench.pumps[DOWN].insert(0, cutter(how));
      bench.pumps[DOWN].insert(1, keeper);
      const line = new Keeper();
      bench.pumps[DOWN].insert(2, line);
      bench.send(DOWN, 10);
      expect(bench.transcript()).toEqual([]);
      bench.send(DOWN, 20);
      bench.end(DOWN);
      bench.pumps[DOWN].remove(keeper);
      expect(bench.transcript()).toEqual([]);
      bench.pumps[DOWN].remove(line);
      expect(bench.transcript()).toEqual(["0 downstream 4", `0 severed ${how}`]);
      const { bytesOut, bytesLost } = bench.pumps[DOWN];
      expect([bytesOut, bytesLost]).toEqual([4, 0]);
      expect(bench.failures).toEqual([]);
    },
  );

  it("is cut at once where nothing is held behind the stage that cuts", () => {
    const bench = new StreamBench();
    const refuser = passing((chunk, out) => {
      out.drop(chunk.length);
      out.sever({ do: "close" });
    });
    bench.pumps[DOWN].insert(0, refuser);
    bench.pumps[DOWN].insert(1, new Keeper());
    bench.send(DOWN, 4);
    expect(bench.transcript()).toEqual(["0 severed close"]);
  });

  it("lets nothing leave for a sink that is gone, and reads no more", () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    bench.pumps[DOWN].insert(0, keeper);
    bench.send(DOWN, 10);
    bench.pumps[DOWN].sinkLost();
    expect(bench.paused[DOWN]).toBe(true);
    bench.pumps[DOWN].remove(keeper);
    bench.end(DOWN);
    bench.drain(DOWN);
    expect(bench.paused[DOWN]).toBe(true);
    expect(bench.transcript()).toEqual([]);
    expect(bench.pumps[DOWN].bytesLost).toBe(10);
  });
});

describe("a stage that breaks the contract", () => {
  const faulty = (part: Partial<StreamStage>): StreamStage => ({
    ...passing((chunk, out) => {
      out.emit(chunk);
    }),
    ...part,
  });

  it.each<[string, StreamStage, string]>([
    ["loses a byte", faulty({ push: (chunk, out) => void out.emit(chunk.subarray(1)) }), "lost count: 10 in"],
    [
      "makes one up",
      faulty({ push: (chunk, out) => void out.emit(Buffer.concat([chunk, chunk])) }),
      "lost count",
    ],
    ["holds what it does not have", faulty({ held: 3 }), "lost count"],
    [
      "throws",
      faulty({
        push: () => {
          throw new Error("oh");
        },
      }),
      "oh",
    ],
    ["wakes and is still due", faulty({ wakeAt: 0 }), "still due"],
  ])("that %s fails its own connection through the owner", (_how, stage, text) => {
    const bench = new StreamBench();
    bench.pumps[DOWN].insert(0, stage);
    bench.clock.advance(1);
    if (!bench.ended) bench.send(DOWN, 10);
    expect(String(bench.failures[0])).toContain(text);
    expect(bench.ended?.how).toBe("reset");
  });

  it.each<[string, StreamStage]>([
    [
      "emits after the end",
      faulty({
        end: (out) => {
          out.end();
          out.emit(Buffer.from("x"));
        },
      }),
    ],
    [
      "ends twice",
      faulty({
        end: (out) => {
          out.end();
          out.end();
        },
      }),
    ],
  ])("that %s is stopped", (_how, stage) => {
    const bench = new StreamBench();
    bench.pumps[DOWN].insert(0, stage);
    bench.end(DOWN);
    expect(bench.failures[0]).toBeInstanceOf(InvariantError);
  });

  it("that keeps bytes when it is taken out, or fails on new parameters, throws at nobody else", () => {
    const stingy = new StreamBench();
    const keeper = new Keeper();
    keeper.release = (): void => undefined;
    stingy.pumps[DOWN].insert(0, keeper);
    stingy.send(DOWN, 10);
    stingy.pumps[DOWN].remove(keeper);
    expect(String(stingy.failures[0])).toContain("still holds bytes");
    const upset = new StreamBench();
    const stage = faulty({
      assigned: () => {
        throw new Error("oh");
      },
    });
    upset.pumps[DOWN].insert(0, stage);
    upset.pumps[DOWN].assigned(stage);
    expect(String(upset.failures[0])).toContain("oh");
  });

  it("may insert bytes of its own, and they are counted", () => {
    const bench = new StreamBench();
    bench.pumps[DOWN].insert(
      0,
      faulty({
        push: (chunk, out) => {
          out.insert(Buffer.from("--"));
          out.emit(chunk);
        },
      }),
    );
    bench.send(DOWN, 10);
    expect(bench.transcript()).toEqual(["0 downstream 2", "0 downstream 10"]);
    expect(bench.failures).toEqual([]);
    expect([bench.pumps[DOWN].bytesOut, bench.pumps[DOWN].bytesLost]).toEqual([12, 0]);
  });
});

/** Keeps everything, the end as well, until it is told to let go. */
class Sluice extends Keeper {
  #ended = false;

  override end(): void {
    this.#ended = true;
  }
  override wake(out: Outlet): void {
    super.wake(out);
    if (this.#ended) out.end();
  }
}

describe("a cut by the owner", () => {
  const kept = (): { bench: StreamBench; sluice: Sluice } => {
    const bench = new StreamBench();
    const sluice = new Sluice();
    bench.pumps[DOWN].insert(0, sluice);
    return { bench, sluice };
  };

  it("severs at once where no stage holds a byte", () => {
    const bench = new StreamBench();
    bench.pumps[DOWN].cut({ do: "close" });
    expect(bench.transcript()).toEqual(["0 severed close"]);
    const { bench: staged } = kept();
    staged.pumps[DOWN].cut({ do: "reset" });
    expect(staged.transcript()).toEqual(["0 severed reset"]);
  });

  it("follows the bytes that are held, and nothing follows it", () => {
    const { bench, sluice } = kept();
    bench.send(DOWN, 10);
    bench.pumps[DOWN].cut({ do: "reset" });
    bench.pumps[DOWN].cut({ do: "close" });
    bench.send(DOWN, 5);
    bench.pumps[DOWN].end("fin");
    bench.pumps[DOWN].end("reset");
    expect(bench.transcript()).toEqual([]);
    bench.pumps[DOWN].assigned(sluice);
    expect(bench.transcript()).toEqual(["0 downstream 10", "0 severed reset"]);
    expect(bench.failures).toEqual([]);
  });

  it("follows them too where an end is on its way already", () => {
    const { bench, sluice } = kept();
    bench.send(DOWN, 10);
    bench.pumps[DOWN].end("fin");
    bench.pumps[DOWN].cut({ do: "close" });
    bench.pumps[DOWN].assigned(sluice);
    expect(bench.transcript()).toEqual(["0 downstream 10", "0 severed close"]);
  });

  it("comes at once when the stage that holds them is taken out", () => {
    const { bench, sluice } = kept();
    bench.send(DOWN, 10);
    bench.pumps[DOWN].cut({ do: "close" });
    bench.pumps[DOWN].remove(sluice);
    expect(bench.transcript()).toEqual(["0 downstream 10", "0 severed close"]);
  });
});

describe("whoever waits until nothing is held", () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("is called at once where nothing is", () => {
    const bench = new StreamBench();
    let called = 0;
    bench.pumps[DOWN].whenEmpty(() => called++);
    bench.pumps[DOWN].insert(0, new Keeper());
    bench.pumps[DOWN].whenEmpty(() => called++);
    expect(called).toBe(2);
  });

  it("is called once, and all others with it, in order", async () => {
    const bench = new StreamBench();
    const keeper = new Keeper();
    bench.pumps[DOWN].insert(0, keeper);
    bench.send(DOWN, 10);
    const called: string[] = [];
    bench.pumps[DOWN].whenEmpty(() => called.push("first"));
    bench.pumps[DOWN].whenEmpty(() => called.push("second"));
    bench.send(DOWN, 10);
    await turn();
    expect(called).toEqual([]);
    bench.pumps[DOWN].assigned(keeper);
    await turn();
    expect(called).toEqual(["first", "second"]);
    bench.send(DOWN, 1);
    bench.pumps[DOWN].assigned(keeper);
    await turn();
    expect(called).toHaveLength(2);
  });
});
