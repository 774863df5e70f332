/** What all clients of one proxy that speak TLS have in common: whose certificate is shown to whom, and on what terms. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import type { Clock } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";
import { invariant } from "../../core/invariant.js";
import {
  TLS_VERSIONS,
  type AlertName,
  type CertificateRecipe,
  type Terms,
  type TlsVersion,
} from "../../faults/contract/index.js";
import type { ContextTerms } from "../../tls/contexts.js";
import type { AuthorityDoor } from "../../tls/door.js";
import { CertificateFiles } from "./certificate-files.js";
import type { Mirror } from "./mirror.js";
import { MIRROR, type SecureSpec } from "./spec.js";

export interface FrontParts {
  readonly spec: SecureSpec;
  /** The hosts of the upstreams. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
  readonly door: AuthorityDoor;
  /** Files of certificates were read again, or could not be. */
  readonly reread: (cert: string, trouble: string | null) => void;
  /** The authority cannot be opened. */
  readonly closed: (error: unknown) => void;
  /** What the upstream agrees to, where that is asked; null where it speaks no TLS. */
  readonly mirror: Mirror | null;
  /** What a client is answered that speaks plain HTTP; null where it might be anything. */
  readonly answer: Buffer | null;
}

export interface Asked {
  readonly sni: string | null;
  /** The protocols that may be agreed to. */
  readonly alpn: readonly string[];
  /** That the client has dialled. */
  readonly address: string;
  readonly recipe: CertificateRecipe | null;
  readonly terms: Terms;
}

export interface Choice {
  readonly context: SecureContext;
  /** The `server` of its TLSSocket, where an OCSP response is stapled (RFC 6066, 8); null where none is. */
  readonly stapler: Server | null;
  readonly alpn: readonly string[];
}

/** Why a client's certificate is not taken. */
export interface Refusal {
  readonly alert: AlertName;
  readonly text: string;
}

const NOTHING: readonly string[] = [];
const LOCAL: readonly string[] = ["localhost", "127.0.0.1", "::1"];

export class Front {
  readonly spec: SecureSpec;
  readonly answer: Buffer | null;
  readonly #parts: FrontParts;
  readonly #own: readonly CertificateFiles[];
  readonly #clients: { readonly id: string; readonly ca: string } | null;
  readonly #names: readonly string[];
  #waiting: (() => void)[] = [];

  /** Throws SQ_INVALID_CONFIG if a file that it names cannot be used. */
  constructor(parts: FrontParts) {
    const { spec, hosts, clock, reread, answer } = parts;
    this.spec = spec;
    this.answer = answer;
    this.#parts = parts;
    this.#own = spec.certificates.map(
      (paths) =>
        new CertificateFiles(paths, clock, (trouble) => {
          reread(paths.cert, trouble);
        }),
    );
    this.#clients = spec.clients === null ? null : clientsOf(spec.clients.ca);
    this.#names = [...new Set([...spec.names, ...hosts, ...LOCAL])];
  }

  /**
   * Calls back when a handshake can be made, at once if it can be now, with the protocols that may be agreed to for a client that
   * offers these. `alpn` is what faults say of them.
   */
  ready(
    offered: readonly string[],
    alpn: readonly string[] | undefined,
    then: (alpn: readonly string[]) => void,
  ): void {
    const { mirror } = this.#parts;
    this.#opened(() => {
      if (alpn !== undefined) then(alpn);
      else if (this.spec.alpn !== MIRROR) then(this.spec.alpn);
      else if (mirror === null) then(NOTHING);
      else
        mirror.agreed(offered, (protocol) => {
          then(protocol === null ? NOTHING : [protocol]);
        });
    });
  }

  #opened(then: () => void): void {
    const { door, closed } = this.#parts;
    if (door.opened !== null) {
      then();
      return;
    }
    this.#waiting.push(then);
    if (this.#waiting.length > 1) return;
    const go = (): void => {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const one of waiting) one();
    };
    door.open().then(go, (error: unknown) => {
      this.#waiting = [];
      closed(error);
    });
  }

  choose({ sni, alpn, address, recipe, terms }: Asked): Choice {
    const own = recipe === null ? this.#ownFor(sni, address) : undefined;
    const contexts = this.#parts.door.opened;
    invariant(contexts !== null, "a certificate is asked for before there is a CA");
    const { max, ciphers, tickets } = terms;
    const { min = older(this.spec.min, max) } = terms;
    const context: ContextTerms = {
      min,
      ...(max === undefined ? {} : { max }),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(tickets === undefined ? {} : { tickets }),
      ...(this.#clients === null ? {} : { clients: this.#clients }),
    };
    const served =
      own === undefined
        ? contexts.minted(this.#namesFor(sni, address), recipe, context)
        : contexts.own(own.current, context);
    return { ...served, alpn };
  }

  /** As servers do: the one that has the name, or the first for whoever says none. */
  #ownFor(sni: string | null, address: string): CertificateFiles | undefined {
    const [first] = this.#own;
    return this.#own.find((one) => one.fits(sni, address)) ?? (sni === null ? first : undefined);
  }

  #namesFor(sni: string | null, address: string): readonly string[] {
    const wanted = sni ?? plainAddress(address);
    return this.#names.includes(wanted) ? this.#names : [wanted, ...this.#names];
  }

  /** The same socket; the secrets of its connection are written down, if the configuration wants that. */
  logged(socket: TLSSocket): TLSSocket {
    const { keyLog } = this.#parts.door;
    if (keyLog !== null && keyLog !== undefined) socket.on("keylog", (line: Buffer) => keyLog.write(line));
    return socket;
  }

  /** Whether a certificate that a client has shown is one of those that are taken; null if it is. */
  judge(socket: TLSSocket): Refusal | null {
    if (this.spec.clients === null) return null;
    const { _handle: handle } = socket as unknown as {
      readonly _handle: { verifyError(): (Error & { readonly code?: string }) | null };
    };
    const error = handle.verifyError();
    if (error === null || error === undefined) return null;
    const { code = "", message } = error;
    return { alert: REFUSALS[code] ?? "bad_certificate", text: message };
  }
}

/** The listener's minimum gives way to a maximum below it. */
function older(min: TlsVersion, max: TlsVersion = "1.3"): TlsVersion {
  return TLS_VERSIONS.indexOf(max) < TLS_VERSIONS.indexOf(min) ? max : min;
}

/** RFC 5246, 7.2.2: the alert for what is wrong with a certificate. */
const REFUSALS: Readonly<Record<string, AlertName>> = {
  CERT_HAS_EXPIRED: "certificate_expired",
  CERT_REVOKED: "certificate_revoked",
  INVALID_PURPOSE: "unsupported_certificate",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unknown_ca",
  SELF_SIGNED_CERT_IN_CHAIN: "unknown_ca",
  UNABLE_TO_GET_ISSUER_CERT: "unknown_ca",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknown_ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknown_ca",
};

function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/u, "").replace(/%.*$/u, "");
}

/** Throws SQ_INVALID_CONFIG. */
function clientsOf(path: string): { readonly id: string; readonly ca: string } {
  const ca = certificatesIn(path);
  return { id: createHash("sha256").update(ca).digest("hex"), ca };
}

/** Throws SQ_INVALID_CONFIG. */
function certificatesIn(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SquallError("SQ_INVALID_CONFIG", `cannot read the certificates in ${path}: ${why}`, {
      cause: error,
    });
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----"))
    throw new SquallError("SQ_INVALID_CONFIG", `there is no certificate (PEM) in ${path}`);
  return text;
}
