/** So many workers take tasks from one list, in its order; each task may put others behind. */

export type Task = () => Promise<void>;

/** Runs until nothing is left, or `stopped` says so; rejects with the first error of a task, when all that were begun are over. */
export async function crew(workers: number, next: () => Task | null): Promise<void> {
  const errors: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let task = next(); task !== null && errors.length === 0; task = next()) {
      try {
        await task();
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, workers) }, work));
  if (errors.length > 0) throw errors[0];
}
