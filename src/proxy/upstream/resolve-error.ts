/** The one way in which a name can fail to become addresses, for the dialler to judge and the log to quote. */

/**
 * - `not_found`: the name does not exist, has no address, or is not a name.
 * - `timeout`: no server answered.
 * - `refused`: the server refused the question, or nothing listens where it should be.
 * - `server_failure`: the server answered that it failed (SERVFAIL, NOTIMP, FORMERR).
 * - `descriptor_limit`: this process, or the machine, has no descriptor left to ask with: nothing is known of the name.
 * - `other`: anything else, a closed resolver among it.
 */
export type ResolveFailure =
  "not_found" | "timeout" | "refused" | "server_failure" | "descriptor_limit" | "other";

/** `hostname` is the name as it was asked (not `name`, which every Error has for its own kind). */
export class ResolveError extends Error {
  override readonly name = "ResolveError";

  constructor(
    readonly code: ResolveFailure,
    readonly hostname: string,
    readonly reason: string,
  ) {
    super(`cannot resolve ${hostname}: ${reason}`);
  }
}

export interface Explanation {
  readonly code: ResolveFailure;
  readonly reason: string;
}

/** What c-ares says, in words. Codes: ares_strerror(3), as Node's dns module hands them on. */
const EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map([
  ["ENOTFOUND", { code: "not_found", reason: "there is no such name" }],
  ["ENODATA", { code: "not_found", reason: "the name has no address" }],
  ["EBADNAME", { code: "not_found", reason: "this is not a valid name" }],
  ["ETIMEOUT", { code: "timeout", reason: "no DNS server answered in time" }],
  ["ECONNREFUSED", { code: "refused", reason: "the DNS server cannot be reached" }],
  ["EREFUSED", { code: "refused", reason: "the DNS server refused the question" }],
  ["ESERVFAIL", { code: "server_failure", reason: "the DNS server failed" }],
  ["ENOTIMP", { code: "server_failure", reason: "the DNS server does not implement the question" }],
  ["EFORMERR", { code: "server_failure", reason: "the DNS server could not read the question" }],
  ["EMFILE", { code: "descriptor_limit", reason: "no descriptor is left to ask a DNS server" }],
  ["ECANCELLED", { code: "other", reason: "the question was cancelled" }],
]);

/** Explains whatever a `Lookup` rejected with. */
export function explainLookupError(error: unknown): Explanation {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return EXPLANATIONS.get(code) ?? { code: "other", reason: code };
}
