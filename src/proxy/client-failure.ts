/** What an error of a client's socket says of the client: that it has reset, that its TLS broke, or something else. */
import type { ConnectionFailure } from "../core/events.js";
import { ALERT_NAMES, type AlertName } from "../faults/contract/index.js";
import { alertName } from "../tls/alert.js";

/** Why its connection failed, and in words. */
export function failureOf(error: NodeJS.ErrnoException): [reason: ConnectionFailure, text: string] {
  if (isReset(error)) return ["client_reset", error.message];
  if (error.code?.startsWith("ERR_SSL_") === true) return ["client_tls", wordsOfTls(error)];
  return ["client_error", error.message];
}

export function isReset({ code }: NodeJS.ErrnoException): boolean {
  return code === "ECONNRESET" || code === "EPIPE";
}

/** What broke its TLS. */
export function wordsOfTls(error: Error): string {
  const alert = alertOf(error);
  if (alert === null) return reasonOf(error);
  const hint = DISTRUST.includes(alert)
    ? ": it does not trust the certificate that it was shown (squall env)"
    : "";
  return `it sent the alert ${alert}${hint}`;
}

/** Of a handshake: clients that check certificates in their own code send no alert. */
export const CLOSED_EARLY = "it closed the connection, perhaps since it does not trust the CA (squall env)";

/** What clients send that do not know the CA. */
const DISTRUST: readonly AlertName[] = ["unknown_ca", "bad_certificate", "certificate_unknown"];

/** The alert in an error of OpenSSL, such as ERR_SSL_TLSV1_ALERT_UNKNOWN_CA; null if it tells of none. */
export function alertOf(error: Error): AlertName | null {
  // The words depend on the version of OpenSSL, and those of some alerts do not say that it is one.
  const [, number] = /SSL alert number (\d+)/u.exec(error.message) ?? [];
  if (number !== undefined) return alertName(Number(number));
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

/** What OpenSSL says that is wrong, without where in OpenSSL. */
function reasonOf({ message }: Error): string {
  // OpenSSL writes "C0DE…:error:0A000412:SSL routines:ssl3_read_bytes:what it is:file:line:".
  const [, words] = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/u.exec(message) ?? [];
  return words ?? message;
}
