/** The files of a report: each in the form that its readers know, and harmless whatever bots and servers wrote into it. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { SweepReport } from "../../../src/sweep/contract/report.js";
import { AREAS, coveragePage } from "../../../src/sweep/report/coverage-page.js";
import { addStepSummary, REPORT_FILES, writeReports } from "../../../src/sweep/report/files.js";
import { ctrfJson } from "../../../src/sweep/report/ctrf.js";
import { junitXml } from "../../../src/sweep/report/junit.js";
import { markdownText } from "../../../src/sweep/report/markdown.js";
import { pageHtml } from "../../../src/sweep/report/page.js";
import { reportJson, reportSchema } from "../../../src/sweep/report/schema.js";
import { KINDS } from "../../../src/sweep/kinds/kinds.js";
import { tableText } from "../../../src/sweep/report/table.js";
import { COMPLETE, FINDING, SAMPLE, caseOf } from "./sample.js";

const HOSTILE = `</pre><script>alert(1)</script>"'&]]>|\`@all\u0000\ud800`;

/** Whatever a command, a bot or a server can choose. */
const hostile: SweepReport = {
  ...SAMPLE,
  command: HOSTILE,
  stopped: HOSTILE,
  sites: [{ ...COMPLETE, name: HOSTILE, bot: HOSTILE, proxy: HOSTILE }],
  cases: [
    caseOf(COMPLETE, "lost", "FAILED", {
      name: HOSTILE,
      alarms: [{ verdict: "FAILED", oracle: "O1", signature: HOSTILE, text: HOSTILE }],
      exit: HOSTILE,
      finding: 1,
    }),
    caseOf(COMPLETE, "503", "not reached", { name: HOSTILE }),
  ],
  findings: [
    {
      ...FINDING,
      title: HOSTILE,
      replay: HOSTILE,
      cases: [HOSTILE, HOSTILE],
      timeline: FINDING.timeline.map((row) => ({
        ...row,
        bot: HOSTILE,
        what: HOSTILE,
        client: HOSTILE,
        upstream: HOSTILE,
      })),
      journal: [HOSTILE],
      stderr: [HOSTILE],
    },
  ],
};

/** Tags and their text, by the rules of XML: each that is opened is closed, in order. Throws where it is not so. */
function tagsOf(xml: string): string[] {
  const open: string[] = [];
  const seen: string[] = [];
  const rest = xml
    .replace(/^<\?xml[^?]*\?>/u, "")
    .replace(
      /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>/gu,
      (_whole, close: string, name: string, _attributes, alone: string) => {
        if (close === "/") {
          if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
        } else {
          seen.push(name);
          if (alone === "") open.push(name);
        }
        return "";
      },
    );
  if (open.length > 0 || /[<>]|&(?!(?:amp|lt|gt|quot|#39);)/u.test(rest))
    throw new Error(`left: ${rest.slice(0, 200)}`);
  return seen;
}

describe("report.json", () => {
  const schema = reportSchema();
  const valid = new Ajv2020({ strictTypes: false }).compile(schema);

  it("has the committed schema", async () => {
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(
      new URL("../../../schema/sweep-report.schema.json", import.meta.url).pathname,
    );
  });

  it.each([
    ["the sample", SAMPLE],
    ["a hostile one", hostile],
  ])("is what the schema says: %s", (_name, report) => {
    valid(JSON.parse(reportJson(report)));
    expect(valid.errors).toBeNull();
    expect(JSON.parse(reportJson(report))).toEqual(report);
  });

  it("does not pass with a verdict that there is not", () => {
    const cases = [{ ...SAMPLE.cases[0], verdict: "fine" }];
    expect(valid({ ...SAMPLE, cases })).toBe(false);
  });
});

describe("junit.xml", () => {
  it("has a suite for each site and counts that add up", () => {
    const xml = junitXml(SAMPLE);
    expect(tagsOf(xml).filter((name) => name === "testsuite")).toHaveLength(2);
    expect(tagsOf(xml).filter((name) => name === "testcase")).toHaveLength(8);
    expect(xml).toContain(
      `<testsuites name="squall sweep: npm test -- &#39;it&#39;\\&#39;&#39;s here&#39;" tests="8" failures="2" errors="1" skipped="1" time="16.800">`,
    );
    expect(xml.match(/<failure /gu)).toHaveLength(2);
    expect(xml).toContain('type="hung"');
    expect(xml).toContain('<skipped message="not reached"/>');
    expect(xml.match(/<rerunFailure /gu)).toHaveLength(4);
    expect(xml).toContain('<flakyFailure message="exit 1: a|b\ufffd" type="FLAKY">');
    expect(xml).toContain("squall replay .squall/failures/0001.yaml</system-out>");
  });

  it("counts doubts as failures if they are to count", () => {
    expect(junitXml({ ...SAMPLE, strict: true })).toContain('failures="3" errors="1"');
  });

  it("is XML whatever texts it has", () => {
    expect(tagsOf(junitXml(hostile))).not.toContain("script");
  });
});

describe("report.md", () => {
  it("has the findings first, then everything, then what is not known", () => {
    const text = markdownText(SAMPLE);
    expect(text).toContain("## squall sweep: 1 finding\n\n`npm test -- 'it'\\''s here'`");
    expect(text).toContain(
      "| 1 | WRONG | answer of complete lost -&gt; job 4 done twice | 3 of 3, fault-free 0 of 9 | `squall replay .squall/failures/0001.yaml` |",
    );
    expect(text).toContain("| `GET /v1/jobs/next` | ✓ | H | ~ | ○ |");
    expect(text).toContain("not reached (1): `next:stale:first`");
  });

  it("keeps texts in their cells", () => {
    const lines = markdownText(hostile).split("\n");
    const bars = (line: string): number => line.replaceAll("\\|", "").split("|").length;
    const table = lines.filter((line) => line.startsWith("| "));
    expect(new Set(table.slice(0, 3).map(bars)).size).toBe(1);
    expect(lines.filter((line) => line.includes("<script>") && !line.includes("`"))).toEqual([]);
  });

  it("leaves the grid out where a step summary would be too large for it", () => {
    const sites = Array.from({ length: 9_000 }, (_, index) => ({
      ...COMPLETE,
      id: `site ${String(index)}`,
      name: `POST /${"x".repeat(100)}/${String(index)}`,
    }));
    const cases = sites.map((site) => caseOf(site, "lost", "survived"));
    const text = markdownText({ ...SAMPLE, sites, cases });
    expect(text.length).toBeLessThan(1_000_000);
    expect(text).toContain("too large for this place");
  });
});

describe("report.html", () => {
  it("asks nothing of the network, runs nothing, and shows both sides of each finding", () => {
    const html = pageHtml(SAMPLE);
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/<script|src=|href="(?!#)|url\(|@import/u);
    expect(html).toContain('<a href="#finding-1">✗ 1</a>');
    expect(html).toContain('<details id="finding-1" open>');
    expect(html).toContain(
      "with the same outcome: <code>complete:lost:first</code>, <code>complete:lost-silent:first</code>",
    );
    expect(html).toContain(">nothing, reset</text>");
    expect(html).toContain(">not in fault-free runs</text>");
    expect(html).toContain("Error: job 4 &lt;done&gt; &amp; done again");
    expect(html).toContain("squall replay .squall/failures/0001.yaml");
  });

  it("is well formed and holds no foreign tag, whatever texts it has", () => {
    for (const report of [SAMPLE, hostile]) {
      const html = pageHtml(report)
        .replace("<!doctype html>", "")
        .replace(/<style>[^<]*<\/style>/u, "")
        .replace(/<(meta|br)([^>]*)>/gu, "<$1$2/>");
      expect(tagsOf(html.replaceAll(" open>", ' open="">'))).not.toContain("script");
    }
  });
});

describe("coverage.md", () => {
  it("has areas, what survived, the gaps and which come first", () => {
    const rows = coveragePage(SAMPLE)
      .split("\n")
      .map((line) => line.split(" | ").filter((_, column) => column !== 2));
    expect(rows).toContainEqual([
      "| Server failures",
      "Crash after the work, before the response",
      "2 of 5",
      "gap",
      "high",
      "1: answer of complete lost -&gt; job 4 done twice |",
    ]);
    expect(rows).toContainEqual(["| Server failures", "Overload", "1 of 2", "in doubt", "medium", " |"]);
    expect(rows).toContainEqual(["| Security", "Token expiration", "", "not tried", "low", " |"]);
    expect(rows).toContainEqual(["| Other", "of no site", "", "not tried", "low", " |"]);
    const text = coveragePage(SAMPLE);
    expect(text).toContain("which no other test makes: `POST /v1/token`");
  });
});

describe("cases that have no verdict", () => {
  const why = "setup failed: exit code 3";
  const cases = ["lost", "503"].map((kind) =>
    caseOf(COMPLETE, kind, "harness error", { note: why, exit: null }),
  );
  const report = { ...SAMPLE, cases, findings: [] };
  it.each([
    ["the table", tableText],
    ["report.html", pageHtml],
    ["report.md", markdownText],
  ])("are told with their reason in %s", (_name, make) => {
    expect(make(report)).toContain(`no verdict for 2 cases: ${why}`);
  });

  it("are errors with their reason in junit.xml", () => {
    expect(
      junitXml(report).match(/<error message="setup failed: exit code 3" type="harness">/gu),
    ).toHaveLength(2);
  });
});

it("the coverage page has a row for each kind that there is", () => {
  const rows = AREAS.flatMap(({ kinds }) => kinds);
  expect(new Set(rows).size).toBe(rows.length);
  expect([...rows].sort()).toEqual(KINDS.map(({ protocol, name }) => `${protocol} ${name}`).sort());
});

describe("writing them", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "squall-report-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("leaves each whole, in place of the one before, and nothing beside", async () => {
    const into = join(folder, "new", "folder");
    await writeReports(SAMPLE, into);
    await writeReports({ ...SAMPLE, seed: 8 }, into);
    expect(readdirSync(into).sort()).toEqual(Object.keys(REPORT_FILES).sort());
    expect(JSON.parse(readFileSync(join(into, "report.json"), "utf8"))).toMatchObject({ seed: 8 });
  });

  it("says which cannot be written, keeps what was there, and writes the others", async () => {
    mkdirSync(join(folder, "report.html"));
    const { files, unwritten } = await writeReports(SAMPLE, folder);
    expect(unwritten).toBe(`${join(folder, "report.html")}: there is a folder where a file is to be`);
    expect(files.map((file) => basename(file))).toEqual(
      Object.keys(REPORT_FILES).filter((name) => name !== "report.html"),
    );
    expect(readdirSync(folder).sort()).toEqual(Object.keys(REPORT_FILES).sort());
  });

  it("adds to the summary of a CI job, and takes nothing away", async () => {
    const file = join(folder, "summary.md");
    await addStepSummary(SAMPLE, file);
    await addStepSummary(SAMPLE, file);
    expect(readFileSync(file, "utf8").match(/^## squall sweep/gmu)).toHaveLength(2);
  });
});

describe("ctrf.json", () => {
  const count = z.int().min(0);
  const status = z.enum(["passed", "failed", "skipped", "pending", "other"]);
  /** As the schema of CTRF has it, as far as this report goes; what it does not know it refuses. */
  const shape = z.strictObject({
    reportFormat: z.literal("CTRF"),
    specVersion: z.string().regex(/^\d+\.\d+\.\d+$/u),
    timestamp: z.iso.datetime(),
    generatedBy: z.string(),
    results: z.strictObject({
      tool: z.strictObject({ name: z.string().min(1), version: z.string() }),
      summary: z.strictObject({
        tests: count,
        passed: count,
        failed: count,
        skipped: count,
        pending: count,
        other: count,
        flaky: count,
        suites: count,
        start: count,
        stop: count,
        duration: count,
      }),
      tests: z.array(
        z.strictObject({
          name: z.string().min(1),
          status,
          duration: count,
          suite: z.array(z.string()).min(1),
          rawStatus: z.string(),
          type: z.string(),
          tags: z.array(z.string()),
          message: z.string().optional(),
          trace: z.string().optional(),
          flaky: z.boolean().optional(),
          retries: count.optional(),
          extra: z.record(z.string(), z.unknown()),
        }),
      ),
    }),
  });

  it.each([
    ["the sample", SAMPLE],
    ["whatever others wrote", hostile],
  ])("of %s has the form that its readers know, and its sums agree", (_of, report) => {
    const { results } = shape.parse(JSON.parse(ctrfJson(report)));
    const { summary, tests } = results;
    expect(tests).toHaveLength(report.cases.length);
    expect(summary.passed + summary.failed + summary.skipped).toBe(summary.tests);
    for (const word of ["passed", "failed", "skipped"] as const)
      expect(summary[word]).toBe(tests.filter((one) => one.status === word).length);
  });

  it("says of a finding how often it failed and how to see it again, and counts flaky ones if it is strict", () => {
    const flaky: SweepReport = {
      ...SAMPLE,
      cases: [
        caseOf(COMPLETE, "lost", "FLAKY", {
          confirmation: { failed: 3, runs: 10, controls: { failed: 0, runs: 9 } },
          finding: FINDING.number,
        }),
        caseOf(COMPLETE, "503", "not run"),
      ],
    };
    const told = (report: SweepReport): unknown =>
      shape.parse(JSON.parse(ctrfJson(report))).results.tests.map((one) => [one.status, one.rawStatus]);
    expect(told(flaky)).toEqual([
      ["passed", "FLAKY"],
      ["skipped", "not run"],
    ]);
    expect(told({ ...flaky, strict: true })).toEqual([
      ["failed", "FLAKY"],
      ["skipped", "not run"],
    ]);
    expect(shape.parse(JSON.parse(ctrfJson(flaky))).results.tests[0]).toMatchObject({
      flaky: true,
      retries: 9,
      extra: { finding: FINDING.number, replay: FINDING.replay },
    });
  });
});
