/** What all clients of one proxy that speak TLS have in common: whose certificate is shown to whom, and on what terms. */
import type { Server } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import type { Clock, Millis } from "../../core/clock.js";
import { invariant } from "../../core/invariant.js";
import {
  TLS_VERSIONS,
  type AlertName,
  type CertificateRecipe,
  type Terms,
  type TlsVersion,
} from "../../faults/contract/index.js";
import { plainAlert } from "../../tls/alert.js";
import type { ContextTerms } from "../../tls/contexts.js";
import type { AuthorityDoor } from "../../tls/door.js";
import { verdictOn } from "../../tls/verdict.js";
import type { WatchedFiles } from "../../tls/watched-files.js";
import { CertificateFiles, trustedIn, type TrustedCertificates } from "./certificate-files.js";
import type { Agreement, Mirror } from "./mirror.js";
import type { RereadFile } from "./reread.js";
import { MIRROR, type SecureSpec } from "./spec.js";

export interface FrontParts {
  readonly spec: SecureSpec;
  /** The hosts of the upstreams. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
  readonly door: AuthorityDoor;
  /** Files of certificates were read again, or could not be. */
  readonly reread: (file: RereadFile, trouble: string | null) => void;
  /** The authority cannot be opened: told once for all who wait for it. */
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
  /** That the client has dialled; of no use where it asks for a name. */
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

/** Whether a handshake can be made: the protocols that may be agreed to, or why not. */
export type Ready = { readonly alpn: readonly string[] } | Refusal;

/** Why a client, or its certificate, is not taken. */
export interface Refusal {
  readonly alert: AlertName;
  readonly text: string;
}

const NOTHING: Ready = { alpn: [] };
const NO_PROTOCOL: Refusal = {
  alert: "no_application_protocol",
  text: "the upstream speaks none of the protocols that it offers",
};
const NO_AUTHORITY: Refusal = { alert: "internal_error", text: "there is no CA to make a certificate with" };
const EMPTY = Buffer.alloc(0);
const LOCAL: readonly string[] = ["localhost", "127.0.0.1", "::1"];

export class Front {
  readonly spec: SecureSpec;
  readonly #parts: FrontParts;
  readonly #own: readonly CertificateFiles[];
  readonly #clients: WatchedFiles<TrustedCertificates> | null;
  readonly #names: readonly string[];
  /** Of handshakes of which faults say nothing. */
  #usual: ContextTerms;
  #waiting: ((lacking: Refusal | null) => void)[] = [];

  /** Throws SQ_INVALID_CONFIG if a file that it names cannot be used. */
  constructor(parts: FrontParts) {
    const { spec, hosts, clock, reread } = parts;
    this.spec = spec;
    this.#parts = parts;
    this.#own = spec.certificates.map(
      (paths) =>
        new CertificateFiles(paths, clock, (trouble) => {
          reread({ file: paths.cert, use: "shown" }, trouble);
        }),
    );
    const { clients } = spec;
    this.#clients =
      clients === null
        ? null
        : trustedIn(clients.ca, clock, (trouble) => {
            reread({ file: clients.ca, use: "trusted" }, trouble);
          });
    this.#usual = usual(spec.min, this.#clients?.current);
    this.#names = [...new Set([...spec.names, ...hosts, ...LOCAL])];
  }

  /** How long its first byte is waited for: then it is known for plain where its server may speak first, or is too late. */
  get firstWord(): Millis {
    const { helloTimeout, plainAfter } = this.spec;
    return Math.min(helloTimeout, plainAfter ?? Infinity);
  }

  /** Of a client that has not said what it speaks in this time. */
  mayBePlain(millis: Millis): boolean {
    return this.spec.plainAfter !== null && millis < this.spec.helloTimeout;
  }

  /**
   * Calls back when a handshake with a client that offers these protocols can be made, at once if it can be now, or when it is known
   * that none can be. `alpn` is what faults say of them.
   */
  ready(offered: readonly string[], alpn: readonly string[] | undefined, then: (ready: Ready) => void): void {
    const { mirror } = this.#parts;
    this.#opened((lacking) => {
      if (lacking !== null) then(lacking);
      else if (alpn !== undefined) then({ alpn });
      else if (this.spec.alpn !== MIRROR) then({ alpn: this.spec.alpn });
      else if (mirror === null) then(NOTHING);
      else
        mirror.agreed(offered, (agreement) => {
          then(readyWith(agreement));
        });
    });
  }

  #opened(then: (lacking: Refusal | null) => void): void {
    const { door, closed } = this.#parts;
    if (door.opened !== null) {
      then(null);
      return;
    }
    this.#waiting.push(then);
    if (this.#waiting.length > 1) return;
    const go = (lacking: Refusal | null): void => {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const one of waiting) one(lacking);
    };
    door.open().then(
      () => {
        go(null);
      },
      (error: unknown) => {
        closed(error);
        go(NO_AUTHORITY);
      },
    );
  }

  choose({ sni, alpn, address, recipe, terms }: Asked): Choice {
    const own = recipe === null ? this.#ownFor(sni, address) : undefined;
    const contexts = this.#parts.door.opened;
    invariant(contexts !== null, "a certificate is asked for before there is a CA");
    const context = this.#contextTerms(terms);
    const served =
      own === undefined
        ? contexts.minted(this.#namesFor(sni, address, recipe), recipe, context)
        : contexts.own(own.current, context);
    return { context: served.context, stapler: served.stapler, alpn };
  }

  /** The same object where faults say nothing: then nothing has to be looked up anew. */
  #contextTerms({ min, max, ciphers, tickets }: Terms): ContextTerms {
    const clients = this.#clients?.current;
    if (clients !== this.#usual.clients) this.#usual = usual(this.spec.min, clients);
    if (min === undefined && max === undefined && ciphers === undefined && tickets === undefined)
      return this.#usual;
    return {
      ...this.#usual,
      min: min ?? older(this.spec.min, max),
      ...(max === undefined ? {} : { max }),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(tickets === undefined ? {} : { tickets }),
    };
  }

  /** What a client is told that has not sent a ClientHello, but these bytes; empty for nothing. */
  farewell(why: "invalid" | "not_tls", bytes: Buffer): Buffer {
    if (why === "invalid") return plainAlert("decode_error");
    return looksLikeHttp(bytes) ? (this.#parts.answer ?? EMPTY) : EMPTY;
  }

  /** As servers do: the one that has the name, or the first for whoever says none. */
  #ownFor(sni: string | null, address: string): CertificateFiles | undefined {
    const [first] = this.#own;
    return this.#own.find((one) => one.fits(sni, address)) ?? (sni === null ? first : undefined);
  }

  /** One certificate does for all names that it has; what is wrong with one is to be wrong for the name that the client asks for, the first. */
  #namesFor(sni: string | null, address: string, recipe: CertificateRecipe | null): readonly string[] {
    const wanted = sni ?? plainAddress(address);
    if (!this.#names.includes(wanted)) return [wanted, ...this.#names];
    return recipe === null ? this.#names : [wanted, ...this.#names.filter((name) => name !== wanted)];
  }

  /** The same socket; the secrets of its connection are written down, if the configuration wants that. */
  logged(socket: TLSSocket): TLSSocket {
    const { keyLog } = this.#parts.door;
    if (keyLog !== null && keyLog !== undefined) socket.on("keylog", (line: Buffer) => keyLog.write(line));
    return socket;
  }

  /** Whether a certificate that a client has shown is one of those that are taken; null if it is. */
  judge(socket: TLSSocket, shown: boolean): Refusal | null {
    const { clients } = this.spec;
    if (clients === null || (!shown && !clients.require)) return null;
    if (!shown) {
      // RFC 8446, 4.4.2.4, and RFC 5246, 7.4.6.
      const alert = socket.getProtocol() === "TLSv1.3" ? "certificate_required" : "handshake_failure";
      return { alert, text: "it shows none" };
    }
    const verdict = verdictOn(socket);
    if (verdict === null) return null;
    // Said at the start already; a wrong one is not let in for that.
    if (verdict === undefined) return { alert: "internal_error", text: "this runtime cannot judge it" };
    return { alert: REFUSALS[verdict.code] ?? "bad_certificate", text: verdict.message };
  }
}

function usual(min: TlsVersion, clients: ContextTerms["clients"]): ContextTerms {
  return clients === undefined ? { min } : { min, clients };
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

function readyWith(agreement: Agreement): Ready {
  if (agreement === "refused") return NO_PROTOCOL;
  // Of one that cannot be asked its client will hear when it is dialled.
  return agreement === "unknown" || agreement.protocol === null ? NOTHING : { alpn: [agreement.protocol] };
}

/** A client that takes the port for one of plain HTTP. */
function looksLikeHttp(bytes: Buffer): boolean {
  return /^[A-Z]{3,10} \S/u.test(bytes.toString("latin1", 0, 32));
}

function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/u, "").replace(/%.*$/u, "");
}
