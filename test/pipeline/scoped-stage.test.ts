/** A stage that stands open for some bytes of a stream only: the others go past it, and none overtakes another. */
import { describe, expect, it } from "vitest";
import type { Outlet, StreamStage } from "../../src/faults/contract/index.js";
import { passing } from "../../src/faults/kit.js";
import { ByteQueue } from "../../src/faults/byte-queue.js";
import { Flow, type Passage } from "../../src/pipeline/flow.js";
import { ScopedStage } from "../../src/pipeline/scoped-stage.js";
import { StreamBench } from "../support/stream-bench.js";

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

class Lab {
  readonly bench = new StreamBench();
  readonly flow = new Flow();
  /** What is meant for the stages, and what is not. */
  readonly meant: Passage = { streams: [] };
  readonly other: Passage = { streams: [] };

  insert(inner: StreamStage, fresh: (() => StreamStage) | null = null): ScopedStage {
    const stage = new ScopedStage(this.flow, inner, {
      means: ({ passage }) => passage === this.meant || (fresh !== null && passage !== this.other),
      fresh: fresh !== null,
      enter: () => fresh?.() ?? null,
    });
    this.bench.pumps[DOWN].insert(0, stage);
    return stage;
  }

  readonly say = (text: string, meant: boolean): void => {
    this.sayOf(text, meant ? this.meant : this.other);
  };

  sayOf(text: string, passage: Passage): void {
    this.flow.begin(passage);
    this.flow.now = this.flow.next;
    this.bench.pumps[DOWN].data(Buffer.from(text));
  }
}

function scoped(): {
  lab: Lab;
  bench: StreamBench;
  stage: ScopedStage;
  inner: Marker;
  say: (text: string, meant: boolean) => void;
} {
  const lab = new Lab();
  const inner = new Marker();
  const stage = lab.insert(inner);
  return { lab, bench: lab.bench, stage, inner, say: lab.say };
}

const written = (bench: StreamBench): string =>
  bench.written.map(({ what }) => (Buffer.isBuffer(what) ? what.toString() : `|${String(what)}`)).join("");

/** Keeps what it is given, as it is. */
class Keeper extends Marker {
  override push(chunk: Buffer): void {
    this.queue.add(chunk);
  }
}

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

  it("gives each passage a stage of its own where it is told to, and waits with it for what the one before holds", () => {
    const lab = new Lab();
    const made: Marker[] = [];
    const first = new Marker();
    const stage = lab.insert(first, () => {
      const marker = made.length === 0 ? first : new Marker();
      made.push(marker);
      return marker;
    });
    const [one, two] = [{ streams: [] }, { streams: [] }];
    lab.sayOf("a", one);
    lab.sayOf("b", one);
    lab.sayOf("c", two);
    expect(made).toHaveLength(1);
    expect(stage.held).toBe(3);
    lab.bench.pumps[DOWN].assigned(stage);
    expect(made).toHaveLength(2);
    expect(made[1]?.held).toBe(1);
    lab.bench.pumps[DOWN].assigned(stage);
    expect(written(lab.bench)).toBe("ABC");
  });

  it("wakes for a stage that holds nothing only while a passage that is meant is under way", () => {
    const { lab, stage, inner, say } = scoped();
    inner.wakeAt = 5;
    expect(stage.wakeAt).toBe(Infinity);
    stage.begin(lab.meant, true);
    expect(stage.wakeAt).toBe(5);
    stage.rest();
    expect(stage.wakeAt).toBe(Infinity);
    say("a", true);
    expect(stage.wakeAt).toBe(5);
  });
});

describe("two scoped stages, one behind the other", () => {
  it("each know of every byte whether it is meant, also of those that the first held back until others were read", () => {
    const lab = new Lab();
    const second = new Marker();
    second.keeps = false;
    lab.insert(second);
    const first = new Keeper();
    const before = lab.insert(first);
    lab.say("a", true);
    lab.say("b", false);
    lab.say("c", true);
    lab.say("d", false);
    expect(written(lab.bench)).toBe("");
    lab.bench.pumps[DOWN].assigned(before);
    lab.bench.pumps[DOWN].assigned(before);
    expect(written(lab.bench)).toBe("AbCd");
    expect(lab.bench.failures).toEqual([]);
  });

  it("keep that knowledge where the first drops, splits and makes up bytes", () => {
    const lab = new Lab();
    const second = new Marker();
    second.keeps = false;
    lab.insert(second);
    lab.insert(
      passing((chunk, out) => {
        // Every other byte goes, one at a time, with a mark of its own before it.
        for (let at = 0; at < chunk.length; at += 2) {
          out.insert(Buffer.from("x"));
          out.emit(chunk.subarray(at, at + 1));
          if (at + 1 < chunk.length) out.drop(1);
        }
      }),
      null,
    );
    lab.say("abcd", true);
    lab.say("efg", false);
    lab.say("hij", true);
    expect(written(lab.bench)).toBe("XAXCefgXHXJ");
    expect(lab.bench.failures).toEqual([]);
  });
});
