/** The three ways in which a call can end without its answer, which ask for three different reactions. */
import type { Millis } from "../../core/clock.js";

/** Something on the way, or a server in difficulties: worth another try. */
export class Trouble extends Error {
  override readonly name = "Trouble";

  constructor(
    message: string,
    /** How long the server asked us to stay away. */
    readonly retryAfter: Millis = 0,
  ) {
    super(message);
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
