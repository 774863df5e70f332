/** How a client of Node, by OpenSSL, names each alert. */
import { ALERTS, type AlertName } from "../../src/faults/contract/index.js";

/** From OpenSSL 3.2 on, which is in Node 22 and 24, alerts that are as old as SSL 3.0 are named for both. */
const [MAJOR = 0, MINOR = 0] = process.versions.openssl.split(".").map(Number);
const SSL3 = MAJOR > 3 || (MAJOR === 3 && MINOR >= 2) ? "SSL/TLS" : "SSLV3";

/** Those that were there in SSL 3.0. */
const FROM_SSL3: ReadonlySet<number> = new Set([10, 20, 40, 42, 43, 44, 45, 46, 47]);
/** Those that came with TLS 1.3. */
const FROM_TLS13: ReadonlySet<number> = new Set([109, 116]);
/** No alert in their names: they came by extensions. */
const BY_EXTENSION: ReadonlySet<number> = new Set([110, 112, 113]);

export function codeOf(name: AlertName): string {
  const number = ALERTS[name];
  const prefix = FROM_SSL3.has(number)
    ? `${SSL3}_ALERT`
    : FROM_TLS13.has(number)
      ? "TLSV13_ALERT"
      : "TLSV1_ALERT";
  const known = name === "user_canceled" ? "USER_CANCELLED" : name.toUpperCase();
  return `ERR_SSL_${BY_EXTENSION.has(number) ? "TLSV1" : prefix}_${known}`;
}
