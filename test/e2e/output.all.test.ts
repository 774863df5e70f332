/** Output that cannot be written in more scenes than those of test/e2e/output.test.ts: a full disk, and a follower of the journal. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.js";
import { getJson, MAIN, Workshop } from "../support/process.js";
import { CALM, HURT, noticed } from "./lost-log.js";

let shop: Workshop;
const children: ChildProcess[] = [];

beforeEach(() => {
  shop = new Workshop();
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await shop.close();
});

/** With a standard output that takes nothing: the device says that its disk is full. */
function full(words: readonly string[]): { child: ChildProcess; said: () => string } {
  const device = openSync("/dev/full", "w");
  const child = spawn(process.execPath, [MAIN, ...words], {
    stdio: ["ignore", device, "pipe"],
    cwd: shop.folder,
  });
  closeSync(device);
  children.push(child);
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, said: () => text };
}

async function codeOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

describe("a journal whose reader has gone", () => {
  it("ends whoever follows the journal, since nobody does", async () => {
    const { admin } = await shop.daemon(CALM);
    const follower = shop.start(["journal", "--follow", "--admin", admin, "--json"]);
    await follower.printed(/proxy_started/u);
    follower.child.stdout?.destroy();
    let over = false;
    void follower.ended.then(() => {
      over = true;
    });
    while (!over) await getJson(`${admin}/active`, HURT);
    expect((await follower.ended).code).toBe(0);
  });
});

describe.skipIf(!existsSync("/dev/full"))("a disk that is full", () => {
  it("ends no daemon, from its first line on", async () => {
    const port = await freePort();
    const file = shop.file(
      "squall.yaml",
      JSON.stringify({ admin: { listen: `127.0.0.1:${port}` }, ...CALM }),
    );
    const { child, said } = full(["serve", "--config", file]);
    const admin = `http://127.0.0.1:${port}`;
    while (
      !(await fetch(`${admin}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ))
    );
    expect(await noticed(admin)).toContain("ENOSPC");
    child.kill("SIGTERM");
    expect(await codeOf(child)).toBe(0);
    expect(said()).toContain("goes on without it");
  });

  it("makes a failure of a command whose output is all there is of it", async () => {
    const { child, said } = full(["explain", "high-latency"]);
    expect(await codeOf(child)).toBe(1);
    expect(said()).toContain("squall: cannot write to standard output: ENOSPC");
  });

  it("keeps a mock job server at work", async () => {
    const port = await freePort();
    const { child, said } = full(["mock-server", "--port", String(port)]);
    while (
      !(await fetch(`http://127.0.0.1:${port}/metrics`).then(
        () => true,
        () => false,
      ))
    );
    child.kill("SIGTERM");
    expect(await codeOf(child)).toBe(0);
    expect(said()).toContain("goes on without it");
  });
});
