/** A report with something of everything, for what is made from reports. */
import type {
  CaseReport,
  FindingReport,
  SiteReport,
  SweepReport,
} from "../../../src/sweep/contract/report.js";
import type { Verdict } from "../../../src/sweep/contract/finding.js";

export const COMPLETE: SiteReport = {
  id: "jobs bot-# POST /v1/jobs/:n/complete",
  protocol: "http",
  proxy: "jobs",
  bot: "bot-1",
  name: "POST /v1/jobs/:n/complete",
  steadiness: "stable",
  counts: [4, 4, 4],
  only_under_faults: false,
};

export const NEXT: SiteReport = {
  ...COMPLETE,
  id: "jobs bot-# GET /v1/jobs/next",
  name: "GET /v1/jobs/next",
  steadiness: "wavering",
  counts: [9, 11, 10],
};

export const REFRESH: SiteReport = {
  ...COMPLETE,
  id: "jobs bot-# POST /v1/token",
  name: "POST /v1/token",
  steadiness: "rare",
  counts: [0, 0, 0],
  only_under_faults: true,
};

export function caseOf(
  site: SiteReport,
  kind: string,
  verdict: Verdict,
  more: Partial<CaseReport> = {},
): CaseReport {
  return {
    id: `${site.id} ${kind}`,
    name: `${site.name.split("/").at(-1) ?? ""}:${kind}:first`,
    cells: [{ site: site.id, kind, ordinal: "first" }],
    verdict,
    alarms: [],
    confirmation: null,
    ms: 2_400,
    exit: "exit 0",
    note: null,
    finding: null,
    folder: null,
    ...more,
  };
}

const confirmation = { failed: 3, runs: 3, controls: { failed: 0, runs: 9 } };
const wrong = "answer of complete lost -> job 4 done twice";

export const FINDING: FindingReport = {
  number: 1,
  verdict: "WRONG",
  signature: "audit:/duplicates",
  title: wrong,
  confirmation,
  case: "a0",
  cases: ["a0", "a1"],
  file: ".squall/failures/0001.yaml",
  replay: "squall replay .squall/failures/0001.yaml",
  timeline: [
    {
      at_ms: 812,
      over_ms: 816.5,
      bot: "bot-1",
      what: "POST /v1/jobs/4/complete",
      client: "nothing, reset",
      upstream: "200",
      forwarded: true,
      responded: true,
      delivered: false,
      faults: ["f1"],
      extra: false,
    },
    {
      at_ms: 1_020,
      over_ms: 1_024,
      bot: "bot-1",
      what: "POST /v1/jobs/4/complete",
      client: "409",
      upstream: "409",
      forwarded: true,
      responded: true,
      delivered: true,
      faults: [],
      extra: true,
    },
  ],
  journal: ['{"seq":3,"kind":"fault_hit","fault":"f1"}'],
  stderr: ["Error: job 4 <done> & done again"],
};

export const SAMPLE: SweepReport = {
  version: 1,
  made_by: { squall: "0.1.0", node: "v20.19.0" },
  command: ["npm", "test", "--", "it's here"],
  seed: 7,
  started: "2026-03-01T14:03:07.120Z",
  took_ms: 280_000,
  workers: 1,
  stopped: null,
  baselines: [2_350, 2_400, 2_380].map((ms) => ({
    ms,
    exit: "exit 0",
    exchanges: 61,
    connections: 0,
    queries: 0,
    flows: 0,
  })),
  controls: { failed: 0, runs: 9 },
  runs: 24,
  sites: [COMPLETE, NEXT, REFRESH],
  kinds: [
    { name: "lost", about: "the response is lost, and the connection reset", protocol: "http" },
    { name: "lost-silent", about: "the response is lost, and nothing says so", protocol: "http" },
    { name: "503", about: "a balancer responds with 503", protocol: "http" },
    { name: "stale", about: "an older response", protocol: "http" },
    { name: "unused", about: "of no site", protocol: "tcp" },
  ],
  cases: [
    caseOf(COMPLETE, "lost", "WRONG", {
      id: "a0",
      name: "complete:lost:first",
      alarms: [{ verdict: "WRONG", oracle: "O4", signature: "audit:/duplicates", text: wrong }],
      confirmation,
      finding: 1,
    }),
    caseOf(COMPLETE, "lost-silent", "WRONG", {
      id: "a1",
      name: "complete:lost-silent:first",
      confirmation,
      finding: 1,
    }),
    caseOf(COMPLETE, "503", "survived"),
    caseOf(NEXT, "lost", "survived"),
    caseOf(NEXT, "lost-silent", "HUNG", { exit: "hung for 30 s" }),
    caseOf(NEXT, "503", "FLAKY", {
      confirmation: { failed: 2, runs: 10, controls: { failed: 0, runs: 9 } },
      alarms: [{ verdict: "FAILED", oracle: "O1", signature: "exit 1", text: "exit 1: a|b\u0007" }],
    }),
    caseOf(NEXT, "stale", "not reached", { ms: null, exit: null }),
    caseOf(COMPLETE, "lost", "survived", {
      name: "complete:lost + complete:lost",
      cells: [
        { site: COMPLETE.id, kind: "lost", ordinal: "first" },
        { site: COMPLETE.id, kind: "lost", ordinal: "second" },
      ],
    }),
  ],
  findings: [FINDING],
  coverage: {
    cells: [{ ordinal: "first", hit: 6, applicable: 7 }],
    pairs: { hit: 1, applicable: 1 },
    required: null,
  },
  strict: false,
  exit_code: 1,
};
