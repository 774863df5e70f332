/** Whether bots that run all the time are at a steady state. */
import { expect, it } from "vitest";
import type { RunRecord } from "../../../src/sweep/contract/record.js";
import { onlyBadCalls } from "../../../src/sweep/harness/progress.js";
import { call, run } from "../../support/runs.js";

const { record: NONE } = run([]);
const calls = (...statuses: (number | null)[]): RunRecord =>
  run(statuses.map((clientStatus, at) => call(at, "GET /jobs", { clientStatus }))).record;
const query = (rcode: string | null): RunRecord => ({
  ...NONE,
  queries: [
    { proxy: "names", bot: "b", name: "jobs", type: "A", transport: "udp", at: 1, rcode, faults: [] },
  ],
});

it.each<[string, RunRecord[], boolean]>([
  // Clients that keep one connection for ever: bytes tell how they are.
  ["nothing at all", [NONE, NONE], false],
  ["errors of the server", [calls(502, 503), calls(502)], true],
  ["calls without an answer", [calls(null)], true],
  ["one good call in one run", [calls(502), calls(502, 200)], false],
  // A bot that asks for work gets such answers while there is none.
  ["answers that are no errors of the server", [calls(404, 404)], false],
  ["names that nobody resolves", [query(null), query("SERVFAIL")], true],
  ["names that are not there", [query("NXDOMAIN")], false],
])("of runs with %s", (_what, records, expected) => {
  expect(onlyBadCalls(records)).toBe(expected);
});
