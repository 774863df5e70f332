/**
 * One's own certificates: read from files, chosen by the name that a client asks for, and read again when the files change.
 * A pair that does not fit, as while only one of two files has been written, leaves the one before in force.
 */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import type { Clock } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";
import { readRegular } from "../../core/read-file.js";
import { WatchedFiles } from "../../tls/watched-files.js";

/** A bundle with the roots of a system has a quarter of it. */
const SIZE_MAX = 2 ** 20;

export interface CertificatePair {
  /** PEM, the chain behind it included. */
  readonly cert: string;
  readonly key: string;
}

interface Loaded extends CertificatePair {
  readonly leaf: X509Certificate;
  /** Another one with each change. */
  readonly id: string;
}

interface PairPaths {
  readonly cert: string;
  readonly key: string;
}

export class CertificateFiles {
  readonly #files: WatchedFiles<Loaded>;

  /** Throws SQ_INVALID_CONFIG if they cannot be read or do not fit. `changed` hears of later changes, or why one was not taken. */
  constructor(paths: PairPaths, clock: Clock, changed: (trouble: string | null) => void) {
    this.#files = new WatchedFiles({
      paths: [paths.cert, paths.key],
      clock,
      load: () => load(paths),
      changed,
    });
  }

  /** What is in force. Reads again what has changed, at most once a second. */
  get current(): Loaded {
    return this.#files.current;
  }

  /** Whether it is meant for that name, or for that address where none was asked for. */
  fits(sni: string | null, address: string): boolean {
    const { leaf } = this.current;
    return (sni === null ? leaf.checkIP(address) : leaf.checkHost(sni)) !== undefined;
  }
}

/** Certificates to trust, in one file. */
export interface TrustedCertificates {
  /** PEM. */
  readonly ca: string;
  /** Another one with each change. */
  readonly id: string;
}

/** Throws SQ_INVALID_CONFIG if there are none. `changed` hears of later changes, or why one was not taken. */
export function trustedIn(
  path: string,
  clock: Clock,
  changed: (trouble: string | null) => void,
): WatchedFiles<TrustedCertificates> {
  const load = (): TrustedCertificates => {
    const ca = certificatesIn(path);
    return { ca, id: idOf(ca) };
  };
  return new WatchedFiles({ paths: [path], clock, load, changed });
}

/** The certificates in a file, PEM. Throws SQ_INVALID_CONFIG. */
export function certificatesIn(path: string): string {
  const text = read(path, "the certificates");
  parsed(path, "no certificate (PEM)", () => new X509Certificate(text));
  return text;
}

/** A certificate and the key that belongs to it, as they stand now. Throws SQ_INVALID_CONFIG. */
export function pairIn(paths: PairPaths): CertificatePair {
  const { cert, key } = load(paths);
  return { cert, key };
}

/** Throws SQ_INVALID_CONFIG. */
function load(paths: PairPaths): Loaded {
  const cert = read(paths.cert, "the certificate");
  const key = read(paths.key, "the key");
  const leaf = parsed(paths.cert, "no certificate (PEM)", () => new X509Certificate(cert));
  const secret = parsed(paths.key, "no private key (PEM) without a passphrase", () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret))
    throw new SquallError("SQ_INVALID_CONFIG", `the key in ${paths.key} is not that of ${paths.cert}`);
  return { cert, key, leaf, id: idOf(cert) };
}

function idOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function read(path: string, what: string): string {
  try {
    return readRegular(path, SIZE_MAX).toString("utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SquallError("SQ_INVALID_CONFIG", `cannot read ${what} in ${path}: ${why}`, { cause: error });
  }
}

function parsed<T>(path: string, mistake: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new SquallError("SQ_INVALID_CONFIG", `there is ${mistake} in ${path}`, { cause: error });
  }
}
