/** Runs of real commands: what a run is told, what it leaves, and what comes back. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { platform } from "node:process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runBaselines } from "../../../src/sweep/harness/baselines.js";
import { errorLine } from "../../../src/sweep/oracles/error-line.js";
import type { RunPlan } from "../../../src/sweep/contract/run.js";
import { readRun } from "../../../src/sweep/run-file/read.js";
import { startRunner } from "../../../src/sweep/harness/runner.js";
import { Wires } from "../../../src/sweep/harness/wires.js";
import { freePort, giveBack } from "../../../src/sweep/harness/ports.js";
import { HOME, plan, scene, sourcesIn, WITH_SERVER } from "./scene.js";

describe("a run", () => {
  it("starts server and command afresh, and tells what each did", async () => {
    const { start } = scene();
    const runner = await start(WITH_SERVER);
    const baselines = await runBaselines(runner, { ...runner.settings, baselines: 3 });
    expect(baselines.map(({ exit, audit }) => [exit, (audit as { posts: number }).posts])).toEqual(
      Array(3).fill([{ kind: "exit", code: 0 }, 1]),
    );
    runner.calibrate(baselines);
    const faults = [
      { name: "f1", type: "lost_response", then: "reset", match: { method: "POST", path: "/v1/jobs" } },
    ];
    const lost = await runner.run(plan({ label: "post:lost", faults }));
    expect(lost.exit).toEqual({ kind: "exit", code: 4 });
    expect(lost.audit).toMatchObject({ posts: 1 });
    expect(lost.outcomes).toEqual([{ fault: "f1", subjects: 1, matched: 1, hits: 1 }]);
    expect(lost.record.hits).toMatchObject([{ fault: "f1", exchange: { method: "POST", path: "/v1/jobs" } }]);
    expect(lost.left).toEqual([]);
    const folder = lost.folder ?? "";
    expect(readdirSync(folder).sort()).toEqual(
      ["audit.json", "journal.jsonl", "profile.yaml", "run.json", "stderr", "stdout"].sort(),
    );
    expect(readFileSync(join(folder, "stderr"), "utf8")).toContain("ECONNRESET");
    expect(readlinkSync(join(runner.settings.directory, "latest"))).toBe(join("runs", "000004"));
    const fine = await runner.run(plan());
    expect(fine.exit).toEqual({ kind: "exit", code: 0 });
    expect(fine.folder).toBeNull();
    expect(existsSync(join(runner.settings.directory, "runs", "000005"))).toBe(false);
    expect(await runner.keep(fine)).toBe(join(runner.settings.directory, "runs", "000005"));
  });
});

describe("a command that ends while its last request is still at work", () => {
  const twice = (gap: string): RunPlan["faults"] => [
    { name: "f1", type: "duplicate_request", times: 2, gap, match: { method: "POST", path: "/v1/jobs" } },
  ];

  it("has that request copied all the same, and its copy is in the audit", async () => {
    const { start } = scene();
    const runner = await start(WITH_SERVER);
    const { exit, audit, outcomes } = await runner.run(plan({ faults: twice("1s") }));
    expect(exit).toEqual({ kind: "exit", code: 0 });
    expect(outcomes).toMatchObject([{ fault: "f1", hits: 1 }]);
    expect(audit).toMatchObject({ posts: 2 });
  });

  it("has a copy in the audit for which the server takes its time", async () => {
    const { start, file } = scene();
    // The second POST counts long after it came, and longer than open connections are waited for on which nothing moves.
    file(
      "slow.cjs",
      `let came = 0, posts = 0;
require("node:http").createServer((request, response) => {
  if (request.method !== "POST") return response.end(JSON.stringify({ posts }));
  setTimeout(() => { posts++; response.end("{}"); }, came++ === 0 ? 0 : 3_000);
}).listen(Number(process.argv[2]), "127.0.0.1");`,
    );
    const runner = await start(`${WITH_SERVER.replace("server.cjs", "slow.cjs")}settle: 1m\n`);
    const { audit } = await runner.run(plan({ faults: twice("50ms") }));
    expect(audit).toEqual({ posts: 2 });
  });
});

describe.runIf(platform === "linux")("a server to which datagrams come alone", () => {
  it.each(["udp", "dns"])("is waited for until it has its port, behind a proxy of %s", async (protocol) => {
    const { start, file } = scene();
    file(
      "late.cjs",
      `setTimeout(() => require("node:dgram").createSocket("udp4").bind(Number(process.argv[2]), "127.0.0.1"), 2_000);`,
    );
    // Datagrams that come to a port that nobody has are refused, and nobody asks again.
    file(
      "ask.cjs",
      `const socket = require("node:dgram").createSocket("udp4");
socket.on("error", () => process.exit(3));
socket.connect(Number(process.argv[2]), "127.0.0.1", () => {
  socket.send("hello");
  setTimeout(() => process.exit(0), 200);
});`,
    );
    const runner = await start(`
command: node ask.cjs {port:server}
upstream: exec node late.cjs {port:server}
proxies: { names: { upstream: "${protocol}://127.0.0.1:{port:server}" } }
`);
    expect((await runner.run(plan())).exit).toEqual({ kind: "exit", code: 0 });
  });
});

describe("a command that a fault holds up", () => {
  it.each([
    ["has that time on top of its own", [{ name: "late", type: "late_response", hold: "10m" }], "exit"],
    [
      "has no other, if it is held up by none",
      [{ name: "lost", type: "lost_response", then: "reset" }],
      "hung",
    ],
  ])("%s", async (_name, faults, kind) => {
    const { start } = scene();
    const runner = await start(WITH_SERVER, { words: ["sleep", "1"] });
    runner.limit({ timeout: 200, silence: Infinity });
    const { exit } = await runner.run(plan({ faults }));
    expect(exit.kind).toBe(kind);
  });
});

describe.runIf(platform === "linux")("a run beside which others have the machine", () => {
  it("says for how long", async () => {
    const { start } = scene();
    const runner = await start(
      "command: [sleep, '3']\nproxies: { jobs: { upstream: 'http://127.0.0.1:9' } }\n",
    );
    const busy = Array.from({ length: 2 * cpus().length }, () =>
      spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }),
    );
    try {
      const { starved, ms } = await runner.run(plan());
      expect(starved).toBeGreaterThan(1_000);
      expect(starved).toBeLessThanOrEqual(Math.ceil(ms));
    } finally {
      for (const one of busy) one.kill("SIGKILL");
    }
  });
});

const SHOW = `console.log(process.env.SQUALL_URL_JOBS); require("node:net").connect(Number(process.env.SQUALL_PORT_JOBS), process.env.SQUALL_HOST_JOBS).on("connect", () => process.exit(0)).on("error", () => process.exit(1));`;

describe("the proxies of squall.yaml", () => {
  it.each([
    ["are on their own ports, so that programs with fixed ports need no change", 1, true],
    ["are on free ports where several runs are made at a time", 2, false],
  ])("%s", async (_name, jobs, own) => {
    const { folder, file } = scene();
    file("show.cjs", SHOW);
    const port = await freePort();
    const config = {
      file: "squall.yaml",
      text: `proxies: { jobs: { listen: "127.0.0.1:${port}", upstream: "http://127.0.0.1:9" } }\nactivate: nobody-has-it\nstate: ./state.json\n`,
    };
    const text = `command: [node, show.cjs]\nupstream: exec node server.cjs {port:server}\njobs: ${jobs}\n`;
    const settings = readRun({ ...sourcesIn(folder, text), config });
    const runner = await startRunner({
      settings,
      env: process.env,
      cwd: folder,
      home: HOME,
      signal: new AbortController().signal,
    });
    try {
      const result = await runner.run(plan());
      expect(result.exit).toEqual({ kind: "exit", code: 0 });
      expect(result.output.stdout === `http://127.0.0.1:${port}`).toBe(own);
      expect(readdirSync(folder)).not.toContain("state.json");
    } finally {
      await runner.close();
      giveBack(port);
    }
  });
});

describe("a proxy that speaks TLS with its clients", () => {
  it("is trusted by what {ca} names", async () => {
    const { start, file } = scene();
    file(
      "get.cjs",
      `fetch(process.env.SQUALL_URL_JOBS).then((a) => console.log(a.status, process.env.SQUALL_URL_JOBS.slice(0, 6)));`,
    );
    const runner = await start(`
command: [node, get.cjs]
upstream: exec node server.cjs {port:server}
env: { NODE_EXTRA_CA_CERTS: "{ca}" }
proxies: { jobs: { upstream: "http://127.0.0.1:{port:server}", secure: true } }
`);
    const result = await runner.run(plan());
    expect(result.output).toMatchObject({ stdout: "200 https:", stderr: "" });
  });
});

describe("what is kept of a run", () => {
  it("is bounded, and how much is left out is told", async () => {
    const { folder } = scene();
    const settings = readRun(
      sourcesIn(folder, `command: x\nproxies: { jobs: { upstream: "http://127.0.0.1:9" } }\n`),
    );
    const place = { settings, ownPorts: false, ports: new Map(), env: process.env, cwd: folder, home: HOME };
    const wires = await Wires.open(place, 2);
    try {
      const from = performance.now();
      await wires.apply([], 1);
      for (let number = 0; number < 4; number++)
        expect((await fetch(wires.list[0]?.url ?? "")).status).toBe(502);
      const { exchanges, cut = 0 } = wires.record(from);
      expect(exchanges.length).toBeLessThanOrEqual(2);
      expect(cut).toBeGreaterThanOrEqual(2);
      await wires.apply([], 1);
      expect(wires.record(from).cut).toBeUndefined();
    } finally {
      await wires.close();
    }
  });

  it("has the error of a program that prints all that it holds with it", async () => {
    const { start, file } = scene();
    file(
      "dump.cjs",
      `const error = new TypeError("the request failed");
for (let n = 0; n < 1500; n++) error["field" + n] = { n };
throw error;`,
    );
    const runner = await start(
      `command: [node, dump.cjs]\nproxies: { jobs: { upstream: "http://127.0.0.1:9" } }\n`,
    );
    expect(errorLine((await runner.run(plan())).output)).toBe("TypeError: the request failed");
  });
});
