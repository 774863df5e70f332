/** Why something of the network failed, in the words of whoever knows: `fetch failed` says nothing, and its cause does. */

/** A sentence without its capital and its dot. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "it did not answer in time, or closes connections at once";
  // A body that is no JSON, in the words of V8.
  if (error instanceof SyntaxError) return "it answers something else than JSON";
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  if (cause instanceof Error) return reasonOf(cause);
  const text = error.message || (error as NodeJS.ErrnoException).code || error.name;
  // What OpenSSL says has its source in it.
  const [, tls] = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/u.exec(text) ?? [];
  return tls === undefined ? text.replace(/\s+/gu, " ").trim() : `TLS: ${tls}`;
}
