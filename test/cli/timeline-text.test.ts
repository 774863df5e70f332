/** A profile's timeline in text: where in time each fault is, as a reader sees it. */
import { describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { drawTimeline } from "../../src/cli/timeline-text.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileProfile } from "../../src/plan/compile.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

function drawn(text: string): string[] {
  const library = new Library(TYPES);
  library.replaceFiles([{ file: "x.yaml", text: `profile: x\n${text}` }]);
  return drawTimeline(compileProfile("x", library, {}, TYPES));
}

describe("a timeline", () => {
  it("gives each phase its share of the width, and says how long all of it takes", () => {
    const phases = [
      "phases:",
      "  - { phase: calm, for: 5s }",
      "  - { phase: away, for: 5s, faults: [{ type: down }] }",
      "  - { phase: warm-up, for: 10s, faults: [{ type: latency, delay: { from: 800ms, to: 0ms } }] }",
    ];
    expect(drawn(phases.join("\n"))).toEqual([
      "calm 5s, away 5s, warm-up 10s; 20s in all",
      `  down     ${"·".repeat(10)}${"█".repeat(10)}${"·".repeat(20)}`,
      `  latency  ${"·".repeat(20)}█████▓▓▓▓▓▒▒▒▒▒░░░░░`,
    ]);
  });

  it("shows what is there for a moment only", () => {
    const phases =
      "phases:\n  - { phase: calm, for: 1h }\n  - { phase: blip, for: 1s, faults: [{ type: down }] }";
    expect(drawn(phases)).toEqual(["calm 1h, blip 1s; 1h1s in all", `  down  ${"·".repeat(39)}█`]);
  });

  it("goes on without an end where there is none", () => {
    expect(drawn("faults: [{ type: blackhole }]")).toEqual([
      "until it is healed",
      `  blackhole  ${"█".repeat(40)}▶`,
    ]);
    const phases = "phases:\n  - { phase: calm, for: 3s }\n  - { phase: gone, faults: [{ type: down }] }";
    expect(drawn(phases)).toEqual([
      "calm 3s, gone without end",
      `  down  ${"·".repeat(30)}${"█".repeat(10)}▶`,
    ]);
  });

  it("says how often phases are gone through", () => {
    const phases = "phases: [{ phase: a, for: 2s, faults: [{ type: noop }] }]\nrepeat: ";
    expect(drawn(`${phases}3`)[0]).toBe("a 2s; 3 times, 6s in all");
    expect(drawn(`${phases}forever`)[0]).toBe("a 2s; over and over");
  });

  it("is half full where a share is hit, and thickens as the share grows", () => {
    expect(drawn("faults: [{ type: reset, when: { probability: 20% } }]")[1]).toBe(
      `  reset  ${"▒".repeat(40)}▶`,
    );
    const growing =
      "phases: [{ phase: a, for: 2s, faults: [{ type: reset, when: { probability: { from: 0%, to: 90% } } }] }]";
    expect(drawn(growing)[1]).toBe(
      `  reset  ${"░".repeat(10)}${"▒".repeat(10)}${"▓".repeat(10)}${"█".repeat(10)}`,
    );
  });

  it("keeps to after and for of a fault within its phase", () => {
    const phases =
      "phases: [{ phase: a, for: 40s, faults: [{ type: reset, when: { after: 10s, for: 5s } }] }]";
    expect(drawn(phases)[1]).toBe(`  reset  ${"·".repeat(10)}${"█".repeat(5)}${"·".repeat(25)}`);
  });

  it("shows two cycles of a rhythm, or as many as there are", () => {
    const flap = (more: string): string => `faults: [{ type: flap, pattern: [up 5s, down 5s]${more} }]`;
    const cycle = `${"·".repeat(10)}${"█".repeat(10)}`;
    expect(drawn(flap(""))[1]).toBe(`  flap  ${cycle}${cycle}▶`);
    expect(drawn(flap(", count: 1, settle: 10s"))[1]).toBe(`  flap  ${"·".repeat(30)}${"█".repeat(10)}▶`);
    expect(drawn("faults: [{ type: flap, period: 20s, duty: 75% }]")[1]).toBe(
      `  flap  ${`${"·".repeat(15)}${"█".repeat(5)}`.repeat(2)}▶`,
    );
  });
});
