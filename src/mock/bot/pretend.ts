/**
 * The work of a bot that has none of its own. It takes its time in ten steps; a job may say how much, and ask
 * for an artifact: `{ "duration": "2s", "artifact_bytes": 1048576 }` in its payload. A payload that came as a
 * body goes back as the artifact `echo`, so that both digests show what the way has done to it.
 */
import { z } from "zod";
import type { Clock, Millis } from "../../core/clock.js";
import { parseDuration } from "../../core/units.js";
import { lookedAt } from "../looked-at.js";
import type { Work } from "./job.js";
import { sleep } from "./patience.js";
import { digestOfFile, writeFrom } from "./scratch.js";

const STEPS = 10;
const ARTIFACT_MAX = 2 ** 32;
const PIECE = 64 * 1024;

const Wishes = z.object({
  duration: z.string().optional().catch(undefined),
  artifact_bytes: z.int().min(0).max(ARTIFACT_MAX).optional().catch(undefined),
});

export function pretend(clock: Clock, workTime: Millis): Work {
  return async (job, desk) => {
    const wishes = lookedAt(Wishes, job.payload).data ?? {};
    const time = parseDuration(wishes.duration ?? "") ?? workTime;
    for (let step = 1; step <= STEPS; step++) {
      await sleep(clock, time / STEPS, desk.signal);
      desk.progress(step / STEPS);
    }
    const result: Record<string, unknown> = { echo: job.payload };
    if (desk.payload !== null) {
      result["payload_digest"] = await digestOfFile(desk.payload);
      await desk.attach("echo", desk.payload);
    }
    if (wishes.artifact_bytes !== undefined) {
      const file = await desk.newFile();
      await writeFrom(file, 0, pattern(job.id, wishes.artifact_bytes));
      await desk.attach("artifact", file);
    }
    return result;
  };
}

/** Bytes that tell a misplaced piece from the right one: each piece begins with its number. */

async function* pattern(job: string, bytes: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes; start += PIECE) {
    const piece = Buffer.alloc(Math.min(PIECE, bytes - start), `${job} ${start} `);
    yield piece;
  }
}
