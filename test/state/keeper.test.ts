/** When the state is written: together, not twice, and without anybody waiting for a disk that fails. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import type { Fact } from "../../src/core/events.js";
import { Keeper } from "../../src/state/keeper.js";

/** A disk on which writes end when the test says so. */
class Disk {
  readonly name = "state.json";
  readonly writes: string[] = [];
  #ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  /** Ends each write at once, with this error if there is one. */
  at: "once" | "call" = "once";
  error: Error | null = null;

  write(text: string): Promise<void> {
    this.writes.push(text);
    if (this.at === "once") return this.error === null ? Promise.resolve() : Promise.reject(this.error);
    return new Promise((resolve, reject) => this.#ends.push({ resolve, reject }));
  }

  end(error: Error | null = null): void {
    const end = this.#ends.shift();
    if (end === undefined) throw new Error("nothing is being written");
    if (error === null) end.resolve();
    else end.reject(error);
  }
}

function bench(found: string | null = null): {
  disk: Disk;
  clock: VirtualClock;
  facts: Fact[];
  keeper: Keeper;
  force: { now: string };
} {
  const disk = new Disk();
  const clock = new VirtualClock();
  const facts: Fact[] = [];
  const force = { now: "a" };
  const keeper = new Keeper({
    file: disk,
    collect: () => force.now,
    found,
    clock,
    facts: { tell: (fact) => facts.push(fact) },
  });
  return { disk, clock, facts, keeper, force };
}

/** All that can happen by itself has happened. */
const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => (done = true));
  await idle();
  return done;
}

describe("a keeper", () => {
  it("writes what is in force when it is opened, and not before", async () => {
    const { disk, keeper } = bench();
    const early = keeper.saved();
    expect(await isDone(early)).toBe(false);
    expect(disk.writes).toEqual([]);
    await keeper.open();
    await early;
    expect(disk.writes).toEqual(["a"]);
  });

  it("writes nothing that is in the file already", async () => {
    const { disk, keeper, force } = bench("a");
    await keeper.open();
    await keeper.saved();
    expect(disk.writes).toEqual([]);
    force.now = "b";
    await keeper.saved();
    await keeper.saved();
    expect(disk.writes).toEqual(["b"]);
  });

  it("keeps those waiting whose change is not on disk, and lets all who came meanwhile share the next write", async () => {
    const { disk, keeper, force } = bench("a");
    await keeper.open();
    disk.at = "call";
    force.now = "b";
    const first = keeper.saved();
    expect(await isDone(first)).toBe(false);
    const others = Array.from({ length: 50 }, (_, n) => {
      force.now = `c${n}`;
      return keeper.saved();
    });
    expect(disk.writes).toEqual(["b"]);
    disk.end();
    expect(await isDone(first)).toBe(true);
    expect(await isDone(others[0]!)).toBe(false);
    expect(disk.writes).toEqual(["b", "c49"]);
    disk.end();
    await Promise.all(others);
    expect(disk.writes).toHaveLength(2);
    expect(keeper.status).toMatchObject({ writes: 2, failures: 0, saved: true });
  });

  it("collects when the verb is through, and not in the middle of it", async () => {
    const { disk, keeper, force } = bench("a");
    await keeper.open();
    force.now = "half";
    keeper.touch();
    force.now = "whole";
    await keeper.saved();
    expect(disk.writes).toEqual(["whole"]);
  });

  it("lets nobody wait for a disk that fails, says so once, and tries again with each change and by itself", async () => {
    const { disk, clock, facts, keeper, force } = bench("a");
    await keeper.open();
    disk.error = new Error("ENOSPC: no space left");
    for (const text of ["b", "c"]) {
      force.now = text;
      await keeper.saved();
    }
    expect(keeper.status).toEqual({ saved: false, error: "ENOSPC: no space left", writes: 0, failures: 2 });
    expect(facts).toEqual([{ kind: "state_failed", file: "state.json", reason: "ENOSPC: no space left" }]);
    clock.advance(5_000);
    await idle();
    expect(disk.writes).toEqual(["b", "c", "c"]);
    disk.error = null;
    clock.advance(5_000);
    await idle();
    expect(disk.writes).toEqual(["b", "c", "c", "c"]);
    expect(keeper.status).toMatchObject({ saved: true, error: null, writes: 1, failures: 3 });
    expect(facts.map(({ kind }) => kind)).toEqual(["state_failed", "state_saved"]);
    clock.advance(60_000);
    await idle();
    expect(disk.writes).toHaveLength(4);
    expect(clock.idle).toBe(true);
  });

  it("is saved again when what is in force is what was on disk all the time", async () => {
    const { disk, facts, keeper, force } = bench("a");
    await keeper.open();
    disk.error = new Error("EROFS");
    force.now = "b";
    await keeper.saved();
    force.now = "a";
    await keeper.saved();
    expect(keeper.status.saved).toBe(true);
    expect(facts.map(({ kind }) => kind)).toEqual(["state_failed", "state_saved"]);
  });

  it("answers after two seconds while the disk does not, and says so", async () => {
    const { disk, clock, facts, keeper, force } = bench("a");
    await keeper.open();
    disk.at = "call";
    force.now = "b";
    const waiting = keeper.saved();
    await idle();
    clock.advance(1_999);
    expect(await isDone(waiting)).toBe(false);
    clock.advance(1);
    await waiting;
    expect(keeper.status).toMatchObject({ saved: false, error: "no answer from the disk within 2 s" });
    disk.end();
    await idle();
    expect(keeper.status).toMatchObject({ saved: true, writes: 1 });
    expect(facts.map(({ kind }) => kind)).toEqual(["state_failed", "state_saved"]);
  });

  it("keeps at the end what is in force then, and nothing that ends because the daemon does", async () => {
    const { disk, keeper, force } = bench("a");
    await keeper.open();
    disk.at = "call";
    force.now = "b";
    const earlier = keeper.saved();
    await idle();
    force.now = "c";
    const closing = keeper.close();
    expect(keeper.closed).toBe(true);
    disk.end();
    await idle();
    disk.end();
    await Promise.all([earlier, closing]);
    force.now = "healed";
    keeper.touch();
    await keeper.saved();
    expect(disk.writes).toEqual(["b", "c"]);
  });

  it("does not hold the end up for longer than two seconds, and writes nothing after it", async () => {
    const { disk, clock, keeper, force } = bench("a");
    await keeper.open();
    disk.at = "call";
    force.now = "b";
    keeper.touch();
    await idle();
    const closing = keeper.close();
    clock.advance(2_000);
    await closing;
    force.now = "healed";
    disk.end();
    await idle();
    expect(disk.writes).toEqual(["b"]);
    expect(clock.idle).toBe(true);
  });

  it("that was never opened writes nothing at the end: the start failed", async () => {
    const { disk, keeper } = bench();
    void keeper.saved();
    await keeper.close();
    expect(disk.writes).toEqual([]);
  });
});
