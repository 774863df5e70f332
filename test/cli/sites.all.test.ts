/** `squall sites` with real commands: what it prints, writes and refuses. */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Site } from "../../src/sweep/contract/site.js";
import { squall, type Said } from "../support/process.js";

const SERVER = `
require("node:http").createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ path: request.url }));
}).listen(Number(process.argv[2]), "127.0.0.1");
`;

/** Two workers with jobs of their own; with FLAKY set it does not pass. */
const CLIENT = `
const ask = (bot, method, path) => fetch(process.env.SQUALL_URL_JOBS + path, { method, headers: { "x-bot-id": bot } }).then((answer) => answer.text());
const work = async (bot) => {
  await ask(bot, "POST", "/v1/bots");
  for (const n of [1, 2, 3]) {
    await ask(bot, "GET", "/v1/jobs/next");
    await ask(bot, "POST", "/v1/jobs/" + (bot === "bot-1" ? n : 10 * n) + "/complete");
  }
};
Promise.all(["bot-1", "bot-2"].map(work)).then(() => { process.exitCode = process.env.FLAKY ? 1 : 0; });
`;

const RUN = `# What is swept.
command: [node, client.cjs]
upstream: exec node server.cjs {port:server}
ready: http://127.0.0.1:{port:server}/
proxies: { jobs: { upstream: "http://127.0.0.1:{port:server}", identify: [{ header: x-bot-id }] } }
baselines: 2
`;

let folder = "";

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "squall-sites-")));
  writeFileSync(join(folder, "server.cjs"), SERVER);
  writeFileSync(join(folder, "client.cjs"), CLIENT);
  writeFileSync(join(folder, "squall.run.yaml"), RUN);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const sites = (words: readonly string[] = [], env: Record<string, string> = {}): Promise<Said> =>
  squall(["sites", ...words], { cwd: folder, env });

describe("squall sites", () => {
  it("prints the distinct calls, and writes their routes where they can be corrected", async () => {
    const { out, err, code } = await sites(["--edit"]);
    expect(out.replace(/[\d.]+ s each/u, "N s each").split("\n")).toStrictEqual([
      "fault-free: 2 of 2 passed, N s each; 3 sites: 3 stable",
      "",
      "site      call                       bots       calls  is      kinds  seen",
      expect.stringMatching(/^bots {6}POST \/v1\/bots {14}bot-# \(2\) {2}1 {6}stable {2}\d+ +json/u),
      expect.stringMatching(
        /^complete {2}POST \/v1\/jobs\/:n\/complete {2}bot-# \(2\) {2}3 {6}stable {2}\d+ +json, keep-alive$/u,
      ),
      expect.stringMatching(
        /^next {6}GET \/v1\/jobs\/next {10}bot-# \(2\) {2}3 {6}stable {2}\d+ +json, keep-alive$/u,
      ),
      "",
    ]);
    expect([err, code]).toStrictEqual(["squall: wrote 1 route to squall.run.yaml\n", 0]);
    expect(readFileSync(join(folder, "squall.run.yaml"), "utf8")).toBe(
      `${RUN}routes:\n  - /v1/jobs/:n/complete\n`,
    );
  });

  it("takes the user's routes, and says which fit nothing any more", async () => {
    const { out, err } = await sites([
      "--json",
      "--each-bot",
      "--route",
      "/v1/**",
      "--route",
      "/v0/:x",
      "--baselines",
      "1",
    ]);
    const list = JSON.parse(out) as readonly Site[];
    expect(list.map(({ id, counts }) => [id, counts])).toStrictEqual([
      ["jobs bot-1 GET /v1/**", [3]],
      ["jobs bot-1 POST /v1/**", [4]],
      ["jobs bot-2 GET /v1/**", [3]],
      ["jobs bot-2 POST /v1/**", [4]],
    ]);
    expect(err).toMatch(/^squall: routes: \/v0\/:x fits no path that was seen/u);
  });

  it.each<
    readonly [why: string, words: readonly string[], env: Record<string, string>, code: number, says: RegExp]
  >([
    ["a command that fails by itself", [], { FLAKY: "1" }, 5, /baseline 1|exit code 1/u],
    ["a command that calls nothing", ["--", "true"], {}, 6, /nothing went through any proxy/u],
    [
      "a route that is none",
      ["--route", "jobs"],
      {},
      3,
      /routes: "jobs": expected a path that begins with "\/"/u,
    ],
    [
      "a description that is not there",
      ["--openapi", "none.yaml"],
      {},
      3,
      /cannot read the OpenAPI description none\.yaml/u,
    ],
    ["a description that is none", ["--openapi", "client.cjs"], {}, 3, /client\.cjs: /u],
  ])("refuses %s", async (_why, words, env, code, says) => {
    const said = await sites(words, env);
    expect([said.code, said.err]).toStrictEqual([code, expect.stringMatching(says)]);
  });
});
