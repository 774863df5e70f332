/** The jobs that could be leased now, the most urgent one first. */
import type { Job } from "./job.js";

export class ReadyQueue {
  /** Sorted with the most urgent at the end, where taking is cheapest. */
  readonly #jobs: Job[] = [];

  /** A job that comes back after its lease expired takes its old place, not the last one. */
  add(job: Job): void {
    let low = 0;
    let high = this.#jobs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#jobs[middle];
      if (other && isMoreUrgent(job, other)) low = middle + 1;
      else high = middle;
    }
    this.#jobs.splice(low, 0, job);
  }

  /** Takes the most urgent job of one of these types; no types stands for any. */
  take(types: readonly string[]): Job | undefined {
    const index = this.#jobs.findLastIndex((job) => types.length === 0 || types.includes(job.spec.type));
    return index < 0 ? undefined : this.#jobs.splice(index, 1)[0];
  }
}

function isMoreUrgent(a: Job, b: Job): boolean {
  return a.spec.priority === b.spec.priority ? a.order < b.order : a.spec.priority > b.spec.priority;
}
