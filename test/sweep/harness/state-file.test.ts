/** The state of a sweep: what is finished is known after an interruption, and to nobody with another command. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SweepState } from "../../../src/sweep/harness/state-file.js";

let folder = "";
let told: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-state-"));
  told = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const open = (fingerprint = "a"): SweepState =>
  SweepState.open(folder, fingerprint, (text) => {
    told.push(text);
  });
const file = (): string => join(folder, "sweep.state.jsonl");

describe("the state of a sweep", () => {
  it("goes on where it was interrupted", () => {
    open().add("case-1", { verdict: "survived" });
    open().add("case-2", { verdict: "FAILED" });
    expect([...open().finished]).toEqual([
      ["case-1", { verdict: "survived" }],
      ["case-2", { verdict: "FAILED" }],
    ]);
    expect(told).toEqual([]);
  });

  it("bears a last line that was cut anywhere, and writes on behind what is whole", () => {
    const state = open();
    state.add("case-1", 1);
    const whole = readFileSync(file(), "utf8");
    state.add("case-2", "ä");
    const bytes = readFileSync(file());
    for (let end = Buffer.byteLength(whole); end < bytes.length - 1; end++) {
      writeFileSync(file(), bytes.subarray(0, end + 1));
      const again = open();
      expect([...again.finished]).toEqual([["case-1", 1]]);
      again.add("case-3", 3);
      expect([...open().finished.keys()]).toEqual(["case-1", "case-3"]);
    }
    expect(told).toEqual([]);
  });

  it.each([
    ["another fingerprint", () => open("b")],
    ["a head that is none", () => (writeFileSync(file(), "nonsense\n"), open("a"))],
    ["no more than a part of a head", () => (writeFileSync(file(), '{"form":"squall-sw'), open("a"))],
  ])("starts afresh with %s, and says so", (_name, other) => {
    open("a").add("case-1", 1);
    expect([...other().finished]).toEqual([]);
    expect(told).toEqual([expect.stringContaining("starts afresh")]);
  });

  it("begins anew after a sweep that came to its end", () => {
    const state = open();
    state.add("case-1", 1);
    state.remove();
    expect([...open().finished]).toEqual([]);
    expect(told).toEqual([]);
  });
});
