/** `squall sweep` as a process that is told to stop, by every signal and twice: nothing of it is left, and the next one goes on. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { platform } from "node:process";
import { describe, expect, it } from "vitest";
import { HOME, scene, SERVER } from "./scene.js";
import { leftIn } from "./left.js";

const MAIN = join(HOME, "dist/main.js");

/** Hangs at its second call, whatever that is, so that the sweep is in the middle of a case. */
const CLIENT = `
const { writeFileSync } = require("node:fs");
const run = Number(process.env.SQUALL_RUN);
fetch(process.env.SQUALL_URL_JOBS + "/v1/jobs", { method: "POST" })
  .then((answer) => answer.text())
  .catch(() => {})
  .then(() => {
    if (run < 5) return;
    writeFileSync(process.env.SCENE + "/reached", "");
    process.on("SIGTERM", () => {});
    setInterval(() => {}, 1000);
  });
`;

const RUN = (folder: string): string => `
command: [node, client.cjs]
upstream: exec node server.cjs {port:server}
proxies: { jobs: { upstream: "http://127.0.0.1:{port:server}" } }
env: { SCENE: ${JSON.stringify(folder)} }
`;

async function interrupted(
  folder: string,
  signals: readonly NodeJS.Signals[],
  command: "sweep" | "sites" = "sweep",
): Promise<{ code: number | null; text: string }> {
  const sweep = spawn(process.execPath, [MAIN, command], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [sweep.stdout, sweep.stderr])
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  const ended = endOf(sweep);
  while (!existsSync(join(folder, "reached")) && sweep.exitCode === null) await rest(20);
  for (const signal of signals) {
    sweep.kill(signal);
    await rest(100);
  }
  return { code: await ended, text };
}

const rest = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));
const endOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) =>
    child.on("close", (code) => {
      resolve(code);
    }),
  );

describe.skipIf(platform !== "linux")("a sweep that is interrupted", () => {
  it.each([
    ["by Ctrl-C", ["SIGINT"]],
    ["by SIGTERM", ["SIGTERM"]],
    ["by the end of its terminal", ["SIGHUP"]],
    ["by Ctrl-C twice", ["SIGINT", "SIGINT"]],
  ] as const)("%s leaves no process, no lock and nothing half written", async (_name, signals) => {
    const { folder, file } = scene();
    file("server.cjs", SERVER);
    file("client.cjs", CLIENT);
    file("squall.run.yaml", RUN(folder));
    const { code, text } = await interrupted(folder, signals);
    expect(text).toContain("fault-free: 3 runs passed");
    expect(code).toBe(signals.length === 2 ? 130 : 6);
    // Whoever was killed at once is gone when the system has seen to it.
    for (let wait = 1; leftIn(folder).length > 0 && wait < 1_000; wait *= 2) await rest(wait);
    expect(leftIn(folder)).toEqual([]);
    const directory = join(folder, ".squall");
    expect(existsSync(join(directory, "lock"))).toBe(false);
    expect(readdirSync(join(directory, "runs")).filter((name) => name.startsWith("."))).toEqual([]);
    for (const line of readFileSync(join(directory, "sweep.state.jsonl"), "utf8").trim().split("\n"))
      expect(() => JSON.parse(line) as unknown).not.toThrow();
  });
});

it("squall sites that is interrupted says so, and leaves nothing", async () => {
  const { folder, file } = scene();
  file("server.cjs", SERVER);
  file("client.cjs", CLIENT.replace("run < 5", "run < 2"));
  file("squall.run.yaml", RUN(folder));
  expect(await interrupted(folder, ["SIGINT"], "sites")).toEqual({
    code: 6,
    text: "squall: interrupted: nothing is known\n",
  });
  for (let wait = 1; leftIn(folder).length > 0 && wait < 1_000; wait *= 2) await rest(wait);
  expect(leftIn(folder)).toEqual([]);
  expect(existsSync(join(folder, ".squall", "lock"))).toBe(false);
});
