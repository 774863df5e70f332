/**
 * How a client took a handshake on which a fault acted. An alert that it sends says so itself, and so does data: whoever
 * sends it has accepted what it was shown. Who closes before is taken to have refused, since clients that check certificates in
 * their own code, Node's among them, send no alert.
 */
import { ALERT_NAMES, type AlertName, type Took } from "../../faults/contract/index.js";

/** The alert in an error of OpenSSL, such as ERR_SSL_TLSV1_ALERT_UNKNOWN_CA; null if it tells of none. */
export function alertOf(error: Error): AlertName | null {
  const { code = "" } = error as NodeJS.ErrnoException;
  const word = /ALERT_(?:NUMBER_)?([A-Z_]+)$/u.exec(code)?.[1]?.toLowerCase() ?? "";
  // OpenSSL has other words for some.
  const name = OTHER_WORDS[word] ?? word;
  return ALERT_NAMES.find((one) => one === name) ?? null;
}

const OTHER_WORDS: Readonly<Record<string, AlertName>> = {
  access_denied: "access_denied",
  user_cancelled: "user_canceled",
  no_renegotiation: "user_canceled",
};

export class Testimony {
  readonly #decided: (took: Took) => void;
  #took: Took | null = null;

  constructor(decided: (took: Took) => void) {
    this.#decided = decided;
  }

  get took(): Took | null {
    return this.#took;
  }

  /** Data of its own has come. */
  data(): void {
    this.#decide("accepted");
  }

  broke(error: Error): void {
    const alert = alertOf(error);
    if (alert !== null) this.#decide(`alert ${alert}`);
    else if (isReset(error)) this.#decide("reset");
  }

  /** It has ended its side, or is gone. */
  ended(): void {
    this.#decide("closed");
  }

  /** The connection is over, and it was not the client who ended it. */
  over(): void {
    this.#decide("undecided");
  }

  #decide(took: Took): void {
    if (this.#took !== null) return;
    this.#took = took;
    this.#decided(took);
  }
}

function isReset(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ECONNRESET" || code === "EPIPE";
}
