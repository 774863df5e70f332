/**
 * TLS with an engine: whom this daemon trusts and what it shows of itself, read from files for each connection anew, so that files that
 * were exchanged count without a restart; and what goes wrong with it, in plain words.
 */
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { SquallError } from "../../core/errors.js";
import { alertName, CERTIFICATE_REFUSALS } from "../../tls/alert.js";
import { dateWarning } from "../../tls/dates.js";
import { readCertificates, readPair } from "../../tls/pem-files.js";
import { EngineError, type EngineOptions, type EngineTls } from "../contract/engine.js";
import { nameOf, parseAddress, type EngineAddress } from "./address.js";

const NAMES_MAX = 200;

/** What `tls.connect` is given. */
export interface SecuredOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: false;
  readonly checkServerIdentity: (asked: string, shown: PeerCertificate) => Error | undefined;
}

/** Throws an EngineError that says which file cannot be used, and why. */
export function securedOptions(options: Pick<EngineOptions, "tls" | "urls">, host: string): SecuredOptions {
  const { ca = null, cert = null, key = null, servername = null, insecure = false } = options.tls ?? {};
  const own = cert === null || key === null ? null : named(options, "cert", () => readPair({ cert, key }));
  const expected = servername ?? host;
  return {
    ...(ca === null ? {} : { ca: named(options, "ca", () => readCertificates(ca)) }),
    ...(own === null ? {} : { cert: own.cert, key: own.key }),
    // An address is none that could be asked for (RFC 6066, section 3).
    ...(servername === null || isIP(servername) !== 0 ? {} : { servername }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
    // Over a socket that is there already Node would look for "localhost" where it was dialled by its address.
    checkServerIdentity: (_asked, shown) => checkServerIdentity(expected, shown),
  };
}

function named<T>(options: Pick<EngineOptions, "urls">, setting: keyof EngineTls, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    throw unusable(options, `fleet.tls.${setting}`, error.message, error);
  }
}

/**
 * A file that cannot be used as it is now. It may be about to be exchanged, so this is as if nobody were there: it is read again at the
 * next attempt. The same words whichever server was to be reached, as the log has what is new only.
 */
export function unusable(
  { urls }: Pick<EngineOptions, "urls">,
  setting: string,
  why: string,
  cause?: unknown,
): EngineError {
  const engine = urls.map((url) => nameOf(parseAddress(url))).join(",");
  return new EngineError("away", `${engine}: ${setting}: ${why}`, { cause });
}

const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "is for other names",
  DEPTH_ZERO_SELF_SIGNED_CERT: "is signed by itself, and not trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "comes from a CA that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "comes from a CA that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT: "comes from a CA that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "comes from a CA that is not trusted",
  CERT_SIGNATURE_FAILURE: "has a wrong signature",
  INVALID_CA: "has a CA in its chain that is none",
  INVALID_PURPOSE: "is not one for servers",
};

export interface Dialling {
  readonly address: EngineAddress;
  readonly tls: EngineTls | null;
  /** Whether the handshake was over for us. */
  readonly isSecured: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Null where it has nothing to do with certificates. */
export function tlsTrouble(error: unknown, { address, tls, isSecured, now }: Dialling): EngineError | null {
  if (!(error instanceof Error)) return null;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const engine = nameOf(address);
  const wrong = CERTIFICATES[code];
  if (wrong !== undefined)
    return new EngineError(
      "away",
      `${engine}: its certificate ${wrong}: ${help(code, error, address, tls)}`,
      {
        cause: error,
      },
    );
  // Whoever writes before the alert is there may hear of a reset instead.
  if (isSecured && (code === "ECONNRESET" || code === "EPIPE"))
    return new EngineError("away", `${engine}: ${message}: perhaps ${refused(null, tls, now)}`, {
      cause: error,
    });
  const number = /SSL alert number (\d+)/u.exec(message)?.[1];
  const alert = number === undefined ? null : alertName(Number(number));
  if (alert === null || !CERTIFICATE_REFUSALS.has(alert)) return null;
  return new EngineError("forbidden", `${engine}: ${refused(alert, tls, now)}`, { cause: error });
}

/** What a server has written: some have hundreds of names. */
const shortened = (text: string): string => (text.length > NAMES_MAX ? `${text.slice(0, NAMES_MAX)}…` : text);

function help(code: string, error: Error, { host }: EngineAddress, tls: EngineTls | null): string {
  const { ca = null, servername = null } = tls ?? {};
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = "cert" in error ? (error.cert as Partial<PeerCertificate>).subjectaltname : undefined;
    const set = servername === null ? "fleet.engine" : "fleet.tls.servername";
    return `it has ${shortened(names ?? "no names")}, and ${set} says ${servername ?? host}`;
  }
  if (!/ISSUER|SELF_SIGNED|LEAF_SIGNATURE/u.test(code)) return code;
  return ca === null ? "fleet.tls.ca names no file of its CA" : `fleet.tls.ca is ${ca}`;
}

function refused(alert: string | null, tls: EngineTls | null, now: number): string {
  const { cert = null } = tls ?? {};
  const told = alert === null ? "" : ` (TLS alert ${alert})`;
  if (cert === null) return `it asks for a certificate, and fleet.tls.cert names none${told}`;
  const dates = dateWarning(cert, "shown", now);
  return `it does not take the certificate in ${cert}${told}${dates === null ? "" : `: ${dates}`}`;
}
