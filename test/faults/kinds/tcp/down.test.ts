import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import type { ConnectionFault } from "../../../../src/faults/contract/index.js";
import { Armed, type Raw } from "../../../support/stream-bench.js";

function connection(raw: Raw, live: boolean): { armed: Armed; fault: ConnectionFault | undefined } {
  const armed = new Armed("down", raw, new VirtualClock());
  const info = {
    id: 1,
    client: { address: "::1", port: 1 },
    bot: "b",
    acceptedAt: 0,
    live,
    attend: () => undefined,
  };
  return { armed, fault: armed.type.connection?.(armed.scope(0, 1), info) };
}

describe("down", () => {
  it("closes the port with rst, and leaves it open with close and reset", () => {
    const armed = new Armed("down", {}, new VirtualClock());
    const listener = armed.type.listener?.({
      params: armed.params,
      at: "",
      now: () => 0,
      evicted: () => undefined,
    });
    expect(listener?.listening()).toBe(false);
    armed.assign({ refuse: "close" });
    expect(listener?.listening()).toBe(true);
    armed.assign({ refuse: "reset" });
    expect(listener?.listening()).toBe(true);
    expect(listener?.silent?.()).toBe(false);
  });

  it("wants attempts to connect to go unanswered with syn_drop, and holds those that get in before", () => {
    const { armed, fault } = connection({ refuse: "syn_drop" }, false);
    const listener = armed.type.listener?.({
      params: armed.params,
      at: "",
      now: () => 0,
      evicted: () => undefined,
    });
    expect(listener?.silent?.()).toBe(true);
    expect(fault?.accepted?.()).toEqual({ do: "hang" });
    expect(fault?.opened?.()).toEqual({ do: "pass" });
    expect(armed.counts).toEqual({ refused: 1 });
  });

  it.each([
    ["rst", "reset"],
    ["close", "close"],
    ["reset", "reset"],
  ])("answers a new connection that got in, with refuse: %s, by a %s", (refuse, how) => {
    const { armed, fault } = connection({ refuse }, false);
    expect(fault?.accepted?.()).toEqual({ do: how });
    expect(fault?.opened?.()).toEqual({ do: how });
    expect(armed.counts).toEqual({ refused: 1 });
  });

  it.each([
    ["keep", "pass"],
    ["close", "close"],
    ["reset", "reset"],
  ])("treats connections that are open, with existing: %s, by a %s", (existing, how) => {
    const { armed, fault } = connection({ existing }, true);
    expect(fault?.opened?.()).toEqual({ do: how });
    expect(armed.counts).toEqual(existing === "keep" ? {} : { ended: 1 });
  });

  it("ends those it kept when it is told to", () => {
    const { armed, fault } = connection({ existing: "keep" }, true);
    expect(fault?.wake?.()).toEqual({ do: "pass" });
    armed.assign({ existing: "close" });
    expect(fault?.wake?.()).toEqual({ do: "close" });
  });

  it("cannot close the port for some only", () => {
    const { type } = connection({}, false).armed;
    const check = (refuse: string, narrowed: boolean): unknown =>
      type.check?.({ params: type.params.parse({ refuse }), narrowed });
    expect(check("rst", true)).toMatchObject({ path: "refuse" });
    expect(check("rst", false)).toBeUndefined();
    expect(check("close", true)).toBeUndefined();
    expect(check("reset", true)).toBeUndefined();
  });
});
