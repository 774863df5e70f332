/** What a server may do after faults that last, and after no others: `outage_ignore`. */
import { expect, it } from "vitest";
import type { FaultInput } from "../../../src/sweep/contract/run.js";
import { judgeBy } from "../../../src/sweep/oracles/judge.js";
import { call, fault, placeOf, PLAIN, run } from "../../support/runs.js";

const JOB = [call(0, "POST /v1/lease", { request: { key: "a" } }), call(100, "POST /v1/jobs/7/complete")];
const usual = [1, 2, 3].map(() => run(JOB, { audit: { expired: 0, lost: 0 } }));
const judge = judgeBy(usual, placeOf, { ...PLAIN, outageIgnore: ["/expired"] });
const after = (faults: readonly FaultInput[], audit: unknown): string[] =>
  judge(run(JOB, { audit }), faults).alarms.map(({ signature }) => signature);
const lost = (when?: object): FaultInput => fault("lost_request", when === undefined ? {} : { when });

const OUTAGE = lost({ only: [1], lasts: "8s" });

it.each<[string, readonly FaultInput[], boolean]>([
  ["an outage", [OUTAGE], true],
  ["whatever is hit time and again", [lost({ only: [1], follow: "retries" })], true],
  ["what is hit without end", [lost()], true],
  ["five hits", [lost({ only: [1, 2, 3, 4, 5] })], true],
  ["a hit of each bot, said as a count", [lost({ count: 1, per: "bot" })], true],
  ["a pair of two hits each", [lost({ only: [1, 2] }), lost({ only: [1, 2] })], false],
  ["a pair of which one is an outage", [lost({ only: [1] }), OUTAGE], true],
  ["one hit", [lost({ only: [1] })], false],
  ["one hit, said as a count", [lost({ count: 1 })], false],
])("a server that has given work away after %s is judged as it is to be", (_what, faults, isRight) => {
  expect(after(faults, { expired: 1, lost: 0 })).toEqual(isRight ? [] : ["audit:/expired"]);
});

it("an outage spares nothing that is not named", () => {
  expect(after([OUTAGE], { expired: 1, lost: 1 })).toEqual(["audit:/lost"]);
});
