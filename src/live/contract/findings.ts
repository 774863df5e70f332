/** `GET /findings`: what exchanges say of bots. */
import type { Moment } from "./moment.js";

/** `GET /findings[?bot=]`: what the ring's exchanges say of bots, made by `findings.ts`, which the page can run as well. Keeps the ring for 30 s. */
export interface FindingsAnswer extends Moment {
  readonly findings: readonly Finding[];
  /** Over which exchanges. */
  readonly from: number;
  readonly exchanges: number;
}

export type FindingKind =
  /** How long it took, after a fault had acted on it for the last time, until it was answered again; null in `ms` if it was not. */
  | "recovery"
  /** It tried again before `Retry-After` was over, or at once. */
  | "early_retry"
  /** Bots that try again at the same moments. */
  | "lock_step"
  /** It waited for an answer for 30 s or more, and would have gone on. */
  | "no_timeout"
  /** It took a certificate that it had to refuse. */
  | "bad_certificate"
  /** The upstream carried the same thing out twice. */
  | "carried_out_twice";

export interface Finding {
  /** The same for the same thing, so that a row can stay. */
  readonly id: string;
  readonly kind: FindingKind;
  /** `bad`: a flaw. `note`: a figure. */
  readonly level: "bad" | "note";
  /** Whose; of `lock_step` the first by name. */
  readonly bot: string;
  /** Of `lock_step`: all. */
  readonly bots: readonly string[];
  readonly route: string | null;
  /** In a sentence. */
  readonly text: string;
  readonly times: number;
  /** The figure that matters: of `recovery` how long, of `early_retry` how much too early at worst, of `no_timeout` how long it waited. */
  readonly ms: number | null;
  readonly first_at: number;
  readonly last_at: number;
  /** Up to five, as proof. */
  readonly exchanges: readonly { readonly proxy: string; readonly id: string }[];
}
