/** Alerts as they stand on the wire (RFC 8446, section 6), and their names by number. */
import { ALERTS, ALERT_NAMES, type AlertName, type TlsVersion } from "../faults/contract/index.js";

const ALERT = 21;
const WARNING = 1;
const FATAL = 2;

/** A record says 1.2 in TLS 1.3, too (RFC 8446, section 5.1). */
const RECORD_MINOR: Readonly<Record<TlsVersion, number>> = { "1.0": 1, "1.1": 2, "1.2": 3, "1.3": 3 };

const NAMES: ReadonlyMap<number, AlertName> = new Map(ALERT_NAMES.map((name) => [ALERTS[name], name]));

/** Null for numbers that nobody has given a meaning, or only one that no server sends. */
export function alertName(number: number): AlertName | null {
  return NAMES.get(number) ?? null;
}

/** Those by which a peer refuses the certificate that it was shown, or that it was shown none (RFC 8446, section 6.2). */
export const CERTIFICATE_REFUSALS: ReadonlySet<AlertName> = new Set([
  "bad_certificate",
  "unsupported_certificate",
  "certificate_revoked",
  "certificate_expired",
  "certificate_unknown",
  "unknown_ca",
  "access_denied",
  "certificate_required",
]);

/**
 * Level and description, the payload of a record. All but `close_notify` are fatal, since they end the connection: `user_canceled` is
 * "generally a warning" (RFC 8446, section 6.1), and clients pass over warnings.
 */
export function alertPayload(name: AlertName): Buffer {
  return Buffer.from([name === "close_notify" ? WARNING : FATAL, ALERTS[name]]);
}

/** The seven bytes of a record that is not encrypted: before the keys are there, in place of a ServerHello above all. */
export function plainAlert(name: AlertName, version: TlsVersion = "1.2"): Buffer {
  return Buffer.concat([Buffer.from([ALERT, 3, RECORD_MINOR[version], 0, 2]), alertPayload(name)]);
}
