/** A full disk under the journal costs lines, which are counted, and nothing else. Needs a build, root and mount. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { LongDaemon, quantile, until } from "./support/daemon.js";
import { openThrough, startEcho, inParallel } from "./support/proxy-process.js";

const DISK_BYTES = 256 * 1024;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A disk of that size, or null where none can be had. */
function smallDisk(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "squall-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true });
    return null;
  }
  ends.push(() => {
    execFileSync("umount", [folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** What is in it; nothing in the moment in which it has been rotated away and the next one is not there yet. */
function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

it("goes on without the journal's file while the disk is full, says so once, and writes again when there is room", async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === null) skip("needs: root and mount");
  const folder = disk ?? "";
  const echo = await startEcho();
  ends.push(() => {
    echo.stop();
  });
  mkdirSync(join(folder, "journal"));
  const file = join(folder, "journal", "journal.jsonl");
  const daemon = await LongDaemon.start({
    journal: { file, keep: 1_000, rotate: "64KiB", files: 2 },
    proxies: { jobs: { listen: "127.0.0.1:0", upstream: `tcp://127.0.0.1:${echo.port}` } },
  });
  ends.push(() => daemon.close());
  const faults = ["a", "b", "c", "d", "e"].map((name) => ({ name, type: "latency", delay: "1ms" }));
  await daemon.call("PUT", "/active", { faults });
  const { port } = await daemon.listens("jobs");
  /** Each fault that hits a connection is an entry. */
  const connections = (count: number): Promise<void> =>
    inParallel(count, 20, async () => {
      (await openThrough(port)).destroy();
    });
  const dropped = (): Promise<number> => daemon.metric("squall_journal_file_dropped_total");
  const problems = (): readonly string[] =>
    daemon.said("warn", "error").flatMap(({ message }) => (message.includes("journal") ? [message] : []));

  // Somebody else takes all the room that the journal would need.
  writeFileSync(join(folder, "ballast"), Buffer.alloc(DISK_BYTES - 32 * 1024));
  await connections(200);
  await until("it says so", () => problems().length > 0);
  // More than may wait for the disk.
  const before = { cpu: daemon.cpu, at: performance.now() };
  await connections(4_000);
  const share = (daemon.cpu - before.cpu) / (performance.now() - before.at);
  await until("lines are dropped", async () => (await dropped()) > 0);
  const said = problems().length;
  expect(problems()[0]).toMatch(/cannot write to .*journal\.jsonl: ENOSPC/u);
  expect(said).toBe(1);
  const taken: number[] = [];
  for (let n = 0; n < 20; n++) taken.push((await daemon.call("GET", "/journal?limit=100")).millis);
  const lost = await dropped();

  rmSync(join(folder, "ballast"));
  // The first may still find the queue full; it is what sets the writing off again.
  await until("what comes now is in the file", async () => {
    await daemon.call("POST", "/journal/marks", { text: "there is room again" });
    return textOf(file).includes("there is room again");
  });
  const total = await dropped();
  console.log(
    `disk full: ${lost} lines dropped, ${said} warning; GET /journal slowest ${Math.max(...taken).toFixed(1)} ms, ` +
      `median ${quantile(taken, 0.5).toFixed(1)} ms; processor ${Math.round(share * 100)} % under 4000 connections; ` +
      `${statSync(file).size} bytes once there was room`,
  );
  for (const line of readFileSync(file, "utf8").trimEnd().split("\n").slice(1)) JSON.parse(line);
  await connections(100);
  await daemon.call("POST", "/journal/marks", { text: "and nothing is lost" });
  await until("it is in the file", () => textOf(file).includes("and nothing is lost"));
  expect(await dropped()).toBe(total);
  expect(daemon.said("error")).toEqual([]);
});
