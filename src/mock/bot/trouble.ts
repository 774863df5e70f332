/** The ways in which a call can end without its answer, which ask for different reactions. */
import type { Millis } from "../../core/clock.js";

export interface TroubleAbout {
  readonly retryAfter?: Millis;
  readonly cut?: boolean;
  readonly tls?: string;
  readonly lasting?: boolean;
}

/** Something on the way, or a server in difficulties: worth another try. */
export class Trouble extends Error {
  override readonly name = "Trouble";
  /** How long the server asked us to stay away. */
  readonly retryAfter: Millis;
  /** Whether an established connection was cut. */
  readonly cut: boolean;
  /** What went wrong with TLS, by its name; null if it was something else. */
  readonly tls: string | null;
  /** It does not pass by itself, so there is no point in coming back soon. */
  readonly lasting: boolean;

  constructor(message: string, about: TroubleAbout = {}) {
    super(message);
    this.retryAfter = about.retryAfter ?? 0;
    this.cut = about.cut ?? false;
    this.tls = about.tls ?? null;
    this.lasting = about.lasting ?? false;
  }
}

/** The job server itself said no, in its own JSON: asking again would not help. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Nobody wants the answer any more: the bot is told to stop, or the lease is gone. The reason of an AbortSignal. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/** Something is wrong on this machine, such as a full disk: neither the server nor the network can help. */
export class Unable extends Error {
  override readonly name = "Unable";
}
