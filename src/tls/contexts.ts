/**
 * TLS contexts, kept: one takes as long to make as a certificate does, and a session is only resumed in the context that it began in.
 * At most a thousand, as bots may ask for any name.
 */
import { constants } from "node:crypto";
import type { Server } from "node:net";
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, type SecureVersion } from "node:tls";
import type { Clock, Millis } from "../core/clock.js";
import { BoundedMap } from "../core/lru.js";
import type { CertificateRecipe, TlsVersion } from "../faults/contract/handshake.js";
import type { Presented } from "./presented.js";
import { staplerOf } from "./stapler.js";

export const CONTEXTS_MAX = 1_000;
/** Everything that OpenSSL can do, however weak: what is weak is what is asked for. */
const ANYTHING = "@SECLEVEL=0";
/**
 * What balancers in front of real servers agree to, and what costs both sides of a handshake least: SHA-256 has instructions of its own in
 * most processors, and SHA-384 has not. The rest is in Node's order.
 */
const FIRST = "TLS_AES_128_GCM_SHA256";
const USUAL = DEFAULT_CIPHERS.split(":")
  .toSorted((one, other) => Number(other === FIRST) - Number(one === FIRST))
  .join(":");
const VERSION: Readonly<Record<TlsVersion, SecureVersion>> = {
  "1.0": "TLSv1",
  "1.1": "TLSv1.1",
  "1.2": "TLSv1.2",
  "1.3": "TLSv1.3",
};

/** A certificate of the user's own, with its key, both PEM. */
export interface OwnCertificate {
  /** Another one whenever the files have changed. */
  readonly id: string;
  readonly cert: string;
  readonly key: string;
}

/** What of a handshake is fixed by its context. What is not given is as Node has it. */
export interface ContextTerms {
  readonly min?: TlsVersion;
  readonly max?: TlsVersion;
  /** As OpenSSL lists them. */
  readonly ciphers?: string;
  /** False: no session is resumed, and no ticket is of use later. */
  readonly tickets?: boolean;
  /** PEM of the CAs of clients' certificates; `id` is another one whenever it has changed. */
  readonly clients?: { readonly id: string; readonly ca: string };
}

export interface Served {
  readonly context: SecureContext;
  /** The `server` of its TLSSockets, which staples the certificate's OCSP response; null if it has none. */
  readonly stapler: Server | null;
}

interface Kept extends Served {
  readonly renewAt: Millis;
}

interface Presenting {
  present(names: readonly string[], recipe: CertificateRecipe | null): Presented;
}

const NONE: ContextTerms = {};

export class Contexts {
  readonly #authority: Presenting;
  readonly #clock: Pick<Clock, "wallTime">;
  readonly #kept: BoundedMap<string, Kept>;
  /** What was found last for a certificate of the user's. */
  #lastOwn: { readonly of: OwnCertificate; readonly terms: ContextTerms; readonly kept: Kept } | null = null;
  /** What was found last for names without a recipe. */
  #last: { readonly names: readonly string[]; readonly terms: ContextTerms; readonly kept: Kept } | null =
    null;

  constructor(authority: Presenting, clock: Pick<Clock, "wallTime">, limit: number = CONTEXTS_MAX) {
    this.#authority = authority;
    this.#clock = clock;
    this.#kept = new BoundedMap(limit);
  }

  get size(): number {
    return this.#kept.size;
  }

  /** How many were forgotten to make room. */
  get evicted(): number {
    return this.#kept.evicted;
  }

  /** The context in which these names are answered for, by a certificate of the authority's. Throws where OpenSSL refuses the terms. */
  minted(names: readonly string[], recipe: CertificateRecipe | null, terms: ContextTerms = NONE): Served {
    const last = this.#last;
    // Nearly all clients of a proxy ask for the same: the very lists that were given before need no key.
    const isSame = recipe === null && last?.names === names && last.terms === terms;
    if (isSame && this.#clock.wallTime() < last.kept.renewAt) return last.kept;
    const certificate = recipe === null ? "" : `${recipe.problem} ${recipe.by}`;
    const key = `${names.join(" ")}\n${certificate}\n${keyOf(terms)}`;
    const kept = this.#find(key, terms, () => this.#authority.present(names, recipe));
    if (recipe === null) this.#last = { names, terms, kept };
    return kept;
  }

  /** The one with a certificate of the user's. */
  own(certificate: OwnCertificate, terms: ContextTerms = NONE): Served {
    const last = this.#lastOwn;
    if (last?.of === certificate && last.terms === terms) return last.kept;
    const { id, cert, key } = certificate;
    const kept = this.#find(`own ${id}\n${keyOf(terms)}`, terms, () => ({
      cert,
      key,
      ocsp: null,
      weak: false,
      renewAt: Infinity,
    }));
    this.#lastOwn = { of: certificate, terms, kept };
    return kept;
  }

  #find(key: string, terms: ContextTerms, present: () => Omit<Presented, "missing">): Kept {
    const known = this.#kept.get(key);
    if (known !== undefined && this.#clock.wallTime() < known.renewAt) return known;
    const presented = present();
    const { ocsp, renewAt } = presented;
    const context = contextOf(presented, terms);
    const kept = { context, stapler: ocsp === null ? null : staplerOf(context, ocsp), renewAt };
    this.#kept.set(key, kept);
    return kept;
  }
}

function contextOf(presented: Omit<Presented, "missing">, terms: ContextTerms): SecureContext {
  const { cert, key, weak } = presented;
  const { ciphers, tickets, clients } = terms;
  const suites = ciphers === undefined ? null : suitesOf(ciphers);
  const only13 = suites === "1.3";
  // Node would leave the suites of TLS 1.3 as they are where a list names none of them.
  const max = terms.max ?? (suites === "before" ? "1.2" : undefined);
  // Node's own minimum may be above a maximum that is asked for.
  const min = only13 ? "1.3" : (terms.min ?? (isOld(max) ? max : undefined));
  const isWeak = weak || isOld(min) || ciphers !== undefined;
  // OpenSSL takes no level of security for a list that has no other suites.
  const list = only13 ? `AES128-SHA:${ciphers}` : (ciphers ?? USUAL);
  return createSecureContext({
    cert,
    key,
    ciphers: isWeak && !list.includes("@SECLEVEL") ? `${list}:${ANYTHING}` : list,
    // Our order counts; of what a fault wants of ciphers the client's does.
    ...(ciphers === undefined ? { honorCipherOrder: true } : {}),
    // OpenSSL takes no session back where this is not set and clients show certificates.
    sessionIdContext: "squall",
    ...(min === undefined ? {} : { minVersion: VERSION[min] }),
    ...(max === undefined ? {} : { maxVersion: VERSION[max] }),
    ...(clients === undefined ? {} : { ca: clients.ca }),
    // In TLS 1.3 a ticket is sent all the same, for a session that nobody has kept.
    ...(tickets === false ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
  });
}

/** Suites of TLS 1.3 have names of their own, and Node keeps them in a list of their own: for which versions there are some. */
function suitesOf(ciphers: string): "1.3" | "before" | "both" {
  const names = ciphers.split(":").filter((name) => !/^(?:@|$)/u.test(name));
  const modern = names.filter((name) => name.startsWith("TLS_")).length;
  if (modern === 0) return "before";
  return modern === names.length ? "1.3" : "both";
}

/** Below what OpenSSL speaks unasked. */
function isOld(version: TlsVersion | undefined): boolean {
  return version === "1.0" || version === "1.1";
}

function keyOf({ min, max, ciphers, tickets = true, clients }: ContextTerms): string {
  return [min, max, ciphers, tickets, clients?.id].join("|");
}
