/** `squall shrink`, `replay` and `hunt` over a real command: the file alone brings the failure about in a clean checkout, until it is mended. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Io } from "../../../src/cli/io.js";
import { commandHere } from "../../support/command-here.js";
import type { Said } from "../../support/process.js";

/** Counts how often each job was completed. */
const SERVER = `
const { createServer } = require("node:http");
const done = {};
createServer((request, response) => {
  if (request.method === "POST") done[request.url] = (done[request.url] ?? 0) + 1;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(request.url === "/audit" ? done : { ok: true }));
}).listen(Number(process.argv[2]), "127.0.0.1");
`;

/** Completes four jobs, each once more where no answer came: the server does it twice then. */
const CLIENT = `
const post = (job) => fetch(process.env.JOBS_URL + "/v1/jobs/" + job + "/complete", { method: "POST", headers: { connection: "close" } });
(async () => { for (let job = 1; job <= 4; job++) await post(job).catch(() => REPEAT); })();
`;
const FLAWED = CLIENT.replace("REPEAT", "post(job).catch(() => null)");
const MENDED = CLIENT.replace("REPEAT", "null");

const RUN = `
command: [node, client.cjs]
upstream: node server.cjs {port:server}
proxies: { jobs: { upstream: "http://127.0.0.1:{port:server}" } }
env: { JOBS_URL: "{url:jobs}" }
audit: http://127.0.0.1:{port:server}/audit
baselines: 2
settle: 0s
timeout: 20s
`;

const LOST = "profile: lost\nfaults: [{ type: lost_response, then: reset, match: { method: POST } }]\n";

let folder = "";
let clean = "";
beforeEach(() => {
  [folder = "", clean = ""] = [1, 2].map(() => realpathSync(mkdtempSync(join(tmpdir(), "squall-replay-"))));
  writeFileSync(join(folder, "squall.run.yaml"), RUN);
  writeFileSync(join(folder, "lost.yaml"), LOST);
  for (const place of [folder, clean]) {
    writeFileSync(join(place, "server.cjs"), SERVER);
    writeFileSync(join(place, "client.cjs"), FLAWED);
  }
});
afterEach(() => {
  for (const place of [folder, clean]) rmSync(place, { recursive: true, force: true });
});

const NEVER = new Promise<string>(() => undefined);
const squall = (cwd: string, words: readonly string[], world: Partial<Io> = {}): Promise<Said> =>
  commandHere(words, { cwd, env: process.env, stopped: NEVER, ...world });

describe("a failing run", () => {
  it("is shrunk to one fault, whose file alone replays it elsewhere until the program is mended", async () => {
    const shrunk = await squall(folder, ["shrink", "lost.yaml"]);
    expect(shrunk).toMatchObject({ code: 0 });
    expect(shrunk.out).toMatch(/^8 hits -> 1 in \d+ runs/u);
    const file = join(".squall", "failures", "0001.yaml");
    const text = readFileSync(join(folder, file), "utf8");
    expect(text).toContain("signature: WRONG audit:");
    expect(text).toContain("failed: 3 of 3");

    copyFileSync(join(folder, file), join(clean, "case.yaml"));
    const failed = await squall(clean, ["replay", "case.yaml"]);
    expect(failed.code).toBe(1);
    expect(failed.out).toMatch(/^FAILED 3\/3 +case\.yaml/u);

    writeFileSync(join(folder, "client.cjs"), MENDED);
    const fixed = await squall(folder, ["replay", "all", "--prune"]);
    expect(fixed.code).toBe(0);
    expect(fixed.out).toMatch(/^FIXED 0\/3/u);
    expect(readdirSync(join(folder, ".squall", "failures"))).toEqual(["fixed"]);

    writeFileSync(join(clean, "client.cjs"), "fetch(process.env.JOBS_URL + '/health');");
    const missed = await squall(clean, ["replay", "case.yaml", "--json"]);
    expect(missed.code).toBe(6);
    expect(JSON.parse(missed.out)).toMatchObject({ event: "replayed", word: "NOT REACHED", runs: 0 });

    writeFileSync(join(clean, "client.cjs"), "process.exitCode = 3;");
    const broken = await squall(clean, ["replay", "case.yaml"]);
    expect(broken.code).toBe(5);
    expect(broken.err).toContain("the command fails without any fault");
  });

  it("is replayed by its journal, and shrunk from its folder", async () => {
    await squall(folder, ["shrink", "lost.yaml", "--runs", "1"]);
    const runs = readdirSync(join(folder, ".squall", "runs")).sort();
    const last = runs.at(-1) ?? "";
    const journal = await squall(folder, [
      "replay",
      "--journal",
      join(".squall", "runs", last, "journal.jsonl"),
    ]);
    expect(journal.code).toBe(1);
    expect(journal.out).toMatch(/^FAILED 3\/3/u);
    const again = await squall(folder, ["shrink", String(Number(last))]);
    expect(again.out).toMatch(/ -> 1 in \d+ runs/u);
  });
});

it("a case is held for a debugger until it is told to stop, and heals", async () => {
  await squall(folder, ["shrink", "lost.yaml"]);
  let stop = (_why: string): void => undefined;
  const stopped = new Promise<string>((resolve) => (stop = resolve));
  let said = "";
  let asked: Promise<unknown> = Promise.resolve();
  const out = (text: string): void => {
    said += text;
    const url = /JOBS_URL=(\S+)/u.exec(text)?.[1];
    if (url === undefined) return;
    asked = fetch(`${url}/v1/jobs/1/complete`, { method: "POST" }).then(
      () => "answered",
      () => "lost",
    );
    void asked.then(() => {
      stop("SIGINT");
    });
  };
  const { code } = await squall(folder, ["replay", "1", "--hold"], { stopped, out });
  expect([code, await asked]).toEqual([0, "lost"]);
  expect(said).toContain("node client.cjs");
  expect(said).toContain("1 hit");
});

it("a hunt files what it finds, each as small as it can be, and ends with a sentence that holds", async () => {
  const words = [
    "hunt",
    "--seed",
    "4",
    "--trials",
    "6",
    "--kinds",
    "lost,request-lost",
    "--shrink-runs",
    "30",
  ];
  const { code, out } = await squall(folder, words);
  expect(out).toMatch(/^\d+ of \d trials failed, in \d ways?$/mu);
  expect(code).toBe(1);
  const first = join(folder, ".squall", "failures", "0001.yaml");
  expect(existsSync(first)).toBe(true);
  expect(readFileSync(first, "utf8")).toMatch(/found_by: hunt --seed 4 --trial \d/u);
});
