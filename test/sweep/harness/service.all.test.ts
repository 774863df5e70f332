/** Service mode: bots that run all the time, a fault that comes and goes, and what must be well again afterwards. */
import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { BaselineBroken, HarnessError, type RunPlan } from "../../../src/sweep/contract/run.js";
import { freePort, giveBack } from "../../../src/sweep/harness/ports.js";
import { runBaselines } from "../../../src/sweep/harness/baselines.js";
import type { HarnessRunner } from "../../../src/sweep/harness/runner.js";
import { plan, scene } from "./scene.js";

/** Two bots that ask every 40 ms; one that is told 503 never asks again if it is a weak one. */
const BOTS = `
const url = process.env.SQUALL_URL_JOBS ?? process.argv[2];
const bot = (name, weak) => {
  const turn = async () => {
    const answer = await fetch(url + "/v1/next", { headers: { "x-bot": name } }).catch(() => null);
    await answer?.text().catch(() => "");
    if (answer?.status === 503 && weak) return;
    setTimeout(turn, 40);
  };
  turn();
};
bot("bot-1", process.argv.includes("--weak"));
bot("bot-2", false);
setInterval(() => {}, 1000);
`;

const SETTINGS = `
upstream: exec node server.cjs {port:server}
service: { watch: 400ms, hit: 2s, recover: 2500ms }
proxies: { jobs: { upstream: "http://127.0.0.1:{port:server}", identify: [{ header: x-bot }] } }
`;

const refused = (bot = "bot-1"): RunPlan =>
  plan({
    label: "next:503",
    faults: [
      { name: "f", type: "http_status", status: 503, at: "before", match: { bot }, when: { count: 1 } },
    ],
  });

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function ready(runner: HarnessRunner): Promise<void> {
  runner.calibrate(await runBaselines(runner, { ...runner.settings, baselines: 2 }));
}

describe("bots that are started once", () => {
  it("are watched until the fault has hit, and are back when each makes good calls again", async () => {
    const { start, file } = scene();
    file("bots.cjs", BOTS);
    const runner = await start(`command: [node, bots.cjs]\n${SETTINGS}`);
    await ready(runner);
    const result = await runner.run(refused());
    expect(result.outcomes).toMatchObject([{ fault: "f", hits: 1 }]);
    expect(result.exit).toEqual({ kind: "exit", code: 0 });
    expect(result.recovered?.missing).toEqual([]);
    expect(result.recovered?.ms).toBeLessThan(2_500);
    expect(result.healed).toBeGreaterThan(0);
    expect(result.folder).toBeNull();
  });

  it("are stuck where one of them never calls again, and are started anew for the next case", async () => {
    const { start, file } = scene();
    file("bots.cjs", BOTS);
    const runner = await start(`command: [node, bots.cjs, --weak]\n${SETTINGS}`);
    await ready(runner);
    const stuck = await runner.run(refused());
    expect(stuck.recovered).toEqual({ ms: null, missing: ["no good call of bot-1 at jobs"] });
    expect(stuck.folder).not.toBeNull();
    const other = await runner.run(refused("bot-2"));
    expect(other.recovered?.missing).toEqual([]);
  });

  it("that end are told by how they ended, and are started anew", async () => {
    const { start, file } = scene();
    file(
      "bots.cjs",
      BOTS.replace(
        "if (answer?.status === 503 && weak) return;",
        "if (answer?.status === 503) process.exit(3);",
      ),
    );
    const runner = await start(`command: [node, bots.cjs]\n${SETTINGS}`);
    await ready(runner);
    const result = await runner.run(refused());
    expect(result.exit).toEqual({ kind: "exit", code: 3 });
    expect(result.recovered).toEqual({ ms: null, missing: ["the command ended"] });
    expect((await runner.run(plan())).exit).toEqual({ kind: "exit", code: 0 });
  });

  it("must be seen at all", async () => {
    const { start } = scene();
    const runner = await start(`command: [sleep, "1000"]\nready_timeout: 6s\n${SETTINGS}`);
    const error = await ready(runner).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BaselineBroken);
    expect((error as Error).message).toMatch(
      /^no bot made a good call through the proxies in 6s .*\(jobs is http:\/\/127\.0\.0\.1:\d+\)/u,
    );
  });
});

describe("bots that somebody else has started", () => {
  it("say nothing of any fault while their server is away", async () => {
    const { start, file } = scene();
    const bots = file("bots.cjs", BOTS);
    const port = await freePort();
    children.push(spawn(process.execPath, [bots, `http://127.0.0.1:${port}`]));
    const runner = await start(
      `service: { watch: 400ms, hit: 2s, recover: 2s }\nproxies: { jobs: { listen: "127.0.0.1:${port}", upstream: "http://127.0.0.1:${await freePort()}" } }\n`,
    );
    await expect(ready(runner)).rejects.toThrow(
      /^no bot made a good call .*\nnothing that came to jobs reached the upstream there: does that run/u,
    );
  });

  it("are met at the ports of squall.yaml, and nothing goes on while they are not back", async () => {
    const { start, folder, file } = scene();
    const bots = file("bots.cjs", BOTS);
    const port = await freePort();
    const server = await freePort();
    children.push(spawn(process.execPath, [join(folder, "server.cjs"), String(server)]));
    children.push(spawn(process.execPath, [bots, `http://127.0.0.1:${port}`, "--weak"]));
    const runner = await start(
      `service: { watch: 400ms, hit: 2s, recover: 2s }\nready: http://127.0.0.1:${server}/\nproxies: { jobs: { listen: "127.0.0.1:${port}", upstream: "http://127.0.0.1:${server}", identify: [{ header: x-bot }] } }\n`,
    );
    await ready(runner);
    expect((await runner.run(refused("bot-2"))).recovered?.missing).toEqual([]);
    expect((await runner.run(refused("bot-1"))).recovered?.ms).toBeNull();
    const next = runner.run(refused("bot-2"));
    await expect(next).rejects.toThrow(HarnessError);
    await expect(next).rejects.toThrow(
      /not back at its steady state.*missing: no good call of bot-1 at jobs/u,
    );
    for (const one of [port, server]) giveBack(one);
  });

  it("are well only when check says so", async () => {
    const { start, folder, file } = scene();
    file("bots.cjs", BOTS);
    const bad = join(folder, "bad");
    const runner = await start(`command: [node, bots.cjs]\ncheck: test ! -e ${bad}\n${SETTINGS}`);
    await ready(runner);
    writeFileSync(bad, "");
    const result = await runner.run(refused());
    expect(result.recovered).toEqual({ ms: null, missing: ["check"] });
    expect(result.check?.ok).toBe(false);
  });
});
