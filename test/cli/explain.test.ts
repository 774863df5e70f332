/** `squall explain` says of a profile what it does and when, what breaks by it, and what a good bot does. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { commandHere } from "../support/command-here.js";
import type { Said } from "../support/process.js";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "squall-explain-"));
});
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true });
});

async function explain(text: string, ...options: string[]): Promise<string> {
  writeFileSync(join(cwd, "mine.yaml"), text);
  const { code, out, err } = await run("explain", "mine.yaml", ...options);
  expect([code, err]).toEqual([0, ""]);
  return out;
}

const run = (...words: string[]): Promise<Said> => commandHere(words, { cwd });

const FAULTS = "faults: [{ type: latency, delay: 1ms }]\n";

it("ends with what breaks and what a good bot does", async () => {
  const told = "summary: Late.\nbreaks: Deadlines that are too short.\nsurvives: Waits.\n";
  const lines = (await explain(`profile: mine\n${told}${FAULTS}`)).trimEnd().split("\n");
  expect(lines[0]).toBe("mine: Late.");
  expect(lines.slice(-2)).toEqual([
    "  What breaks: Deadlines that are too short.",
    "  What a good bot does: Waits.",
  ]);
});

it("leaves out what the profile does not say", async () => {
  expect(await explain(`profile: mine\n${FAULTS}`)).not.toMatch(/What (?:breaks|a good bot)/u);
});

it("has both in its JSON, beside the compiled profile", async () => {
  const json = await explain(`profile: mine\nbreaks: Deadlines.\nsurvives: Waits.\n${FAULTS}`, "--json");
  expect(JSON.parse(json)).toMatchObject({ profile: "mine", breaks: "Deadlines.", survives: "Waits." });
});

it("says of a file without a profile that there is none", async () => {
  writeFileSync(join(cwd, "mine.yaml"), "# not yet\n");
  expect(await run("explain", "mine.yaml")).toEqual({
    code: 3,
    out: "",
    err: "squall: mine.yaml holds no profile\n",
  });
});

it("says of a file that is not there what `use` says", async () => {
  const missing = "squall: cannot read the profile ./nope.yaml: there is no such file\n";
  expect(await run("explain", "./nope.yaml")).toEqual({ code: 3, out: "", err: missing });
});

it("tells a mistake in a param by its option, as `use` does", async () => {
  expect(await run("explain", "high-latency", "--param", "dely=1s")).toEqual({
    code: 3,
    out: "",
    err: 'squall: --param dely: unknown param (did you mean "delay"?)\n',
  });
});
