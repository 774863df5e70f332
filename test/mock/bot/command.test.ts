import { describe, expect, it } from "vitest";
import { EXIT } from "../../../src/cli/io.js";
import { seededLuck } from "../../../src/mock/bot/command.js";
import { FLAW_NAMES } from "../../../src/mock/bot/flaws.js";
import { commandHere } from "../../support/command-here.js";

async function refused(...words: string[]): Promise<string> {
  const { code, out, err } = await commandHere(["bot", "--server", "http://127.0.0.1:1", ...words]);
  expect(code).toBe(EXIT.usage);
  return out + err;
}

describe("squall bot", () => {
  it("knows what was meant by a flaw that there is not, and lists all there are", async () => {
    const text = await refused("--flaw", "storm", "--flaw", "one_strik");
    expect(text).toContain(`--flaw: there is no flaw "one_strik"; did you mean "one-strike"?`);
    for (const flaw of FLAW_NAMES) expect(text).toMatch(new RegExp(`^  ${flaw} +\\w`, "mu"));
  });

  it.each([
    [["--concurrency", "0"], "--concurrency: expected at least 1"],
    [["--concurrency", "many"], "--concurrency: expected a whole number"],
    [["--seed", "-1"], "--seed: expected a whole number"],
    [["--work-time", "soon"], "--work-time: expected a duration"],
    [["--server", "localhost:3000"], "--server: expected a URL"],
  ])("refuses %j", async (words, why) => {
    expect(await refused(...words)).toContain(why);
  });
});

describe("a seed", () => {
  const draws = (seed: number, bot: string): number[] => {
    const luck = seededLuck(seed, bot);
    return [luck(), luck(), luck()];
  };

  it("gives a bot the same luck each time, and others other luck", () => {
    expect(draws(7, "bot-1")).toEqual(draws(7, "bot-1"));
    expect(draws(7, "bot-1")).not.toEqual(draws(8, "bot-1"));
    expect(draws(7, "bot-1")).not.toEqual(draws(7, "bot-2"));
    expect(new Set(draws(7, "bot-1")).size).toBe(3);
  });
});
