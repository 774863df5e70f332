/**
 * One's own certificates: read from files, chosen by the name that a client asks for, and read again when the files change.
 * A pair that does not fit, as while only one of two files has been written, leaves the one before in force.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Clock, Millis } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";

export interface CertificatePair {
  /** PEM, the chain behind it included. */
  readonly cert: string;
  readonly key: string;
}

interface Loaded extends CertificatePair {
  readonly leaf: X509Certificate;
  readonly stamp: string;
  /** Another one with each change. */
  readonly id: string;
}

/** How often files are looked at, at most: handshakes come in thousands. */
const LOOK_AGAIN: Millis = 1_000;

export class CertificateFiles {
  readonly #paths: { readonly cert: string; readonly key: string };
  readonly #clock: Clock;
  readonly #changed: (trouble: string | null) => void;
  #loaded: Loaded;
  #lookedAt: Millis;
  /** What was seen of files that could not be taken: said once. */
  #refused: string | null = null;

  /** Throws SQ_INVALID_CONFIG if they cannot be read or do not fit. `changed` hears of later changes, or why one was not taken. */
  constructor(
    paths: { readonly cert: string; readonly key: string },
    clock: Clock,
    changed: (trouble: string | null) => void,
  ) {
    this.#paths = paths;
    this.#clock = clock;
    this.#changed = changed;
    this.#loaded = load(paths);
    this.#lookedAt = clock.now();
  }

  /** What is in force. Reads again what has changed, at most once a second. */
  get current(): Loaded {
    const now = this.#clock.now();
    if (now - this.#lookedAt >= LOOK_AGAIN) {
      this.#lookedAt = now;
      this.#look();
    }
    return this.#loaded;
  }

  /** Whether it is meant for that name, or for that address where none was asked for. */
  fits(sni: string | null, address: string): boolean {
    const { leaf } = this.current;
    return (sni === null ? leaf.checkIP(address) : leaf.checkHost(sni)) !== undefined;
  }

  #look(): void {
    let stamp: string;
    try {
      stamp = stampOf(this.#paths);
    } catch (error) {
      this.#refuse("missing", error);
      return;
    }
    if (stamp === this.#loaded.stamp || stamp === this.#refused) return;
    try {
      this.#loaded = load(this.#paths);
      this.#refused = null;
      this.#changed(null);
    } catch (error) {
      this.#refuse(stamp, error);
    }
  }

  #refuse(stamp: string, error: unknown): void {
    if (this.#refused === stamp) return;
    this.#refused = stamp;
    this.#changed(error instanceof Error ? error.message : String(error));
  }
}

function stampOf({ cert, key }: { readonly cert: string; readonly key: string }): string {
  return [cert, key]
    .map((path) => {
      const { mtimeMs, size, ino } = statSync(path);
      return `${ino}:${size}:${mtimeMs}`;
    })
    .join(" ");
}

/** The certificates in a file, PEM. Throws SQ_INVALID_CONFIG. */
export function certificatesIn(path: string): string {
  const text = read(path, "the certificates");
  if (!text.includes("-----BEGIN CERTIFICATE-----"))
    throw new SquallError("SQ_INVALID_CONFIG", `there is no certificate (PEM) in ${path}`);
  return text;
}

/** A certificate and the key that belongs to it, as they stand now. Throws SQ_INVALID_CONFIG. */
export function pairIn(paths: { readonly cert: string; readonly key: string }): CertificatePair {
  const { cert, key } = load(paths);
  return { cert, key };
}

/** Throws SQ_INVALID_CONFIG. */
function load(paths: { readonly cert: string; readonly key: string }): Loaded {
  const cert = read(paths.cert, "the certificate");
  const key = read(paths.key, "the key");
  const leaf = parsed(paths.cert, "no certificate (PEM)", () => new X509Certificate(cert));
  const secret = parsed(paths.key, "no private key (PEM) without a passphrase", () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret))
    throw new SquallError("SQ_INVALID_CONFIG", `the key in ${paths.key} is not that of ${paths.cert}`);
  return { cert, key, leaf, stamp: stampOf(paths), id: `${leaf.fingerprint256} ${stampOf(paths)}` };
}

function read(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
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
