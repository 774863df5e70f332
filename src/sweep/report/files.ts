/** The files of a report, all made from one value. Each is there whole or not at all. */
import { appendFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pid } from "node:process";
import type { SweepReport } from "../contract/report.js";
import { whyUnwritten } from "../harness/writing.js";
import { coveragePage } from "./coverage-page.js";
import { ctrfJson } from "./ctrf.js";
import { junitXml } from "./junit.js";
import { markdownText } from "./markdown.js";
import { pageHtml } from "./page.js";
import { reportJson } from "./schema.js";

/** By the name of the file. */
export const REPORT_FILES: Readonly<Record<string, (report: SweepReport) => string>> = {
  "report.json": reportJson,
  "report.html": pageHtml,
  "report.md": markdownText,
  "junit.xml": junitXml,
  "ctrf.json": ctrfJson,
  "coverage.md": coveragePage,
};

export interface WrittenReports {
  /** Paths of those that are there now. */
  readonly files: readonly string[];
  /** `report.html: no space is left on the disk`: why one is missing, or the old one is there still; null if all are new. */
  readonly unwritten: string | null;
}

/** Writes them all into a folder, which is made if need be. One that cannot be written keeps none of the others back. */
export async function writeReports(report: SweepReport, folder: string): Promise<WrittenReports> {
  const files: string[] = [];
  const missing: string[] = [];
  for (const [name, make] of Object.entries(REPORT_FILES)) {
    const path = join(folder, name);
    try {
      await mkdir(folder, { recursive: true });
      await writeWhole(path, make(report));
      files.push(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      missing.push(`${path}: ${whyUnwritten(error)}`);
    }
  }
  return { files, unwritten: missing.length === 0 ? null : missing.join("; ") };
}

/** Under a name of its own first, so that nobody ever reads half of it. */
async function writeWhole(path: string, text: string): Promise<void> {
  const unready = `${path}.${String(pid)}.tmp`;
  try {
    await writeFile(unready, text, { mode: 0o644 });
    await rename(unready, path);
  } catch (error) {
    await rm(unready, { force: true });
    throw error;
  }
}

/** Adds the Markdown to the summary of a CI job, where the CI server has named a file for it (`GITHUB_STEP_SUMMARY`). */
export async function addStepSummary(report: SweepReport, file: string): Promise<void> {
  await appendFile(file, `${markdownText(report)}\n`);
}
