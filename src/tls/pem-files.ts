/** Files of certificates and keys (PEM) that somebody named: read up to a bound, looked into, and refused in one sentence. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { SquallError } from "../core/errors.js";
import { readRegular } from "../core/read-file.js";
import { whyUnread } from "../core/why-unread.js";
import { certificatesIn } from "./pem.js";

/** A bundle with the roots of a system has a quarter of it. */
const SIZE_MAX = 2 ** 20;
const BEGINNING = /-----BEGIN CERTIFICATE-----/gu;

export interface PairPaths {
  readonly cert: string;
  readonly key: string;
}

export interface PemPair {
  /** PEM, the chain behind it included. */
  readonly cert: string;
  readonly key: string;
  readonly leaf: X509Certificate;
}

/** A certificate and the key that belongs to it, as they stand now. Throws SQ_INVALID_CONFIG. */
export function readPair(paths: PairPaths): PemPair {
  const cert = read(paths.cert, "the certificate");
  const key = read(paths.key, "the key");
  const leaf = firstIn(cert, paths.cert);
  const secret = parsed(
    () => createPrivateKey(key),
    `there is no private key (PEM) without a passphrase in ${paths.key}`,
  );
  if (!leaf.checkPrivateKey(secret))
    throw new SquallError("SQ_INVALID_CONFIG", `the key in ${paths.key} is not that of ${paths.cert}`);
  return { cert, key, leaf };
}

/** The certificates in a file, PEM. Throws SQ_INVALID_CONFIG. */
export function readCertificates(path: string): string {
  const text = read(path, "the certificates");
  firstIn(text, path);
  return text;
}

/** OpenSSL takes what stands before a damaged one, and says nothing: half a file, as while it is written, would lack the rest. */
function firstIn(text: string, path: string): X509Certificate {
  const first = parsed(() => new X509Certificate(text), `there is no certificate (PEM) in ${path}`);
  const damaged = `a certificate in ${path} is damaged`;
  const whole = certificatesIn(text);
  if (whole.length < (text.match(BEGINNING)?.length ?? 0))
    throw new SquallError("SQ_INVALID_CONFIG", damaged);
  for (const one of whole.slice(1)) parsed(() => new X509Certificate(one), damaged);
  return first;
}

function read(path: string, what: string): string {
  try {
    return readRegular(path, SIZE_MAX).toString("utf8");
  } catch (error) {
    throw new SquallError("SQ_INVALID_CONFIG", `cannot read ${what} in ${path}: ${whyUnread(error)}`, {
      cause: error,
    });
  }
}

function parsed<T>(parse: () => T, mistake: string): T {
  try {
    return parse();
  } catch (error) {
    throw new SquallError("SQ_INVALID_CONFIG", mistake, { cause: error });
  }
}
