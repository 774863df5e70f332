import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../src/core/clock.js";
import type { ConnectionFault } from "../../../../src/faults/contract/index.js";
import { Armed } from "../../../support/stream-bench.js";

const info = {
  id: 1,
  client: { address: "::1", port: 1 },
  bot: "b",
  acceptedAt: 0,
  live: false,
  attend: () => undefined,
};

function connection(armed: Armed, ordinal = 0): ConnectionFault | undefined {
  return armed.type.connection?.(armed.scope(ordinal, 1), info);
}

describe("accept_delay", () => {
  it("holds a new connection before anybody is dialled", () => {
    const armed = new Armed("accept_delay", { delay: "500ms" }, new VirtualClock());
    expect(connection(armed)?.accepted?.()).toEqual({ do: "hold", for: 500 });
    expect(armed.delays).toEqual([500]);
    expect(armed.details["delayed"]).toEqual({ delay_ms: 500 });
  });

  it("draws once for each connection, and answers for the same luck when it is asked again", () => {
    const armed = new Armed("accept_delay", { delay: "500ms", jitter: "100ms" }, new VirtualClock());
    const fault = connection(armed);
    const first = fault?.accepted?.();
    expect(fault?.accepted?.()).toEqual(first);
    armed.assign({ delay: "1500ms", jitter: "100ms" });
    const later = fault?.accepted?.();
    if (first?.do !== "hold" || later?.do !== "hold") throw new Error("both hold");
    expect(later.for).toBeCloseTo(first.for + 1000, 9);
    expect(armed.counts).toEqual({ delayed: 1 });
    expect(connection(armed, 1)?.accepted?.()).not.toEqual(later);
  });

  it("leaves connections alone that are open already", () => {
    const armed = new Armed("accept_delay", { delay: "500ms" }, new VirtualClock());
    const fault = connection(armed);
    expect(fault?.opened).toBeUndefined();
    expect(fault?.stream).toBeUndefined();
    expect(fault?.wakeAt).toBe(Infinity);
  });
});
