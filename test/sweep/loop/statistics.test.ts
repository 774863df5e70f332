/** The figures by which alarms are believed, and the words by which runs are told alike. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { errorLine, normalise } from "../../../src/sweep/oracles/error-line.js";
import { crew } from "../../../src/sweep/sweep/crew.js";
import { extraRuns, shareText, wilson } from "../../../src/sweep/sweep/statistics.js";

describe("Wilson's interval", () => {
  it.each([
    { failed: 3, runs: 10, low: 0.108, high: 0.603 },
    { failed: 0, runs: 10, low: 0, high: 0.278 },
    { failed: 10, runs: 10, low: 0.722, high: 1 },
    { failed: 1, runs: 23, low: 0.008, high: 0.21 },
  ])("of $failed in $runs", ({ failed, runs, low, high }) => {
    expect(wilson(failed, runs).low).toBeCloseTo(low, 2);
    expect(wilson(failed, runs).high).toBeCloseTo(high, 2);
  });

  it("is told in whole per cent", () => {
    expect(shareText(3, 10)).toBe("3 of 10 (11-60 %)");
  });
});

it("asks for one rerun more with each doubling of the failed controls", () => {
  expect([0, 1, 2, 3, 4, 8].map(extraRuns)).toEqual([0, 1, 2, 2, 3, 4]);
});

describe("the line that says what went wrong", () => {
  it.each([
    ["2026-03-04 05:06:07,123 ERROR job 17 failed after 3.5 s", "# ERROR job # failed after # s"],
    ["Error: connect ECONNREFUSED 127.0.0.1:43211", "Error: connect ECONNREFUSED #"],
    ["error: job job-7f3e-a1b2 is failed, sha256 of utf8", "error: job job-# is failed, sha# of utf#"],
    ["lease 6f9619ff-8b86-d011-b42d-00cf4fc964ff was not found", "lease # was not found"],
    ["invalid character 's' after object key", "invalid character '#' after object key"],
    [
      "Expecting ',' delimiter: line 1 column 9 (char 8)",
      "Expecting '#' delimiter: line # column # (char #)",
    ],
    ["cannot read /tmp/squall-8f3a/data/jobs.json", "cannot read jobs.json"],
    ["\u001b[31merror\u001b[0m: commit 4b825dc642cb is missing", "error: commit # is missing"],
  ])("%s", (line, expected) => {
    expect(normalise(line)).toBe(expected);
  });

  it.each([
    {
      why: "what was thrown, and not its stack",
      stderr:
        "warning: slow\n/app/x.js:3\n  throw new Error()\n  ^\n\nError: lease not found\n    at x (/app/x.js:3:9)\n\nNode.js v22.9.0\n",
      stdout: "",
      line: "Error: lease not found",
    },
    {
      why: "a Python exception",
      stderr:
        'Traceback (most recent call last):\n  File "/app/x.py", line 3, in <module>\n    run()\nrequests.exceptions.ConnectionError: reset by peer\n',
      stdout: "",
      line: "requests.exceptions.ConnectionError: reset by peer",
    },
    {
      why: "not what npm says of it",
      stderr:
        "AssertionError: expected 2 to equal 1\nnpm error Lifecycle script `test` failed with error:\nnpm error code 1\n",
      stdout: "",
      line: "AssertionError: expected # to equal #",
    },
    {
      why: "standard output where nothing else is",
      stderr: "",
      stdout: "ok 1\nnot ok 2 - timeout after 5 s\n",
      line: "not ok # - timeout after # s",
    },
    { why: "nothing at all", stderr: "", stdout: "ok 1\n", line: null },
  ])("is $why", ({ stderr, stdout, line }) => {
    expect(errorLine({ stderr, stdout })).toBe(line);
  });
});

describe("a crew", () => {
  it("rejects with the first error, when what was begun is over", async () => {
    const clock = new VirtualClock();
    const over: number[] = [];
    let begun = 0;
    const all = crew(2, () => {
      const task = ++begun;
      return () =>
        new Promise<void>((resolve, reject) => {
          clock.at(task * 10, () => {
            over.push(task);
            if (task === 1) reject(new Error("the first"));
            else resolve();
          });
        });
    });
    clock.advance(10);
    await Promise.resolve();
    clock.advance(90);
    await expect(all).rejects.toThrow("the first");
    expect(over).toEqual([1, 2]);
  });
});
