/** Profiles, phases and marks above the lanes. */
import { describe, expect, it } from "vitest";
import type { LiveBand } from "../../../src/live/contract.js";
import { layBands } from "../../../src/ui/lanes/bands.js";
import { scaleOf } from "../../../src/ui/lanes/layout.js";

const SCALE = scaleOf({ from: 0, until: 1_000, live: false }, 1_000);

function band(change: Partial<LiveBand>): LiveBand {
  return {
    id: "b",
    activation: "a1",
    profile: "wan",
    phase: null,
    mark: null,
    at: 0,
    until: null,
    ...change,
  };
}

describe("bands", () => {
  it("are the phases of a profile, and the profile itself where it has none", () => {
    const { bands, rows } = layBands(
      [
        band({ activation: "a1", profile: "flap", at: 100, until: 500 }),
        band({ activation: "a1", profile: "flap", phase: "up", at: 100, until: 300 }),
        band({ activation: "a1", profile: "flap", phase: "down", at: 300, until: 500 }),
        band({ activation: "a2", profile: "wan", at: 200 }),
      ],
      SCALE,
      800,
    );
    expect(bands).toEqual([
      { x: 100, width: 200, label: "flap: up", row: 0, odd: false },
      { x: 200, width: 600, label: "wan", row: 1, odd: false },
      { x: 300, width: 200, label: "flap: down", row: 0, odd: true },
    ]);
    expect(rows).toBe(2);
  });

  it("leave their row to others when they are over", () => {
    const { rows } = layBands(
      [band({ activation: "a1", until: 100 }), band({ activation: "a2", at: 150, until: 200 })],
      SCALE,
      800,
    );
    expect(rows).toBe(1);
  });

  it("have lines where something was switched, and for marks", () => {
    const { lines } = layBands(
      [
        band({ at: 100, until: 500 }),
        band({ activation: null, profile: null, mark: "deploy", at: 700, until: 700 }),
        band({ activation: null, profile: null, mark: "long ago", at: -700, until: -700 }),
      ],
      SCALE,
      800,
    );
    expect(lines).toEqual([
      { x: 100, label: "wan on", kind: "on" },
      { x: 500, label: "wan off", kind: "off" },
      { x: 700, label: "deploy", kind: "mark" },
    ]);
  });
});
