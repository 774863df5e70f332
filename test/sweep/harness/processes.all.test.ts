/** Commands that misbehave: they hang, fork, leave their group, hear no signal, write without end. Nothing of them is left. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { platform } from "node:process";
import { describe, expect, it } from "vitest";
import { BaselineBroken, HarnessError } from "../../../src/sweep/contract/run.js";
import { runBaselines } from "../../../src/sweep/harness/baselines.js";
import { MARK } from "../../../src/sweep/harness/processes.js";
import { leftIn } from "./left.js";
import { plan, scene, WITH_SERVER } from "./scene.js";

const PROXY = `proxies: { jobs: { upstream: "http://127.0.0.1:9" } }\n`;

const inside = (folder: string): string => `env: { SCENE: ${folder} }\n`;

describe.skipIf(platform !== "linux")("a command that misbehaves", () => {
  it.each([
    ["hangs", "exec sleep 1000"],
    ["hangs and hears no SIGTERM", `trap "" TERM; while :; do sleep 1; done`],
  ])("and %s is ended at its time-out, and called hung", async (_name, line) => {
    const { start, folder } = scene();
    const runner = await start(`command: '${line}'\ntimeout: 400ms\n${PROXY}${inside(folder)}`);
    const result = await runner.run(plan());
    expect(result.exit).toMatchObject({ kind: "hung", why: "timeout" });
    expect(result.ms).toBeGreaterThanOrEqual(400);
    expect(leftIn(folder)).toEqual([]);
  });

  it("hangs without moving anything, and is found by that long before its time-out", async () => {
    const { start, folder } = scene();
    const runner = await start(`command: sleep 1000\n${PROXY}${inside(folder)}`);
    runner.limit({ timeout: 600_000, silence: 1_500 });
    const result = await runner.run(plan());
    expect(result.exit).toMatchObject({ kind: "hung", why: "silent" });
    expect(leftIn(folder)).toEqual([]);
  });

  it("that computes without a byte is not called silent", async () => {
    const { start, folder } = scene();
    const busy = `const end = Date.now() + 4000; while (Date.now() < end);`;
    const runner = await start(`command: [node, -e, "${busy}"]\n${PROXY}${inside(folder)}`);
    runner.limit({ timeout: 600_000, silence: 1_500 });
    expect((await runner.run(plan())).exit).toEqual({ kind: "exit", code: 0 });
  });

  it("is asked for its stacks before it is ended", async () => {
    const { start, file } = scene();
    file(
      "hang.cjs",
      `process.on("SIGUSR1", () => console.error("stack: here")); console.log("up"); setInterval(() => {}, 1000);`,
    );
    const runner = await start(`command: [node, hang.cjs]\ntimeout: 3s\ndump: SIGUSR1\n${PROXY}`);
    const result = await runner.run(plan());
    expect(result.output).toMatchObject({ stdout: "up", stderr: "stack: here" });
  });

  it.each([
    ["in its group", "sleep 1000 & exit 0"],
    ["in a session of its own", "setsid sleep 1000 & exit 0"],
    [
      "in a session of its own, deaf, and forking on",
      `setsid sh -c 'trap "" TERM; while :; do sleep 0.05 & wait; done' & sleep 0.2; exit 0`,
    ],
  ])("and leaves a process %s is told so, and the process is ended", async (_name, line) => {
    const { start, folder } = scene();
    const runner = await start(`command: ${JSON.stringify(line)}\n${PROXY}${inside(folder)}`);
    const result = await runner.run(plan());
    expect(result.exit).toEqual({ kind: "exit", code: 0 });
    expect(result.left.join()).toMatch(/^\d+ (?:sleep|sh)/u);
    expect(leftIn(folder)).toEqual([]);
    expect(result.folder).not.toBeNull();
  });

  it("and is ended by a signal of its own is told by it", async () => {
    const { start } = scene();
    const runner = await start(`command: kill -SEGV $$\n${PROXY}`);
    expect((await runner.run(plan())).exit).toEqual({ kind: "signal", signal: "SIGSEGV" });
  });

  it("and writes without end has its beginning and its end kept, and no more", async () => {
    const { start } = scene();
    const runner = await start(
      `command: 'echo begin; yes 0123456789 | head -c 30000000; echo end'\n${PROXY}`,
    );
    const result = await runner.run(plan({ keep: true }));
    const size = statSync(join(result.folder ?? "", "stdout")).size;
    expect(size).toBeLessThan(2 ** 20 + 200);
    expect(result.output.dropped).toBe(30_000_010 - 2 ** 20);
    const text = readFileSync(join(result.folder ?? "", "stdout"), "utf8");
    expect([text.slice(0, 6), text.slice(-4)]).toEqual(["begin\n", "end\n"]);
    expect(text).toContain(`[squall: ${30_000_010 - 2 ** 20} bytes of this output are left out here]`);
  });

  it("and ends a moment before its helpers do is waited for, until they have said what they had to say", async () => {
    const { start } = scene();
    const runner = await start(`command: '(sleep 0.02; echo late) & exit 0'\n${PROXY}`);
    // Whether the helper's own end is seen in time as well is up to the machine.
    expect((await runner.run(plan())).output.stdout).toBe("late");
  });

  it("writes to a TMPDIR of its own, that is empty at each run", async () => {
    const { start } = scene();
    const runner = await start(`command: 'ls $TMPDIR | wc -l; touch $TMPDIR/a'\n${PROXY}`);
    const outputs = [await runner.run(plan()), await runner.run(plan())].map(({ output }) =>
      output.stdout.trim(),
    );
    expect(outputs).toEqual(["0", "0"]);
  });
});

describe.skipIf(platform !== "linux")("what is no fault of the command", () => {
  it.each([
    [
      "a setup that fails",
      "setup: 'echo no database >&2; exit 3'",
      /setup failed: exit code 3\n {4}no database/u,
    ],
    [
      "a setup that is not there",
      "setup: [./nowhere.sh]",
      /setup: cannot start "\.\/nowhere\.sh": there is no such command/u,
    ],
    ["a check that is not there", "check: ./nowhere.sh", /check cannot be run:.*nowhere/u],
    [
      "an upstream that ends",
      "upstream: 'echo boom >&2; exit 7; {port:x}'",
      /the upstream ended before it was ready: exit code 7\n {4}boom/u,
    ],
    [
      "an upstream that never listens",
      "ready_timeout: 300ms\nupstream: 'echo up; exec sleep 100 {port:x}'",
      /tcp:\/\/127\.0\.0\.1:\d+ was not ready within 300ms: nobody accepts connections there/u,
    ],
    [
      "an audit that nobody answers",
      "audit: http://127.0.0.1:9/audit",
      /the audit http:\/\/127\.0\.0\.1:9\/audit cannot be read: connect ECONNREFUSED/u,
    ],
  ])("%s is told as such, with the reason", async (_name, text, message) => {
    const { start, folder } = scene();
    const runner = await start(`command: "true"\n${text}\n${PROXY}${inside(folder)}`);
    const run = runner.run(plan());
    await expect(run).rejects.toThrow(message);
    await expect(run).rejects.toThrow(HarnessError);
    expect(leftIn(folder)).toEqual([]);
  });

  it("an upstream that dies during the run is told with how", async () => {
    const { start, file } = scene();
    file("killer.cjs", `fetch(process.env.SQUALL_URL_JOBS + "/die").catch(() => {});`);
    const runner = await start(WITH_SERVER.replace("client.cjs", "killer.cjs"));
    await expect(runner.run(plan())).rejects.toThrow(/the upstream ended during the run: exit code 9/u);
    expect((await runner.run(plan()).catch((error: unknown) => error)) instanceof HarnessError).toBe(true);
  });

  it("what setup has left running stays, as it may be the server", async () => {
    const { start, folder } = scene();
    const runner = await start(
      `command: "true"\nsetup: 'sleep 77.5 & echo $! > ${folder}/pid'\n${PROXY}${inside(folder)}`,
    );
    const result = await runner.run(plan());
    const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
    expect(result.left).toEqual([]);
    expect(leftIn(folder)).toEqual(["sleep 77.5 "]);
    process.kill(pid);
  });
});

describe.skipIf(platform !== "linux")("fault-free runs", () => {
  const broken = async (text: string): Promise<unknown> => {
    const { start } = scene();
    const runner = await start(text);
    return runBaselines(runner, { ...runner.settings, baselines: 3 }).catch((error: unknown) => error);
  };

  it.each([
    [
      "the command fails",
      `command: 'echo one; echo two >&2; exit 4'\n${PROXY}`,
      /^the command fails without any fault \(baseline 1\): exit code 4; its last lines:\n {4}one\n {4}two$/u,
    ],
    [
      "the shell knows no such command",
      `command: nosuchthing\n${PROXY}`,
      /exit code 127 \(the shell found no such command\)/u,
    ],
    [
      "check fails",
      `command: "true"\ncheck: 'echo 2 jobs done twice; exit 1'\n${PROXY}`,
      /without any fault check says that something is wrong \(baseline 1, run 1\): \n {4}exit code 1\n {4}2 jobs done twice/u,
    ],
    [
      "audits differ",
      WITH_SERVER.replace("ignore: [/at]", ""),
      /^the audit differs between runs without any fault \(baseline 1 and baseline 2\):\n {4}\/at is \d+, not \d+\n/u,
    ],
  ])("end everything where %s", async (_name, text, message) => {
    const error = await broken(text);
    expect(error).toBeInstanceOf(BaselineBroken);
    expect((error as Error).message).toMatch(message);
  });

  it("of a command that is not there are told by its name", async () => {
    const { start } = scene();
    const runner = await start(PROXY, { words: ["./nowhere", "--all"] });
    const run = runBaselines(runner, { ...runner.settings, baselines: 3 });
    await expect(run).rejects.toThrow(BaselineBroken);
    await expect(run).rejects.toThrow(
      'command: cannot start "./nowhere": there is no such command (./nowhere --all)',
    );
  });
});

describe.skipIf(platform !== "linux")("workers", () => {
  it("run side by side, each with its own server, ports and folders", async () => {
    const { start, file } = scene();
    file(
      "slow.cjs",
      `const at = Date.now(); ${readClient()} setTimeout(() => console.log(at, Date.now(), process.env.SQUALL_WORKER, process.env.SQUALL_URL_JOBS, process.env.TMPDIR), 700);`,
    );
    const runner = await start(`jobs: 3\n${WITH_SERVER.replace("client.cjs", "slow.cjs")}`);
    expect(runner.jobs).toBe(3);
    const results = await Promise.all([1, 2, 3].map((n) => runner.run(plan({ label: `run ${n}` }))));
    const lines = results.map(({ output }) => output.stdout.split(" "));
    for (const column of [2, 3, 4]) expect(new Set(lines.map((line) => line[column])).size).toBe(3);
    const begun = lines.map(([from = ""]) => Number(from));
    const ended = lines.map(([, to = ""]) => Number(to));
    expect(Math.max(...begun)).toBeLessThan(Math.min(...ended));
    expect(results.map(({ audit }) => (audit as { posts: number }).posts)).toEqual([1, 1, 1]);
  });
});

function readClient(): string {
  return `fetch(process.env.SQUALL_URL_JOBS + "/v1/jobs", { method: "POST" });`;
}

const STEPS: readonly (readonly [string, string])[] = [
  ["setup", "setup: 'touch {F}; sleep 1000'\ncommand: 'true'"],
  ["ready", "command: 'true'\nupstream: 'touch {F}; exec sleep 1000 {port:a}'"],
  ["command", "command: 'touch {F}; sleep 1000'"],
  [
    "command that is deaf and has left its group",
    `command: 'setsid sh -c "trap \\"\\" TERM; touch {F}; sleep 1000; sleep 1000" & sleep 1000'`,
  ],
  [
    "settle",
    "command: 'node holder.cjs {F} & sleep 1; exit 0'\nsettle: 100s\nupstream: exec node server.cjs {port:server}",
  ],
  ["check", "command: 'true'\ncheck: 'touch {F}; sleep 1000'"],
  [
    "audit",
    "command: 'true'\nupstream: exec node deaf.cjs {port:server} {F}\naudit: http://127.0.0.1:{port:server}/audit",
  ],
  ["end of the command", `command: 'trap "" TERM; (trap "" TERM; touch {F}; sleep 1000) & exit 0'`],
];

describe.skipIf(platform !== "linux")("an interrupt", () => {
  it.each(STEPS)(
    "during %s leaves no process, no lock, no temporary file and no half folder",
    async (_step, text) => {
      const { start, file, folder } = scene();
      const sign = join(folder, "reached");
      // Moves a byte now and then, so that the proxy is never quiet.
      file(
        "holder.cjs",
        `const { request } = require("node:http"); const post = request(process.env.SQUALL_URL_JOBS + "/x", { method: "POST" }); post.on("error", () => {}); setInterval(() => post.write("x"), 50); setTimeout(() => require("node:fs").writeFileSync(process.argv[2], ""), 1500);`,
      );
      file(
        "deaf.cjs",
        `const { createServer } = require("node:http"); createServer(() => require("node:fs").writeFileSync(process.argv[3], "")).listen(Number(process.argv[2]), "127.0.0.1"); process.on("SIGTERM", () => {});`,
      );
      const controller = new AbortController();
      const upstream = text.includes("{port:server}")
        ? "http://127.0.0.1:{port:server}"
        : "http://127.0.0.1:9";
      const runner = await start(
        `${text.replaceAll("{F}", sign)}\nproxies: { jobs: { upstream: "${upstream}" } }\n${inside(folder)}`,
        { signal: controller.signal },
      );
      const run = runner
        .run(plan({ faults: [{ name: "f", type: "latency", delay: "1ms" }] }))
        .catch((error: unknown) => error);
      while (!existsSync(sign)) await new Promise((resolve) => setTimeout(resolve, 10));
      controller.abort(new DOMException("interrupted by SIGINT", "AbortError"));
      const closed = runner.close();
      // The end of the command is under way already, and the run may be whole.
      expect(await run).toSatisfy(
        (outcome: unknown) =>
          (outcome instanceof DOMException && outcome.name === "AbortError") || _step.startsWith("end"),
      );
      await closed;
      expect(leftIn(folder)).toEqual([]);
      const { directory } = runner.settings;
      expect(readdirSync(directory).filter((name) => name.startsWith(".") && name !== ".gitignore")).toEqual(
        [],
      );
      expect(existsSync(join(directory, "lock"))).toBe(false);
      expect(readdirSync(join(directory, "runs")).filter((name) => name.startsWith("."))).toEqual([]);
      await expect(runner.run(plan())).rejects.toThrow();
    },
  );
});

describe.skipIf(platform !== "linux")("a directory", () => {
  it("is one sweep's at a time", async () => {
    const { start } = scene();
    await start(`command: "true"\n${PROXY}`);
    await expect(start(`command: "true"\n${PROXY}`)).rejects.toThrow(
      /another sweep \(process \d+\) is at work in/u,
    );
  });

  it("is taken over from one that was killed, whose processes are ended", async () => {
    const { start, folder } = scene();
    mkdirSync(join(folder, ".squall"));
    const child = spawn("sleep", ["1000"], {
      env: { ...process.env, [MARK]: "abcdef-1-command" },
      detached: true,
    });
    const gone = spawn("true");
    await new Promise((resolve) => gone.on("exit", resolve));
    const holder = { pid: gone.pid, start: "1", mark: "abcdef", temporary: "" };
    writeFileSync(join(folder, ".squall", "lock"), JSON.stringify(holder));
    const ended = new Promise((resolve) => child.on("exit", (_code, signal) => resolve(signal)));
    const told: string[] = [];
    await start(`command: "true"\n${PROXY}`, { tell: (text) => told.push(text) });
    expect(await ended).toBe("SIGKILL");
    expect(told).toEqual([
      `the sweep of process ${gone.pid} ended without a word, and left processes that were ended now: ${child.pid} sleep`,
    ]);
  });

  it("has no more folders than fit, and says so once", async () => {
    const { start } = scene();
    const told: string[] = [];
    const runner = await start(`command: 'head -c 5000 /dev/zero'\ndisk: 12KiB\nkeep: true\n${PROXY}`, {
      tell: (text) => told.push(text),
    });
    for (let i = 0; i < 4; i++) await runner.run(plan());
    expect(readdirSync(join(runner.settings.directory, "runs")).sort()).toEqual(["000003", "000004"]);
    expect(told).toHaveLength(1);
    const lines = readFileSync(join(runner.settings.directory, "runs.jsonl"), "utf8").trim().split("\n");
    expect(lines).toHaveLength(4);
  });
});
