/**
 * The seam of TLS: one fault on one handshake of a client, and on the connection that comes of it, to its end. It acts on listeners
 * that terminate TLS. Squall takes the server's part.
 */
import type { Millis } from "../../core/clock.js";
import type { ConnectionInfo } from "./connection.js";
import type { GateVerdict, Pass, Sever } from "./verdicts.js";

/** The versions that a runtime may speak, the oldest first. */
export const TLS_VERSIONS = ["1.0", "1.1", "1.2", "1.3"] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** The alerts that a server may end a connection with, and their numbers (RFC 8446, 6; RFC 5246, 7.2). */
export const ALERTS = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
} as const;
export type AlertName = keyof typeof ALERTS;
export const ALERT_NAMES = Object.keys(ALERTS) as readonly AlertName[];

/** What can be wrong with a certificate. */
export const CERTIFICATE_PROBLEMS = [
  "expired",
  "not_yet_valid",
  "wrong_host",
  "self_signed",
  "unknown_ca",
  "incomplete_chain",
  "bad_signature",
  "weak_key",
  "sha1",
  "no_san",
  "wrong_usage",
  "revoked",
  "huge",
] as const;
export type CertificateProblem = (typeof CERTIFICATE_PROBLEMS)[number];

/** Whether a client can know it for wrong: size is no mistake, and only who asks is told of a revocation. */
export function isWrong(problem: CertificateProblem, { asksStatus }: Pick<Hello, "asksStatus">): boolean {
  return problem !== "huge" && (problem !== "revoked" || asksStatus);
}

/** A certificate as data, so that a run can be made again. */
export interface CertificateRecipe {
  readonly problem: CertificateProblem;
  /** How long ago it expired, or how long it is until it is valid; of no meaning elsewhere. */
  readonly by: Millis;
}

/** A ClientHello (RFC 8446, 4.1.2), as far as anything depends on it. */
export interface Hello {
  /** The server's name that it asks for (RFC 6066, 3), in lower case; null if none. */
  readonly sni: string | null;
  /** The protocols that it offers (RFC 7301), in its order. */
  readonly alpn: readonly string[];
  /** The versions that it offers, the oldest first, GREASE and unknown ones left out. */
  readonly versions: readonly TlsVersion[];
  /** It asks for a stapled OCSP response (RFC 6066, 8). */
  readonly asksStatus: boolean;
  /** It brings a ticket or a PSK of an earlier session, or before TLS 1.3 its ID. */
  readonly resumes: boolean;
}

export interface HandshakeInfo extends ConnectionInfo {
  readonly hello: Hello;
}

/** Ends the connection with this alert, encrypted where it would be. */
export interface Alert {
  readonly do: "alert";
  readonly alert: AlertName;
}

/** In what way the handshake is made; what is not said stays as the listener has it. */
export interface Terms {
  readonly min?: TlsVersion;
  readonly max?: TlsVersion;
  /** As OpenSSL lists them. */
  readonly ciphers?: string;
  readonly alpn?: readonly string[];
  /** False: no session is resumed and no ticket is of use later. */
  readonly tickets?: boolean;
}

/** What a client showed of itself. */
export interface ClientCertificate {
  /** Null if it showed none. */
  readonly fingerprint: string | null;
  readonly subject: string | null;
  /** What both agreed to, as in `TLSv1.3`. */
  readonly version: string | null;
}

/**
 * Where the server's part of a handshake stops: behind the first bytes of its first flight, or before anything that follows the
 * client's Finished (in TLS 1.2 the server's own Finished, in 1.3 tickets and all data).
 */
export type Stall = { readonly at: "our_flight"; readonly bytes: number } | { readonly at: "finished" };

/** How the end of an established connection differs from what is in order. */
export type TlsEnd = "without_notify" | "notify_and_stay";

/** How the client took the handshake (see docs/tls.md). */
export type Took = "accepted" | `alert ${AlertName}` | "closed" | "reset" | "undecided";

/** One fault on one handshake. `released` is called once, however it ends. */
export interface HandshakeFault {
  /** The ClientHello has come; nothing of ours was sent. Asked again after `wait`. */
  hello?(): GateVerdict | Alert;
  /** What is presented in place of the right certificate; the first fault that answers one wins. */
  certificate?(): CertificateRecipe | null;
  terms?(): Terms | null;
  /** Whether the client is asked for a certificate though the listener does not want one. */
  demands?(): boolean;
  stall?(): Stall | null;
  /** What comes of a stall: asked when it begins, `hold` lets the handshake go on after it. */
  stalled?(): GateVerdict;
  /** The client has shown a certificate, or none. In TLS 1.3 it takes itself to be through by then. */
  client?(certificate: ClientCertificate): Pass | Alert | Sever;
  /** The handshake is over. */
  established?(): Pass | Alert | Sever;
  /** So many bytes of data have been sent to the client since then, in all; asked only of faults whose `wantsBytes` is true. */
  sent?(bytes: number): Pass | Alert | Sever;
  readonly wantsBytes?: boolean;
  /** Asked when our side of the connection is about to be ended in order. An alert takes the place of the close_notify. */
  end?(): TlsEnd | Alert | null;
  /** When `wake` should be called next; Infinity for never. Read after each call into the fault. */
  readonly wakeAt: Millis;
  wake?(): Pass | Alert | Sever;
  /** How the client took it: called once, where the fault has done something. */
  took?(how: Took): void;
  released?(): void;
}
