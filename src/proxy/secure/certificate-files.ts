/**
 * One's own certificates: read from files, chosen by the name that a client asks for, and read again when the files change.
 * A pair that does not fit, as while only one of two files has been written, leaves the one before in force.
 */
import { createHash, type X509Certificate } from "node:crypto";
import type { Clock } from "../../core/clock.js";
import { BoundedMap } from "../../core/lru.js";
import { readCertificates, readPair, type PairPaths } from "../../tls/pem-files.js";
import { WatchedFiles } from "../../tls/watched-files.js";

export interface CertificatePair {
  /** PEM, the chain behind it included. */
  readonly cert: string;
  readonly key: string;
}

interface Loaded extends CertificatePair {
  readonly leaf: X509Certificate;
  /** Another one with each change. */
  readonly id: string;
  /** The names and addresses that were asked for before, and whether it is meant for them: OpenSSL takes long to say. */
  readonly meant: BoundedMap<string, boolean>;
}

/** Bots may ask for any name. */
const NAMES_MAX = 1_000;

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
    const { leaf, meant } = this.current;
    // An address is never taken for a name, and so neither stands for the other.
    const asked = sni ?? address;
    const known = meant.get(asked);
    if (known !== undefined) return known;
    const fits = (sni === null ? leaf.checkIP(address) : leaf.checkHost(sni)) !== undefined;
    meant.set(asked, fits);
    return fits;
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
    const ca = readCertificates(path);
    return { ca, id: idOf(ca) };
  };
  return new WatchedFiles({ paths: [path], clock, load, changed });
}

/** Throws SQ_INVALID_CONFIG. */
function load(paths: PairPaths): Loaded {
  const pair = readPair(paths);
  return { ...pair, id: idOf(pair.cert), meant: new BoundedMap(NAMES_MAX) };
}

function idOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
