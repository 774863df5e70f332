/** A mistake as the command line says it: with a place where there is a line to look at, and else with who said it. */
import { expect, it } from "vitest";
import { problemText } from "../../src/cli/problem-text.js";

const of = (file: string): string =>
  problemText({
    file,
    line: 1,
    column: 1,
    path: "command",
    message: "expected a program",
    hint: "such as npm",
  });

it.each([
  ["a flag", "--setup", "--setup: expected a program (such as npm)"],
  ["the words of a command", "the command line", "the command line: expected a program (such as npm)"],
  ["a variable", "SQUALL__ADMIN", "SQUALL__ADMIN: command: expected a program (such as npm)"],
])("tells %s without a line and a column", (_what, file, text) => {
  expect(of(file)).toBe(text);
});

it("tells the place in a file", () => {
  expect(of("squall.run.yaml")).toMatch(/^squall\.run\.yaml:1:1 command: expected a program/u);
});
