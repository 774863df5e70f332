import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { SystemClock } from "../../src/core/system-clock.js";

describe("the machine's clock", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("waits for longer than the 2^31 ms that a timer can hold", () => {
    const clock = new SystemClock();
    const month = 30 * 86_400_000;
    const start = clock.now();
    let ranAt: number | null = null;
    clock.at(start + month, () => {
      ranAt = clock.now();
    });
    vi.advanceTimersByTime(2 ** 31);
    expect(ranAt).toBeNull();
    vi.advanceTimersByTime(month - 2 ** 31 - 1);
    expect(ranAt).toBeNull();
    vi.advanceTimersByTime(1);
    expect(ranAt).toBe(start + month);
  });

  it("can be cancelled, also in the middle of a long wait", () => {
    const clock = new SystemClock();
    const run = vi.fn();
    const timer = clock.at(clock.now() + 2 ** 32, run);
    vi.advanceTimersByTime(2 ** 31);
    timer.cancel();
    vi.advanceTimersByTime(2 ** 33);
    expect(run).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("runs what is overdue on a later turn, never within the call", () => {
    const clock = new SystemClock();
    const run = vi.fn();
    clock.at(clock.now() - 1000, run);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  it("tells people the time of day as it is set, and goes on counting as if nothing had happened", () => {
    vi.useFakeTimers({ toFake: ["Date", "performance"], now: Date.UTC(2030, 0, 1) });
    const clock = new SystemClock();
    const start = clock.now();
    expect(clock.wallTime()).toBe(Date.UTC(2030, 0, 1));
    vi.setSystemTime(Date.UTC(2031, 0, 1));
    expect(clock.wallTime()).toBe(Date.UTC(2031, 0, 1));
    expect(clock.now()).toBe(start);
  });

  it("never ends a wait a millisecond or more early", () => {
    const clock = new SystemClock();
    let ranAt = -Infinity;
    const due = clock.now() + 12.4;
    clock.at(due, () => {
      ranAt = clock.now();
    });
    vi.advanceTimersByTime(20);
    expect(ranAt).toBeGreaterThan(due - 1);
  });
});

/** Keeps the process from doing anything, as one that is stopped, or a machine that others have. */
function standStill(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}

describe("a process that stood still", () => {
  const clock = new SystemClock();
  const LONG = 60;

  it.each(["at", "exactly"] as const)("hears what came meanwhile before what fell due: %s", async (how) => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const order: string[] = [];
    const timer = new Promise<void>((done) => {
      clock[how](clock.now() + 5, () => {
        order.push("timer");
        done();
      });
    });
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const connected = once(socket, "connect").then(() => order.push("connected"));
    // The kernel connects them; that is told when the loop looks at its sockets.
    process.nextTick(standStill, LONG);
    await Promise.all([timer, connected]);
    socket.destroy();
    server.close();
    expect(order).toEqual(["connected", "timer"]);
  });

  it("keeps the order of its timers, and those that are cancelled then never run", async () => {
    const ran: number[] = [];
    const done = new Promise<void>((resolve) => {
      clock.at(clock.now() + 2, () => ran.push(1));
      clock.at(clock.now() + LONG - 5, () => {
        ran.push(3);
        resolve();
      });
    });
    const cancelled = clock.at(clock.now() + 3, () => ran.push(2));
    setTimeout(() => {
      cancelled.cancel();
    }, 4);
    standStill(LONG);
    await done;
    expect(ran).toEqual([1, 3]);
  });
});

describe("the virtual clock", () => {
  it("runs what falls due in the order of time, and of asking where times are equal", () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    for (const [when, name] of [
      [20, "c"],
      [10, "a"],
      [10, "b"],
      [30, "d"],
    ] as const)
      clock.at(when, () => ran.push(`${name}@${clock.now()}`));
    clock.advance(25);
    expect(ran).toEqual(["a@10", "b@10", "c@20"]);
    expect(clock.now()).toBe(25);
    expect(clock.next).toBe(30);
    clock.advance(5);
    expect(clock.idle).toBe(true);
  });

  it("runs what is asked for on the way, within the same advance", () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    const tick = (): void => {
      ran.push(clock.now());
      if (ran.length < 4) clock.at(clock.now() + 10, tick);
    };
    clock.at(10, tick);
    clock.advance(100);
    expect(ran).toEqual([10, 20, 30, 40]);
  });

  it("forgets what was cancelled, and takes the past for now", () => {
    const clock = new VirtualClock(1000);
    const run = vi.fn();
    clock.at(1010, run).cancel();
    clock.at(5, run);
    expect(clock.next).toBe(1000);
    clock.advance(0);
    clock.advance(100);
    expect(run).toHaveBeenCalledOnce();
  });

  it("reaches beyond 2^31 ms", () => {
    const clock = new VirtualClock();
    const run = vi.fn();
    clock.at(2 ** 40, run);
    clock.advance(2 ** 40 - 1);
    expect(run).not.toHaveBeenCalled();
    clock.advance(1);
    expect(run).toHaveBeenCalledOnce();
  });
});
