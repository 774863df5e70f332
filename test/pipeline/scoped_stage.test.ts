/** A stage that stands open for some bytes of a stream only: the others go past it, and none overtakes another. */
import { describe, expect, it } from "vitest";
import type { Outlet, StreamStage } from "../../src/faults/contract.js";
import { ByteQueue } from "../../src/faults/kit.js";
import { ScopedStage } from "../../src/pipeline/scoped_stage.js";
import { StreamBench } from "../support/stream_bench.js";

const DOWN = "downstream";

/** Marks what goes through it, and keeps it until it is told to let go. */
class Marker implements StreamStage {
  readonly queue = new ByteQueue();
  readonly capacity = 100;
  wakeAt = Infinity;
  keeps = true;
  #ended = false;

  push(chunk: Buffer, out: Outlet): void {
    this.queue.add(Buffer.from(chunk.toString().toUpperCase()));
    if (!this.keeps) this.queue.pour(out);
  }
  end(out: Outlet): void {
    this.#ended = true;
    if (!this.keeps) out.end();
  }
  wake(out: Outlet): void {
    this.queue.pour(out);
    if (this.#ended) out.end();
  }
  release(out: Outlet): void {
    this.queue.pour(out);
  }
  get held(): number {
    return this.queue.length;
  }
}

function scoped(): {
  bench: StreamBench;
  stage: ScopedStage;
  inner: Marker;
  say: (text: string, open: boolean) => void;
} {
  const bench = new StreamBench();
  const inner = new Marker();
  const stage = new ScopedStage(inner);
  bench.pumps[DOWN].insert(0, stage);
  const say = (text: string, open: boolean): void => {
    stage.open = open;
    bench.pumps[DOWN].data(Buffer.from(text));
  };
  return { bench, stage, inner, say };
}

const written = (bench: StreamBench): string =>
  bench.written.map(({ what }) => (Buffer.isBuffer(what) ? what.toString() : `|${String(what)}`)).join("");

describe("a scoped stage", () => {
  it("is passed by while it is closed, and acts while it is open", () => {
    const { bench, inner, say } = scoped();
    inner.keeps = false;
    say("one ", false);
    say("two ", true);
    say("three", false);
    expect(written(bench)).toBe("one TWO three");
    expect(bench.failures).toEqual([]);
  });

  it("lets nothing overtake what it holds, in whatever order bytes for it and past it come", () => {
    const { bench, stage, say } = scoped();
    say("a", true);
    say("b", false);
    say("c", true);
    say("d", false);
    expect(written(bench)).toBe("");
    expect(stage.held).toBe(4);
    bench.pumps[DOWN].assigned(stage);
    expect(written(bench)).toBe("Ab");
    bench.pumps[DOWN].assigned(stage);
    expect(written(bench)).toBe("AbCd");
    expect(stage.held).toBe(0);
    expect(bench.failures).toEqual([]);
  });

  it("passes an end on behind all of that, and through the stage where that is open", () => {
    for (const open of [true, false]) {
      const { bench, stage, say } = scoped();
      say("a", true);
      say("b", open);
      bench.end(DOWN);
      expect(written(bench)).toBe("");
      bench.pumps[DOWN].assigned(stage);
      expect(written(bench)).toBe(open ? "AB|end" : "Ab|end");
      expect(bench.failures).toEqual([]);
    }
  });

  it("hands over all it holds, in order, when it is taken out", () => {
    const { bench, stage, say } = scoped();
    say("a", true);
    say("b", false);
    say("c", true);
    bench.pumps[DOWN].remove(stage);
    say("d", true);
    expect(written(bench)).toBe("Abcd");
    expect(bench.failures).toEqual([]);
  });

  it("holds the source up for what waits behind the stage as for what is in it", () => {
    const { bench, stage, say } = scoped();
    say("x".repeat(10), true);
    say("y".repeat(89), false);
    expect(bench.paused[DOWN]).toBe(false);
    say("y", false);
    expect(bench.paused[DOWN]).toBe(true);
    bench.pumps[DOWN].assigned(stage);
    expect(bench.paused[DOWN]).toBe(false);
    say("z".repeat(1_000), false);
    expect(bench.paused[DOWN]).toBe(false);
  });

  it("takes another stage in place of one that holds nothing, and of no other", () => {
    const { bench, stage, say } = scoped();
    say("a", true);
    const next = new Marker();
    expect(stage.renew(next)).toBe(false);
    bench.pumps[DOWN].assigned(stage);
    next.keeps = false;
    expect(stage.renew(next)).toBe(true);
    say("b", true);
    expect(written(bench)).toBe("AB");
  });

  it("wakes for a stage that is closed only while that holds something", () => {
    const { stage, inner, say } = scoped();
    inner.wakeAt = 5;
    stage.open = false;
    expect(stage.wakeAt).toBe(Infinity);
    say("a", true);
    stage.open = false;
    expect(stage.wakeAt).toBe(5);
  });
});
