/** Activations that go on after a restart: where they are by now, when they end, and what they keep. */
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { Ledger } from "../../src/core/ledger.js";
import type { ActivationRequest } from "../../src/plan/activation.js";
import { LivePlan } from "../../src/plan/live.js";
import type { CompiledProfile } from "../../src/plan/value.js";
import { FactBook, fault, profile, request, TYPES } from "../support/lab.js";

/** The wall clock is another one than the monotonic clock, as on any machine, and moves between two looks at it. */
class TwoClocks extends VirtualClock {
  looks = 0;

  override wallTime(): number {
    return super.wallTime() + 1_700_000_000_000 + this.looks++ * 0.25;
  }
}

const SINCE = 1_700_000_000_000;
let time: TwoClocks;
let facts: FactBook;
let plan: LivePlan;

beforeEach(() => {
  time = new TwoClocks(10_000);
  facts = new FactBook();
  plan = new LivePlan({ clock: time, facts, ledger: new Ledger(), types: TYPES, version: "0.0.0", seed: 1 });
});

const steps = profile(
  [],
  [
    { phase: "calm", for: 8_000, faults: [] },
    { phase: "storm", for: 8_000, faults: [fault("half_open")] },
  ],
);

function resume(
  compiled: CompiledProfile,
  rest: Partial<ActivationRequest> = {},
  startedAt = SINCE,
): "expired" | "finished" | null {
  return plan.resume(request(compiled, rest), { id: "inline-2", startedAt, seeded: false });
}

describe("an activation that goes on", () => {
  it("is in the phase where the clock on the wall puts it, and ends when it would have", () => {
    expect(resume(steps)).toBeNull();
    expect(plan.states()).toMatchObject([{ phase: "storm" }]);
    expect(plan.states()[0]?.remaining).toBeCloseTo(6_000, -1);
    time.advance(5_990);
    expect(plan.states()).toHaveLength(1);
    time.advance(20);
    expect(plan.states()).toEqual([]);
  });

  it("keeps its id, which names its draws, its seed, and its start to the last digit", () => {
    resume(steps, { seed: 42 }, SINCE + 0.125);
    expect(plan.value.activations).toMatchObject([
      { id: "inline-2", seed: 42, seeded: false, startedAt: SINCE + 0.125 },
    ]);
    expect(facts.of("activation_resumed")).toMatchObject([
      { activation: "inline-2", seed: 42, since: "2023-11-14T22:13:20.000Z" },
    ]);
    expect(facts.of("activation_started")).toEqual([]);
  });

  it("is over if its time to live has run out, or its last phase, and then nothing changes", () => {
    const { revision } = plan;
    expect(resume(steps, { ttl: 10_000 })).toBe("expired");
    expect(resume(steps, {}, SINCE - 6_001)).toBe("finished");
    expect([plan.revision, plan.states()]).toEqual([revision, []]);
    expect(resume(steps, { ttl: 10_100 })).toBeNull();
    time.advance(110);
    expect(facts.of("activation_ended")).toMatchObject([{ why: "expired" }]);
  });

  it("begins now if it began in the future, as the clock has it", () => {
    expect(resume(steps, {}, SINCE + 3_600_000)).toBeNull();
    expect(plan.states()).toMatchObject([{ phase: "calm" }]);
    expect(plan.states()[0]?.remaining).toBeCloseTo(16_000, -1);
    expect(plan.value.activations[0]?.startedAt).toBeCloseTo(SINCE + 10_000, -1);
  });
});
