/** One daemon to a state file, and a dead one in nobody's way. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Lock } from "../../src/state/lock.js";

let folder: string;
let file: string;
const taken: Lock[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-lock-"));
  file = join(folder, "state.json");
});

afterEach(async () => {
  for (const lock of taken.splice(0)) await lock.release();
  rmSync(folder, { recursive: true, force: true });
});

async function take(path = file, pid = 42): Promise<Lock> {
  const lock = await Lock.take({ file: path, pid, version: "1.0" });
  taken.push(lock);
  return lock;
}

const locks = (): string[] => readdirSync(folder).filter((name) => name.startsWith("state.json.lock-"));

/** A process that was killed while it had the lock. */
async function dieHolding(): Promise<string> {
  const name = `state.json.lock-1-${locks().length}`;
  const child = spawn(process.execPath, [
    resolve(import.meta.dirname, "lock-holder.mjs"),
    join(folder, name),
  ]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
  expect(locks()).toContain(name);
  return name;
}

describe("a lock", () => {
  it("is refused while somebody has it, with who that is, and can be had afterwards", async () => {
    const first = await take();
    await expect(take()).rejects.toMatchObject({
      code: "SQ_STATE_LOCKED",
      message: `another daemon (process 42) keeps its state in ${file}`,
    });
    await first.hold();
    await first.release();
    expect(readdirSync(folder)).toEqual([]);
    await take();
  });

  it("that a killed process left is taken over at once", async () => {
    await dieHolding();
    const lock = await take();
    await lock.hold();
    await expect(take()).rejects.toThrow("another daemon");
  });

  it("that a killed process left goes to one alone of many that want it", async () => {
    for (let round = 0; round < 5; round++) {
      await dieHolding();
      const results = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => take(file, n)));
      const won = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      expect(won).toHaveLength(1);
      await won[0]?.hold();
      await won[0]?.release();
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it("leaves files alone that are no sockets, and is not kept away by them", async () => {
    writeFileSync(`${file}.lock-precious`, "mine");
    const lock = await take();
    await lock.release();
    expect(readdirSync(folder)).toEqual(["state.json.lock-precious"]);
  });

  it("is not had while somebody listens who says nothing", async () => {
    const silent = createServer().listen(`${file}.lock-1-silent`);
    await once(silent, "listening");
    await expect(take()).rejects.toThrow("another daemon keeps its state");
    await new Promise((done) => silent.close(done));
    await take();
  });

  it("works where the path is longer than the address of a socket may be", async () => {
    const deep = join(folder, "x".repeat(60), "y".repeat(60));
    mkdirSync(deep, { recursive: true });
    const path = join(deep, "state.json");
    const lock = await take(path);
    expect(lock.missing).toBeNull();
    await expect(take(path)).rejects.toThrow("another daemon");
    await lock.release();
    expect(readdirSync(deep)).toEqual([]);
  });

  it("that was deleted is taken anew, or not, if another daemon was quicker", async () => {
    const lock = await take();
    rmSync(join(folder, locks()[0]!));
    await lock.hold();
    await expect(take()).rejects.toThrow("another daemon");
    rmSync(join(folder, locks()[0]!));
    const second = await take(file, 43);
    await expect(lock.hold()).rejects.toThrow("another daemon (process 43)");
    await second.hold();
  });
});
