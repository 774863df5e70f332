/** Why something of the network failed, in the words of whoever knows: `fetch failed` says nothing, and its cause does. */

/** A sentence without its capital and its dot. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "it did not answer in time";
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  if (cause instanceof Error) return reasonOf(cause);
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
