/** The stories that test/e2e/mock-server.all.test.ts tells in small and test/long/mock-server.test.ts in full. */
import { join } from "node:path";
import { expect } from "vitest";
import { Stage } from "./stage.js";

const MIB = 2 ** 20;

async function staged(words: readonly string[], story: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await Stage.open(words);
  try {
    await story(stage);
  } finally {
    await stage.close();
  }
}

const named = (count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, index) => `bot-${index + from}`);

/** The job server is killed while jobs are being worked on, and comes back with what it had written down. */
export async function crashRecovery({ jobs, crashes }: { jobs: number; crashes: number }): Promise<void> {
  const stage = await Stage.open(["--lease", "5s"]);
  try {
    const words = ["--lease", "5s", "--data", join(stage.shop.folder, "jobs")];
    await stage.endServer("SIGTERM");
    await stage.startServer(words);
    await stage.submitMany(jobs, { duration: "300ms" });
    stage.startBots(named(4));
    for (let crash = 1; crash <= crashes; crash++) {
      const worked = stage.count("working");
      await stage.until(() => stage.count("working") > worked + 1);
      await stage.endServer("SIGKILL");
      await stage.until(() =>
        stage.lines.some(({ event, why }) => event === "retrying" && why !== undefined),
      );
      await stage.startServer(words);
      stage.healed();
    }
    await stage.submitMany(4, { duration: "50ms" });
    await stage.allDone();
    expect(await stage.broken()).toEqual([]);
    expect(stage.count("registered")).toBeGreaterThanOrEqual(4);
    expect(stage.count("stopped")).toBe(0);
  } finally {
    await stage.close();
  }
}

/** The same as a profile: the server lives on, and nobody can reach it. */
export function simulatedCrash({ jobs }: { jobs: number }): Promise<void> {
  return staged(["--lease", "5s"], async (stage) => {
    await stage.submitMany(jobs, { duration: "300ms" });
    stage.startBots(named(4));
    await stage.until(() => stage.count("working") >= 4);
    await stage.use("server-crash");
    await stage.until(() => stage.lines.some(({ why }) => why === "connection refused"));
    await stage.heal();
    await stage.allDone();
    // A job's lease outlives an outage as short as this: nobody has to do anything again.
    expect(await stage.broken({ once: true })).toEqual([]);
  });
}

/** The server is restarted in good order, over and over, and then by the profile. */
export function restartReconnection({ restarts }: { restarts: number }): Promise<void> {
  return staged(["--lease", "5s"], async (stage) => {
    const words = ["--lease", "5s", "--data", join(stage.shop.folder, "jobs")];
    await stage.endServer("SIGTERM");
    await stage.startServer(words);
    stage.startBots(named(4));
    await stage.until(() => stage.count("registered") === 4);
    for (let restart = 1; restart <= restarts; restart++) {
      const recovered = stage.count("recovered");
      await stage.endServer("SIGTERM");
      await stage.startServer(words);
      stage.healed();
      await stage.submitMany(8, { duration: "50ms" });
      await stage.allDone();
      await stage.until(() => stage.count("recovered") > recovered);
    }
    await stage.submitMany(12, { duration: "200ms" });
    await stage.use("server-restart", { calm: "300ms", away: "1s", warm_up: "1s", cold: "200ms" });
    await stage.until(() => stage.lines.some(({ why }) => why === "connection refused"));
    await stage.allDone();
    await stage.heal();
    await stage.allDone();
    expect(await stage.broken()).toEqual([]);
  });
}

/** A far server: each answer takes its time, and nobody gives up or does anything twice. */
export function highLatency({
  delay,
  jitter,
  jobs,
}: {
  delay: string;
  jitter: string;
  jobs: number;
}): Promise<void> {
  return staged(["--lease", "30s"], async (stage) => {
    await stage.use("high-latency", { delay, jitter });
    stage.startBots(named(4), { requestTimeout: 60_000 });
    await stage.until(() => stage.count("registered") === 4);
    const begun = Date.now();
    await stage.submitMany(jobs, { duration: "10ms" });
    await stage.allDone();
    // Lease, heartbeat and completion wait for one answer each; jobs go through four bots.
    expect(Date.now() - begun).toBeGreaterThan(parseInt(delay, 10));
    expect(stage.count("retrying")).toBe(0);
    await stage.heal();
    await stage.allDone();
    expect(await stage.broken({ once: true })).toEqual([]);
  });
}

/** Many bots at one server, with room for all and then without. */
export function multipleBots({ bots, jobs }: { bots: number; jobs: number }): Promise<void> {
  return staged(["--lease", "60s"], async (stage) => {
    const PROCESSES = 4;
    for (let part = 0; part < PROCESSES; part++) {
      const names = named(bots / PROCESSES, 1 + (part * bots) / PROCESSES);
      stage.startBots(names, { wait: 5_000, requestTimeout: 20_000, backOffMax: 3_000 });
    }
    await stage.until(() => stage.count("registered") === bots);
    await stage.submitMany(jobs, { duration: "20ms" });
    await stage.allDone();
    expect(await stage.broken({ once: true })).toEqual([]);
    expect(
      new Set(stage.lines.filter(({ event }) => event === "completed").map(({ bot }) => bot)).size,
    ).toBeGreaterThan(bots / 4);
    await stage.use("many-bots", { max: bots / 2, queue: bots / 8 });
    await stage.submitMany(jobs, { duration: "20ms" });
    await stage.until(
      () =>
        new Set(stage.lines.filter(({ event }) => event === "completed").map(({ job }) => job)).size >
        jobs * 1.5,
    );
    await stage.heal();
    await stage.allDone();
    expect(await stage.broken()).toEqual([]);
  });
}

/** Many small jobs over a thin line that all bots share. */
export function highVolume({ jobs }: { jobs: number }): Promise<void> {
  return staged(["--lease", "60s"], async (stage) => {
    await stage.use("contention", { service_time: "1ms", down: "2MB/s", up: "2MB/s" });
    stage.startBots(named(8), { concurrency: 8, requestTimeout: 30_000 });
    await stage.submitMany(jobs, { duration: "1ms" });
    await stage.allDone();
    await stage.heal();
    await stage.allDone();
    expect(await stage.broken({ once: true })).toEqual([]);
  });
}

/** Payload and artifact of that size go through, whole and right, while Squall's memory stays what it was. */
export function largePayloads({ bytes, memory }: { bytes: number; memory: number }): Promise<void> {
  return staged(["--lease", "60s"], async (stage) => {
    stage.startBots(["bot-1"], { requestTimeout: 30_000 });
    await stage.submit({ duration: "10ms" }, MIB);
    await stage.allDone();
    const before = stage.residentMemory();
    let most = before;
    const sampling = setInterval(() => (most = Math.max(most, stage.residentMemory())), 50);
    try {
      await stage.submit({ duration: "10ms" }, bytes);
      await stage.allDone();
      await stage.use("large-payloads", {
        after: `${Math.ceil(bytes / MIB / 3) + 1}MiB`,
        part: "100%",
        rate: "200MB/s",
      });
      await stage.submit({ duration: "10ms" }, bytes);
      await stage.allDone();
    } finally {
      clearInterval(sampling);
    }
    await stage.heal();
    await stage.allDone();
    expect(await stage.broken({ once: true })).toEqual([]);
    expect(most - before).toBeLessThan(memory);
  });
}
