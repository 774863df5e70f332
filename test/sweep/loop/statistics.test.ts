/** The figures by which alarms are believed, and the words by which runs are told alike. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { errorLine, normalise } from "../../../src/sweep/oracles/error-line.js";
import { crew } from "../../../src/sweep/sweep/crew.js";
import { byChance, extraRuns, shareText, wilson } from "../../../src/sweep/sweep/statistics.js";

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

it.each([
  [3, 3, 0, 4, 1 / 35],
  [3, 3, 0, 23, 1 / 2_600],
  [3, 10, 10, 17, 0.969],
  [10, 10, 5, 20, 0.0001],
  [0, 3, 0, 4, 1],
])("%i of %i failures against %i of %i are by chance with %f", (failed, runs, controls, of, expected) => {
  expect(byChance({ failed, runs }, { failed: controls, runs: of })).toBeCloseTo(expected, 3);
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
    {
      why: "what pytest says was raised, and not how many failed",
      stderr: "",
      stdout:
        "    def json(self):\n        try:\n            return loads(self.text)\n        except JSONDecodeError as e:\n>           raise RequestsJSONDecodeError(e.msg)\n" +
        "E           requests.exceptions.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n\n" +
        "../requests/models.py:1120: JSONDecodeError\n=========== short test summary info ===========\n" +
        "FAILED test_orders.py::test_list - requests.exceptions.JSONDecodeError: Expec...\n1 failed, 1 passed in 0.79s\n",
      line: "requests.exceptions.JSONDecodeError: Expecting value: line # column # (char #)",
    },
    {
      why: "which test failed, where pytest shows no more of it",
      stderr: "",
      stdout: "F.\nFAILED test_orders.py::test_pay - assert 'new' == 'paid'\n1 failed, 1 passed in 0.79s\n",
      line: "FAILED test_orders.py::test_pay - assert 'new' == 'paid'",
    },
    {
      why: "what a Go test logged, and not FAIL",
      stderr: "",
      stdout:
        "--- FAIL: TestOrder (0.15s)\n    orders_test.go:19: POST /orders: 503 Service Unavailable\nFAIL\nFAIL\torders\t0.163s\nFAIL\n",
      line: "orders_test.go:#: POST /orders: # Service Unavailable",
    },
    {
      why: "what Jest expected, and not which file failed",
      stderr:
        "FAIL ./orders.test.js\n  ✕ an order is paid (211 ms)\n\n  ● an order is paid\n\n    expect(received).toBe(expected) // Object.is equality\n\n" +
        '    Expected: "paid"\n    Received: undefined\n\n      at Object.toBe (orders.test.js:6:61)\n\n' +
        "Test Suites: 1 failed, 1 total\nTests:       1 failed, 1 passed, 2 total\nRan all test suites.\n",
      stdout: "",
      line: "expect(received).toBe(expected) // Object.is equality",
    },
    {
      why: "the error of a unittest, and not its sum",
      stderr:
        "ERROR: test_pay (test_orders.Orders)\n----\nTraceback (most recent call last):\nValueError: no such order\n\nRan 2 tests in 0.1s\n\nFAILED (errors=1)\n",
      stdout: "",
      line: "ValueError: no such order",
    },
    {
      why: "what a Rust test panicked with, and not what cargo says of it",
      stderr: "error: test failed, to rerun pass `--lib`\n",
      stdout:
        "thread 'orders::pay' panicked at src/lib.rs:5:9: order is new\ntest result: FAILED. 0 passed; 1 failed; 0 ignored\n",
      line: "thread 'orders::pay' panicked at src/lib.rs:#: order is new",
    },
    {
      why: "the program's own, and not what make says of it",
      stderr: "curl: (56) Recv failure: Connection reset by peer\nmake: *** [Makefile:3: test] Error 56\n",
      stdout: "",
      line: "curl: (#) Recv failure: Connection reset by peer",
    },
    {
      why: "how many failed where there is nothing else",
      stderr: "",
      stdout: "2 failed, 1 passed in 0.79s\n",
      line: "# failed, # passed in #s",
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
