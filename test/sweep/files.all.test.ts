/** `squall sweep` and `squall replay` as processes, and their files: where they lie, what a CI job is shown, and what is told where none can be written. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { squall, type Said } from "../support/process.js";
import { CLIENT, SERVER } from "./harness/scene.js";

/** Asks once more, and never fails. */
const SOUND = `
const ask = () => fetch(process.env.SQUALL_URL_JOBS + "/v1/jobs", { headers: { connection: "close" } });
ask().catch(ask).then((answer) => answer.text());
`;

const RUN = `
upstream: exec node server.cjs {port:server}
ready: http://127.0.0.1:{port:server}/
proxies: { jobs: { upstream: "http://127.0.0.1:{port:server}" } }
baselines: 1
directory: out
kinds: lost
`;

let folder = "";
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "squall-files-")));
  writeFileSync(join(folder, "server.cjs"), SERVER);
  writeFileSync(join(folder, "client.cjs"), CLIENT);
  writeFileSync(join(folder, "sound.cjs"), SOUND);
  writeFileSync(join(folder, "squall.run.yaml"), RUN);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const run = (words: readonly string[], env: Record<string, string> = {}): Promise<Said> =>
  squall(words, { cwd: folder, env });
const sweep = (client: string, env: Record<string, string> = {}): Promise<Said> =>
  run(["sweep", "--no-pairs", "--", "node", client], env);

describe("the files of a sweep", () => {
  it("are found again by their numbers in the folder that the run file names", async () => {
    const swept = await sweep("client.cjs");
    expect([swept.code, swept.out]).toEqual([
      1,
      expect.stringContaining("squall replay out/failures/0001.yaml"),
    ]);
    const replayed = await run(["replay", "1"]);
    expect([replayed.code, replayed.out]).toEqual([
      1,
      expect.stringMatching(/^FAILED 3\/3 +out\/failures\/0001/u),
    ]);
    expect(replayed.out).toContain("all of a run: out/runs/");
  });

  it("begin anew after a sweep that was to end with its first finding, for that may be mended now", async () => {
    const words = ["sweep", "--no-pairs", "--fail-fast", "--kinds", "lost,503", "--", "node", "client.cjs"];
    const first = await run(words);
    expect([first.code, first.out]).toEqual([1, expect.stringContaining("1 not run")]);
    writeFileSync(join(folder, "client.cjs"), SOUND);
    const second = await run(words);
    expect([second.code, second.out]).toEqual([0, expect.stringContaining("2 survived")]);
  });

  it("are told of where one cannot be written, and what was found is printed all the same", async () => {
    mkdirSync(join(folder, "out/report.html"), { recursive: true });
    const { out, err, code } = await sweep("sound.cjs");
    expect(out).toContain("1 case: 1 survived");
    expect(err).toContain(
      `squall: cannot write ${join(folder, "out/report.html")}: there is a folder where a file is to be\n`,
    );
    expect([code, err]).toEqual([6, expect.stringContaining("sweep: not all reports could be written")]);
    expect(readFileSync(join(folder, "out/junit.xml"), "utf8")).toContain("<testsuite");
  });

  it("are on the page of a job of GitHub Actions, which names a file for it", async () => {
    const { code } = await sweep("sound.cjs", { GITHUB_STEP_SUMMARY: "summary.md" });
    expect(code).toBe(0);
    expect(readFileSync(join(folder, "summary.md"), "utf8")).toMatch(/^## squall sweep: /u);
  });
});
