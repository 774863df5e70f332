/** What goes wrong with TLS, by its name and in plain words. */
import { alertName, CERTIFICATE_REFUSALS } from "../../tls/alert.js";

export interface TlsTrouble {
  /** A code of Node's such as `CERT_HAS_EXPIRED`, `alert internal_error`, or what else happened: `handshake_closed`. */
  readonly name: string;
  readonly message: string;
  /** One of the two certificates is wrong: it stays so until somebody exchanges it. */
  readonly lasting: boolean;
}

const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "is for other names",
  HOSTNAME_MISMATCH: "is for other names",
  DEPTH_ZERO_SELF_SIGNED_CERT: "is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "comes from a CA that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "comes from an issuer that is not known",
  UNABLE_TO_GET_ISSUER_CERT: "comes from an issuer that is not known",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "comes from an issuer that is not known",
  CERT_SIGNATURE_FAILURE: "has a wrong signature",
  CERT_REVOKED: "is revoked",
  CERT_UNTRUSTED: "is not trusted",
  CERT_REJECTED: "is rejected",
  CERT_CHAIN_TOO_LONG: "has too long a chain",
  INVALID_CA: "has a CA in its chain that is none",
  INVALID_PURPOSE: "is not one for servers",
  PATH_LENGTH_EXCEEDED: "has too long a chain",
};

/** Null if it has nothing to do with TLS. */
export function tlsTrouble(error: NodeJS.ErrnoException, inHandshake: boolean): TlsTrouble | null {
  const { code = "", message } = error;
  const wrong = CERTIFICATES[code];
  if (wrong !== undefined)
    return { name: code, message: `the server's certificate ${wrong} (${code})`, lasting: true };
  // Node has no code for some mistakes of certificates, such as a key that is too small.
  if (code === "UNSPECIFIED")
    return { name: code, message: `the server's certificate is refused: ${message}`, lasting: true };
  const [, number] = /SSL alert number (\d+)/u.exec(message) ?? [];
  if (number !== undefined) return byAlert(Number(number));
  if (message.includes("before secure TLS connection")) {
    const name = "handshake_closed";
    return { name, message: `the connection was closed in the TLS handshake (${name})`, lasting: false };
  }
  if (inHandshake && (code === "ECONNRESET" || code === "EPIPE")) {
    const name = "handshake_reset";
    return { name, message: `the connection was reset in the TLS handshake (${name})`, lasting: false };
  }
  const [, words] = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/u.exec(message) ?? [];
  if (words === undefined && !code.startsWith("ERR_SSL_")) return null;
  return { name: code, message: `TLS: ${words ?? message} (${code})`, lasting: false };
}

function byAlert(number: number): TlsTrouble {
  const alert = alertName(number);
  const name = `alert ${alert ?? number}`;
  const lasting = alert !== null && CERTIFICATE_REFUSALS.has(alert);
  return { name, message: `the server sent the TLS ${name}`, lasting };
}
