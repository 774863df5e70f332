/** `squall sweep` from end to end over the example: the sound bot raises no alarm, and a flawed one is caught for its flaw. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SweepReport } from "../../src/sweep/contract/report.js";
import { ROOT } from "../support/process.js";

const MAIN = join(ROOT, "dist/main.js");
const RUN = join(ROOT, "examples/sweep/squall.run.yaml");

interface Swept {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly report: SweepReport;
}

/** A run more where other programs had the processors: what failed for want of one is run once more alone. */
const EACH_TIME = /^(?:3 of 3|4 of 4), 0 without$/u;

function shareOf(finding: SweepReport["findings"][number] | undefined): string {
  const { failed, runs, controls } = finding?.confirmation ?? { failed: 0, runs: 0, controls: { failed: 0 } };
  return `${failed} of ${runs}, ${controls.failed} without`;
}

describe("squall sweep", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "squall-sweep-"));
    symlinkSync(MAIN, join(folder, "squall"));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function swept(flaw: string | null, ...words: readonly string[]): Promise<Swept> {
    const directory = join(folder, flaw ?? "sound");
    const child = spawn(
      process.execPath,
      [MAIN, "sweep", "--run", RUN, "--directory", directory, "--no-pairs", ...words],
      {
        cwd: folder,
        env: {
          ...process.env,
          PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}`,
          BOT_FLAGS: flaw === null ? "" : `--flaw ${flaw}`,
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    const report = JSON.parse(readFileSync(join(directory, "report.json"), "utf8")) as SweepReport;
    return { code, out, err, report };
  }

  it("has nothing against the sound bot", async () => {
    const { code, report, out } = await swept(
      null,
      "--strict",
      "--only",
      "complete:lost:first",
      "--only",
      "lease:503:first",
    );
    expect(report.findings).toEqual([]);
    expect(report.cases.map(({ verdict }) => verdict)).toEqual(
      ["survived", "survived", "survived"].slice(0, report.cases.length),
    );
    expect(code).toBe(0);
    expect(out).toContain("no finding");
  });

  it("catches no-verify over TLS, though the bot does all of its work and its command passes", async () => {
    const overTls = ["--secure", "jobs", "--env", "JOBS_URL=https://jobs.example:{port:jobs}"];
    const only = ["--only", "tls:unknown-ca", "--only", "tls:wrong-host", "--only", "tls:reset"];
    const flawed = await swept("no-verify", ...overTls, ...only);
    expect(flawed.code).toBe(1);
    expect(flawed.report.findings).toMatchObject([
      {
        verdict: "WRONG",
        signature: "WRONG accepted a wrong certificate: TLS to jobs as jobs.example",
      },
    ]);
    expect(shareOf(flawed.report.findings[0])).toMatch(EACH_TIME);
    expect(flawed.report.cases.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      "tls:reset:first survived",
      "tls:unknown-ca:first WRONG",
      "tls:wrong-host:first WRONG",
    ]);
    const sound = await swept(null, ...overTls, ...only);
    expect([sound.code, sound.report.findings]).toEqual([0, []]);
  });

  it.each([
    { flaw: "dies-on-reset", only: "complete:lost:first", signature: /^FAILED exit 1/u },
    { flaw: "lost-lease", only: "lease:lost:first", signature: /expired|rekeyed/u },
    { flaw: "one-strike", only: "heartbeat:503:first", signature: /^WRONG audit/u },
    { flaw: "ignores-retry-after", only: "heartbeat:429:first", signature: /^SUSPECT early/u },
  ])("catches $flaw by $only", async ({ flaw, only, signature }) => {
    const { code, report, out } = await swept(flaw, "--strict", "--only", only);
    expect(report.findings.map((finding) => finding.signature)).toEqual([expect.stringMatching(signature)]);
    const [finding] = report.findings;
    expect(shareOf(finding)).toMatch(EACH_TIME);
    expect(finding?.replay).toMatch(/^squall replay .*failures\/0001\.yaml$/u);
    expect(out).toContain(finding?.replay ?? "no replay line");
    expect(code).toBe(1);
  });
});
