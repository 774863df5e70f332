/** Jobs as the API tells of them. */
import type { Millis } from "../../core/clock.js";
import { formatDuration } from "../../core/units.js";
import type { Blob } from "./blobs.js";
import { digestHeader } from "./digest.js";
import type { Job } from "./job.js";

/** What a bot is given with a lease. */
export function assignment(job: Job): Record<string, unknown> {
  const { type, payload, depends_on, priority } = job.spec;
  return {
    id: job.id,
    type,
    payload,
    depends_on,
    priority,
    timeout: timeoutOf(job),
    attempt: job.counts.leases,
    ...(job.body && { body: bodyOf(job.body) }),
  };
}

export function summary(job: Job): Record<string, unknown> {
  return { id: job.id, type: job.spec.type, state: job.state };
}

export function detail(job: Job): Record<string, unknown> {
  return {
    ...assignment(job),
    state: job.state,
    waiting_for: job.waiting_for,
    progress: job.progress,
    bot_id: job.lease?.bot ?? null,
    result: job.settlement?.result ?? null,
    artifacts: Object.entries(job.artifacts).map(([name, artifact]) => ({ name, ...bodyOf(artifact) })),
    submitted_at: timestamp(job.submission.at),
    finished_at: job.settlement && timestamp(job.settlement.at),
  };
}

function timeoutOf(job: Job): string | null {
  return job.spec.timeout === null ? null : formatDuration(job.spec.timeout);
}

export function timestamp(at: Millis): string {
  return new Date(at).toISOString();
}

/** A row of the audit. */
export function auditRow(job: Job): Record<string, unknown> {
  return { ...summary(job), key: job.submission.key, ...job.counts };
}

export const bodyOf = ({ bytes, digest }: Blob): { bytes: number; digest: string } => ({
  bytes,
  digest: digestHeader(digest),
});
