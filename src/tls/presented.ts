/** What a bot is shown of a server, as a TLS context takes it. */
import type { Millis } from "../core/clock.js";

export interface Presented {
  /** PEM: the leaf, and what stands between it and the CA. */
  readonly cert: string;
  /** PEM. It never leaves the process. */
  readonly key: string;
  /** An OCSP response as DER, to be stapled for those that ask; null for none. */
  readonly ocsp: Buffer | null;
  /** PEM of what belongs between the leaf and the CA and is not sent along; null if nothing is missing. */
  readonly missing: string | null;
  /** It is so weak that OpenSSL takes it at security level 0 only. */
  readonly weak: boolean;
  /** Milliseconds since 1970 from which on it should be made anew. */
  readonly renewAt: Millis;
}
