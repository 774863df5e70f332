/** Workers with a network of their own: fixed ports side by side, nothing that leaks out, and nothing that stays behind. */
import { execFileSync } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { platform } from "node:process";
import { describe, expect, it } from "vitest";
import { plan, scene } from "./scene.js";

const FIXED = `
const { createServer } = require("node:http");
createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(request.url === "/v1/audit" ? "{}" : '"done"');
}).listen(3000, "127.0.0.1");
`;
/** Says where it is: the number of its namespace. */
const WHERE = `
const { readlinkSync } = require("node:fs");
fetch("http://127.0.0.1:8080/a", { method: "POST" }).then((answer) => {
  console.log(readlinkSync("/proc/self/ns/net"));
  process.exitCode = answer.status === 200 ? 0 : 3;
});
`;
const RUN = `
command: [node, where.cjs]
upstream: [node, fixed.cjs]
ready: http://127.0.0.1:3000/
audit: http://127.0.0.1:3000/v1/audit
proxies: { jobs: { listen: 127.0.0.1:8080, upstream: "http://127.0.0.1:3000" } }
jobs: 2
isolate: net
`;

function mayIsolate(): boolean {
  if (platform !== "linux") return false;
  try {
    execFileSync("unshare", ["--map-root-user", "--net", "ip", "link", "set", "lo", "up"], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

const refused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", () => {
      resolve(true);
    });
  });

/** Processes that were started in that folder. */
function startedIn(folder: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/u.test(pid) && readlinkSync(`/proc/${pid}/cwd`) === folder;
    } catch {
      return false;
    }
  });
}

describe.skipIf(!mayIsolate())("a worker in a network of its own", () => {
  it("runs programs with fixed ports beside others, and what they did comes back", async () => {
    const here = scene();
    here.file("fixed.cjs", FIXED);
    here.file("where.cjs", WHERE);
    const runner = await here.start(RUN);
    expect(runner.jobs).toBe(2);
    const lost = [{ type: "lost_response", name: "lost", then: "reset" }];
    const [first, second, hit] = await Promise.all([
      runner.run(plan({ label: "one" })),
      runner.run(plan({ label: "two" })),
      runner.run({ ...plan({ label: "three" }), faults: lost }),
    ]);
    expect([first, second, hit].map(({ exit }) => exit)).toEqual(
      [0, 0, 1].map((code) => ({ kind: "exit", code })),
    );
    expect(hit.outcomes).toEqual([{ fault: "lost", subjects: 1, matched: 1, hits: 1 }]);
    expect(hit.record.exchanges).toMatchObject([{ path: "/a", upstreamStatus: 200, clientStatus: null }]);
    expect(first.audit).toEqual({});
    const places = [first, second].map(({ output }) => output.stdout.trim());
    expect(new Set(places).size).toBe(2);
    expect(places).not.toContain(readlinkSync("/proc/self/ns/net"));
    expect(await Promise.all([refused(3000), refused(8080)])).toEqual([true, true]);
    expect(hit.folder).not.toBeNull();
  });

  it("leaves nothing when it is closed, and nothing when it is interrupted", async () => {
    const here = scene();
    here.file("fixed.cjs", FIXED);
    here.file("where.cjs", "setInterval(() => undefined, 1_000);");
    const stop = new AbortController();
    const runner = await here.start(RUN, { signal: stop.signal });
    const run = runner.run(plan({ label: "for ever" }));
    stop.abort(new DOMException("interrupted by SIGINT", "AbortError"));
    await expect(run).rejects.toThrow("interrupted by SIGINT");
    await runner.close();
    expect(startedIn(here.folder)).toEqual([]);
  });

  it("tells what the harness could not do as any other does", async () => {
    const here = scene();
    here.file("fixed.cjs", "process.exit(7);");
    here.file("where.cjs", WHERE);
    const runner = await here.start(RUN);
    await expect(runner.run(plan({ label: "one" }))).rejects.toMatchObject({
      name: "HarnessError",
      message: expect.stringContaining("the upstream ended before it was ready") as string,
    });
  });
});
