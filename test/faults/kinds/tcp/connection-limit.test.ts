import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import type { ConnectionFault } from "../../../../src/faults/contract/index.js";
import { Armed, type Raw } from "../../../support/stream-bench.js";

/** A proxy with this fault; connections come, ask, and go. */
class Door {
  readonly clock = new VirtualClock();
  readonly armed: Armed;
  readonly called: number[] = [];

  constructor(raw: Raw) {
    this.armed = new Armed("connection_limit", raw, this.clock);
  }

  comes(id: number, live = false): ConnectionFault {
    const fault = this.armed.type.connection?.(this.armed.scope(id, 1), {
      id,
      client: { address: "::1", port: 1 },
      bot: "b",
      acceptedAt: this.clock.now(),
      live,
      attend: () => this.called.push(id),
    });
    if (!fault) throw new Error("no connection seam");
    return fault;
  }
}

const asked = (fault: ConnectionFault): string | undefined => fault.accepted?.().do;

describe("connection_limit", () => {
  it("serves so many, lets so many wait, and turns the others away", () => {
    const door = new Door({ max: 2, queue: 1 });
    const verdicts = [1, 2, 3, 4].map((id) => asked(door.comes(id)));
    expect(verdicts).toEqual(["pass", "pass", "wait", "close"]);
    expect(door.armed.counts).toEqual({ queued: 1, turned_away: 1 });
  });

  it.each([
    ["refuse", "close"],
    ["reset", "reset"],
    ["hang", "hang"],
  ])("turns away with on_full: %s by a %s", (on_full, how) => {
    const door = new Door({ max: 0, on_full });
    expect(asked(door.comes(1))).toBe(how);
  });

  it("serves those who wait in the order in which they came", () => {
    const door = new Door({ max: 1, queue: 3 });
    const [a, b, c, d] = [1, 2, 3, 4].map((id) => door.comes(id));
    if (!a || !b || !c || !d) throw new Error("four");
    expect([a, b, c, d].map(asked)).toEqual(["pass", "wait", "wait", "wait"]);
    door.clock.advance(70);
    a.released?.();
    expect(door.called).toEqual([2]);
    expect(asked(c)).toBe("wait");
    expect(asked(b)).toBe("pass");
    expect(asked(b)).toBe("pass");
    expect(door.armed.delays).toEqual([70]);
    // One who leaves the queue makes no room at the front, and does not hold it up.
    c.released?.();
    b.released?.();
    expect(door.called).toEqual([2, 4]);
    expect(asked(d)).toBe("pass");
  });

  it("does not let a newcomer pass those who wait", () => {
    const door = new Door({ max: 1, queue: 2 });
    const [a, b] = [door.comes(1), door.comes(2)];
    expect([asked(a), asked(b)]).toEqual(["pass", "wait"]);
    a.released?.();
    expect(asked(door.comes(3))).toBe("wait");
    expect(asked(b)).toBe("pass");
  });

  it("counts connections that were open before, and kills none of them", () => {
    const door = new Door({ max: 1, queue: 1 });
    const live = [1, 2, 3].map((id) => door.comes(id, true));
    for (const fault of live) expect(fault.opened?.()).toEqual({ do: "pass" });
    const fresh = door.comes(4);
    expect(asked(fresh)).toBe("wait");
    live[0]?.released?.();
    live[1]?.released?.();
    expect(asked(fresh)).toBe("wait");
    live[2]?.released?.();
    expect(asked(fresh)).toBe("pass");
  });

  it("gives a place back once, however the connection ended", () => {
    const door = new Door({ max: 1 });
    const first = door.comes(1);
    expect(asked(first)).toBe("pass");
    expect(first.opened?.()).toEqual({ do: "pass" });
    first.released?.();
    expect(asked(door.comes(2))).toBe("pass");
    expect(asked(door.comes(3))).toBe("close");
  });

  it("admits those who wait when the limit is raised", () => {
    const door = new Door({ max: 1, queue: 5 });
    const all = [1, 2, 3, 4].map((id) => door.comes(id));
    all.forEach(asked);
    door.armed.assign({ max: 3, queue: 5 });
    all[0]?.wake?.();
    expect(door.called).toEqual([2, 3]);
    expect(all.map(asked)).toEqual(["pass", "pass", "pass", "wait"]);
  });

  it("never serves more than the limit, over thousands of random comings and goings", () => {
    const door = new Door({ max: 5, queue: 7 });
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const here = new Map<number, { fault: ConnectionFault; served: boolean }>();
    for (let id = 1; id <= 5000; id++) {
      if (random(2) === 0) {
        const fault = door.comes(id);
        const verdict = asked(fault);
        if (verdict === "pass" || verdict === "wait") here.set(id, { fault, served: verdict === "pass" });
      } else if (here.size > 0) {
        const [gone, entry] = [...here][random(here.size)] ?? [];
        if (gone !== undefined) here.delete(gone);
        entry?.fault.released?.();
      }
      for (const called of door.called.splice(0)) {
        const entry = here.get(called);
        if (!entry) continue;
        expect(asked(entry.fault)).toBe("pass");
        entry.served = true;
      }
      const served = [...here.values()].filter((entry) => entry.served).length;
      expect(served).toBeLessThanOrEqual(5);
      expect(here.size - served).toBeLessThanOrEqual(7);
      // Nobody waits while there is a place.
      if (here.size > served) expect(served).toBe(5);
    }
  });
});
