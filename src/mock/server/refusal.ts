/** What the mock job server refuses, from one table: the code a client may rely on and its HTTP status. */

const REFUSALS = {
  bad_request: 400,
  unauthorized: 401,
  not_found: 404,
  method_not_allowed: 405,
  too_slow: 408,
  stale_lease: 409,
  too_large: 413,
  range_not_satisfiable: 416,
  digest_mismatch: 422,
  idempotency_key_reused: 422,
  queue_full: 429,
  rate_limited: 429,
  internal: 500,
  no_room: 507,
} as const;

export type RefusalCode = keyof typeof REFUSALS;

export interface RefusalDetail {
  /** One line for each thing that is wrong with the request. */
  readonly reasons?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;

  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly detail: RefusalDetail = {},
  ) {
    super(message);
    this.status = REFUSALS[code];
  }

  toJSON(): Record<string, unknown> {
    const { reasons } = this.detail;
    return { error: this.message, status: this.status, code: this.code, ...(reasons && { reasons }) };
  }
}
