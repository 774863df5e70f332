/** What became of a load: the server's audit held against what the server had accepted. */
import type { Counts } from "../server/job.js";

export interface AuditRow extends Counts {
  readonly id: string;
  readonly key: string | null;
  readonly state: string;
}

export interface Verdict {
  readonly submitted: number;
  readonly completed: number;
  readonly failed: number;
  /** Accepted, and then not in the audit, or not finished in the time there was. */
  readonly lost: readonly string[];
  /** Completed more than once, or there twice under one idempotency key. */
  readonly twice: readonly string[];
  /** Jobs that more than one lease was executed for: allowed, and a sign of trouble on the way. */
  readonly executed_again: number;
  readonly refused_calls: number;
  readonly ok: boolean;
}

/** `accepted` has the id of each job by its idempotency key. */
export function judge(accepted: ReadonlyMap<string, string>, rows: readonly AuditRow[]): Verdict {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const keys = new Map<string | null, number>();
  for (const { key } of rows) keys.set(key, (keys.get(key) ?? 0) + 1);
  const settled = (row: AuditRow | undefined): boolean =>
    row?.state === "completed" || row?.state === "failed";
  const lost = [...accepted.values()].filter((id) => !settled(byId.get(id)));
  const twice = rows
    .filter(({ key, completions }) => completions > 1 || (keys.get(key) ?? 0) > 1)
    .map(({ id }) => id);
  return {
    submitted: accepted.size,
    completed: rows.filter(({ state }) => state === "completed").length,
    failed: rows.filter(({ state }) => state === "failed").length,
    lost,
    twice,
    executed_again: rows.filter(({ executions }) => executions > 1).length,
    refused_calls: rows.reduce((sum, { refused }) => sum + refused, 0),
    ok: lost.length === 0 && twice.length === 0,
  };
}
