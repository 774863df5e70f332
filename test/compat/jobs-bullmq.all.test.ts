/** BullMQ on Redis: a job is done at least once, and again only where Redis saw its worker's lock run out. */
import { setTimeout as work } from "node:timers/promises";
import { Job, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { has, tellStory, WORK_MS, type Site } from "./jobs/story.js";

const WORKERS = 3;
/** Short, so that a job whose worker was never heard of again is given to another one soon. */
const LOCK_MS = 3_000;

async function open({ direct, squall }: { direct: number; squall: number }): Promise<Site> {
  const through = (): Redis => {
    const redis = new Redis({ host: "127.0.0.1", port: squall, maxRetriesPerRequest: null });
    return redis.on("error", () => undefined);
  };
  const connections: Redis[] = [];
  const connection = (): Redis => {
    const redis = through();
    connections.push(redis);
    return redis;
  };
  const runs = new Map<string, number>();
  const queue = new Queue("work", { connection: connection() });
  const watch = new Queue("work", { connection: { host: "127.0.0.1", port: direct } });
  queue.on("error", () => undefined);
  const workers = Array.from({ length: WORKERS }, () => {
    const worker = new Worker<string>(
      "work",
      async ({ data }) => {
        runs.set(data, (runs.get(data) ?? 0) + 1);
        await work(WORK_MS);
      },
      {
        connection: connection(),
        lockDuration: LOCK_MS,
        stalledInterval: LOCK_MS / 3,
        maxStalledCount: 1_000,
        drainDelay: 1,
      },
    );
    return worker.on("error", () => undefined);
  });
  await watch.waitUntilReady();
  return {
    // The id is the job's name: the same job twice is one job.
    submit: async (job) => {
      await queue.add("job", job, { jobId: job });
    },
    ran: (job) => runs.get(job) ?? 0,
    mayRun: async (job) => {
      const known = await Job.fromId(watch, job);
      if (known === undefined || !(await known.isCompleted())) throw new Error(`${job} was not completed`);
      return 1 + known.stalledCounter;
    },
    left: async () => {
      const counts = await watch.getJobCounts("waiting", "active", "delayed", "failed", "prioritized");
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
    close: async () => {
      await Promise.all(workers.map((worker) => worker.close(true)));
      await Promise.all([queue.close(), watch.close()]);
      for (const redis of connections) redis.disconnect();
    },
  };
}

tellStory({
  name: "BullMQ",
  missing: has("redis-server", "--version") ? null : "redis-server",
  program: (port, folder) => [
    "redis-server",
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
    ...["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"],
  ],
  copesWith: ["flaky-connections", "packet-loss", "high-latency"],
  open,
});
