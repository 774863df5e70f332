/** Things to be measured: proxies, books and activations without what stands behind them. */
import type { ConnectionFailure } from "../../src/core/events.js";
import type { ActivationState } from "../../src/plan/activation.js";

export const latency = { proxy: "jobs", profile: "wan", fault: "latency", type: "latency" };

export function measured(name: string, state = "listening") {
  return {
    name,
    state,
    listenText: "127.0.0.1:8080",
    upstreamGiven: "server:3000",
    stats: {
      connectionsTotal: 0,
      connectionsActive: 0,
      errors: new Map<ConnectionFailure, number>(),
      bytesIn: { upstream: 0, downstream: 0 },
      bytesOut: { upstream: 0, downstream: 0 },
    },
  };
}

export function profileState(
  profile: string,
  phases: readonly string[],
  phase: string | null,
): ActivationState {
  return {
    value: {
      id: profile,
      generation: 1,
      profile,
      compiled: {
        profile,
        summary: "",
        tags: [],
        params: {},
        faults: [],
        phases: phases.map((name) => ({ phase: name, for: 1_000, faults: [] })),
        repeat: 1,
      },
      written: null,
      given: {},
      seed: 1,
      seeded: true,
      proxies: null,
      mode: "inject",
      startedAt: 0,
      ttl: null,
    },
    phase,
    pass: 1,
    remaining: null,
    phaseRemaining: null,
    engines: [],
  };
}
