/** Replay files: what is written is a profile that a daemon takes, is read back as it was, and says its mistakes as profiles do. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { SquallError } from "../../../src/core/errors.js";
import { caseLines, caseText, type ReplayCase } from "../../../src/sweep/replay/case-file.js";
import { Failures } from "../../../src/sweep/replay/failures.js";
import { onlyProfile, readCase, shrinkable } from "../../../src/sweep/replay/read-case.js";
import { runBlockOf } from "../../../src/sweep/replay/run-block.js";
import { readRun, type RunSources } from "../../../src/sweep/run-file/read.js";

const CASE: ReplayCase = {
  title: "complete:lost:first -> job 4 is done twice",
  signature: "WRONG audit:/duplicates",
  sites: ["jobs bot-# POST /v1/jobs/:n/complete"],
  foundBy: "sweep complete:lost:first",
  seed: 7,
  failed: { failed: 3, runs: 3 },
  clean: { failed: 0, runs: 9 },
  shrunk: { from: 50, to: 1, runs: 14, took: 38_400, partly: null, level: "hits" },
  threshold: null,
  folder: "",
  run: {
    command: ["npm", "test"],
    setup: "./reset-db.sh",
    proxies: { jobs: { upstream: "http://127.0.0.1:3000" } },
  },
  faults: [
    {
      name: "f1",
      type: "lost_response",
      then: "reset",
      match: { method: "POST", path: "/v1/jobs/:n/complete" },
      when: { only: [1], per: ["bot", "route"] },
    },
  ],
};

const TEXT = caseText("case-0007", CASE, "v22.9.0");

describe("a replay file", () => {
  it("is a profile with a case", () => {
    expect(parse(TEXT)).toMatchObject({
      profile: "case-0007",
      case: {
        version: 1,
        signature: "WRONG audit:/duplicates",
        failed: "3 of 3",
        clean: "0 of 9",
        shrunk: { from: 50, to: 1, runs: 14, took: "38s" },
        threshold: null,
      },
    });
  });

  it("is read back as it was written", () => {
    const read = readCase(TEXT, ".squall/failures/0007.yaml");
    expect(read.faults).toEqual(CASE.faults);
    expect(read.case).toMatchObject({ seed: 7, failed: { of: 3, among: 3 }, clean: { of: 0, among: 9 } });
    expect(parse(read.run.text)).toEqual(CASE.run);
    expect(caseLines(read.case)).toEqual([
      "A replay file: complete:lost:first -> job 4 is done twice",
      "Known by: WRONG audit:/duplicates",
      "Failed 3 of 3 runs, and 0 of 9 without faults; found by sweep complete:lost:first",
      "Runs: npm test",
      "Shrunk from 50 to 1 in 14 runs (38s)",
    ]);
  });

  it.each([
    ["version: 1", "version: 2", "the only version there is"],
    ["failed: 3 of 3", "failed: all", "expected a count such as 3 of 3"],
    ["failed: 3 of 3", "failed: 4 of 3", "no more can fail than were run"],
    ["signature:", "signatur:", "signature"],
    ["faults:", "phases: [{ phase: one }]\nfaults:", "no phases"],
  ])("with %j made %j is refused with its place", (from, to, message) => {
    const read = (): unknown => readCase(TEXT.replace(from, to), "0007.yaml");
    expect(read).toThrow(SquallError);
    try {
      read();
    } catch (error) {
      const details = error instanceof SquallError ? (error.details ?? []) : [];
      expect(details.map((problem) => `${problem.message} ${problem.hint ?? ""}`).join("\n")).toContain(
        message,
      );
      expect(details.every(({ line }) => line > 0)).toBe(true);
    }
  });

  it("that is empty is told as such", () => {
    expect(() => readCase("", "empty.yaml")).toThrow(
      /^empty\.yaml:1:1 expected a profile, and there is nothing in the file/u,
    );
  });

  it("without a case is a profile, and no replay file", () => {
    const plain = "profile: plain\nfaults: [{ type: reset }]\n";
    expect(() => readCase(plain, "plain.yaml")).toThrow(/no replay file/u);
  });
});

describe("a profile that is to be shrunk", () => {
  const shrunk = (more: string): unknown => {
    try {
      return shrinkable(onlyProfile(`profile: p\n${more}`, "p.yaml"));
    } catch (error) {
      if (!(error instanceof SquallError)) throw error;
      return (error.details ?? []).map(({ line, column, message }) => `${line}:${column} ${message}`);
    }
  };
  const FAULTS = "faults: [{ type: reset }]\n";
  it.each([
    [FAULTS, [{ type: "reset", name: "reset" }]],
    [
      `${FAULTS}phases: [{ phase: a, for: 1s, faults: [{ type: latency, delay: 1s }] }]\n`,
      ["3:9 a profile that is shrunk has its faults under faults, and no phases"],
    ],
    [
      `${FAULTS}params: { wait: { default: 1s } }\n`,
      ["3:9 a profile that is shrunk has its faults under faults, and no params"],
    ],
    ["faults: []\n", ["1:1 a profile that is shrunk has its faults under faults"]],
  ])("has all of its faults in one list: %j", (more, expected) => {
    expect(shrunk(more)).toEqual(expected);
  });
});

describe("the settings in it", () => {
  const sources = (text: string, more: Partial<RunSources> = {}): RunSources => ({
    file: { file: "squall.run.yaml", text },
    flags: [],
    proxies: [],
    config: null,
    env: {},
    cwd: "/project",
    ...more,
  });
  const RUN = `
command: npm test -- --runInBand
setup: ./reset-db.sh
upstream: node server.js --port {port:server}
ready: http://127.0.0.1:{port:server}/healthz
check: [node, check.js]
audit: http://127.0.0.1:{port:server}/v1/audit
ignore: [/time]
idempotent: POST /v1/jobs/:id/complete
slo: { p95: 800ms, error_rate: 2%, min_samples: 20 }
tolerance: 5%
outage: 8s
outage_ignore: [/totals/expired]
settle: 1500ms
timeout: 90s
env: { JOBS_URL: "{url:jobs}" }
routes: [/v1/jobs/:n]
proxies: { jobs: { upstream: "http://127.0.0.1:{port:server}" } }
`;

  it("give the same run from the file alone, without run file, flags and squall.yaml", () => {
    const config = {
      file: "squall.yaml",
      text: "proxies: { cache: { listen: 127.0.0.1:6380, upstream: tcp://127.0.0.1:6379 } }",
    };
    const settings = readRun(sources(RUN, { config }));
    const block = runBlockOf(settings);
    const text = caseText("case-0001", { ...CASE, run: block }, "v20.0.0");
    const again = readRun(sources("", { file: readCase(text, "0001.yaml").run }));
    const same = ({ proxyNames: names, ...rest }: typeof settings): unknown => ({
      ...rest,
      names: [...names].sort(),
      config: null,
      proxies: null,
      fingerprint: "",
      checked: rest.checked
        .map(({ name, listen, upstream }) => ({ name, listen, upstream }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    });
    expect(same(again)).toEqual(same(settings));
  });
});

describe("the folder of failures", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "squall-failures-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("has whole files under numbers that are never given twice", () => {
    const failures = new Failures(folder);
    expect(failures.all()).toEqual([]);
    const first = failures.write((name) => caseText(name, CASE, "v20.0.0"));
    const second = failures.write((name) => caseText(name, CASE, "v20.0.0"));
    expect([first, second]).toEqual([failures.fileOf(1), failures.fileOf(2)]);
    expect(readCase(readFileSync(second, "utf8"), second).name).toBe("case-0002");
    expect(failures.retire(second)).toBe(join(folder, "failures", "fixed", "0002.yaml"));
    expect(failures.write(() => "")).toBe(failures.fileOf(3));
    expect(failures.all()).toEqual([failures.fileOf(1), failures.fileOf(3)]);
    expect(readdirSync(join(folder, "failures")).sort()).toEqual(["0001.yaml", "0003.yaml", "fixed"]);
  });
});
