/** Scenes for the harness: a server and commands in a folder of their own, and a runner for them that is closed at the end. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { startRunner, type HarnessRunner, type RunnerOptions } from "../../../src/sweep/harness/runner.js";
import { readRun, type RunSources } from "../../../src/sweep/run-file/read.js";
import type { RunPlan } from "../../../src/sweep/contract/run.js";

export const HOME = resolve(import.meta.dirname, "../../..");

/** Answers its number of POSTs at /v1/audit, and 200 everywhere else. */
export const SERVER = `
const { createServer } = require("node:http");
let posts = 0;
createServer((request, response) => {
  if (request.url === "/die") process.exit(9);
  if (request.method === "POST") posts++;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(request.url === "/v1/audit" ? { posts, at: process.pid } : { ok: true }));
}).listen(Number(process.argv[2]), "127.0.0.1");
`;

/** Posts once; fails if it is not told 200. */
export const CLIENT = `
fetch(process.env.SQUALL_URL_JOBS + "/v1/jobs", { method: "POST", headers: { connection: "close" } })
  .then((answer) => { process.exitCode = answer.status === 200 ? 0 : 3; })
  .catch((error) => { console.error(String(error.cause ?? error)); process.exitCode = 4; });
`;

export interface Scene {
  readonly folder: string;
  readonly file: (name: string, text: string) => string;
  readonly start: (
    text: string,
    more?: Partial<RunnerOptions> & { words?: readonly string[] },
  ) => Promise<HarnessRunner>;
}

/** A folder with `server.cjs` and `client.cjs`. When the test that asked for it is over, its runners and the folder are gone. */
export function scene(): Scene {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "squall-scene-")));
  const open: HarnessRunner[] = [];
  onTestFinished(async () => {
    await Promise.all(open.splice(0).map((runner) => runner.close()));
    rmSync(folder, { recursive: true, force: true });
  });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  file("server.cjs", SERVER);
  file("client.cjs", CLIENT);
  return {
    folder,
    file,
    start: async (text, { words, ...more } = {}) => {
      const settings = readRun(sourcesIn(folder, text, words));
      const runner = await startRunner({
        settings,
        env: process.env,
        cwd: folder,
        home: HOME,
        signal: new AbortController().signal,
        ...more,
      });
      open.push(runner);
      return runner;
    },
  };
}

export function sourcesIn(cwd: string, text: string, words?: readonly string[]): RunSources {
  return {
    file: { file: "squall.run.yaml", text },
    flags: words === undefined ? [] : [{ key: "command", value: words, flag: "--command" }],
    proxies: [],
    config: null,
    env: {},
    cwd,
  };
}

export const plan = (more: Partial<RunPlan> = {}): RunPlan => ({
  label: "a run",
  faults: [],
  seed: 7,
  ...more,
});

export const WITH_SERVER = `
command: [node, client.cjs]
upstream: exec node server.cjs {port:server}
audit: http://127.0.0.1:{port:server}/v1/audit
ignore: [/at]
proxies: { jobs: { upstream: "http://127.0.0.1:{port:server}" } }
`;
