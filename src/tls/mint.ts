/** Makes certificates of a CA: the right ones, and all that are wrong in one way (see `CERTIFICATE_PROBLEMS`). */
import { generateKeyPair, generateKeyPairSync, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import type { Clock, Millis } from "../core/clock.js";
import type { CertificateRecipe } from "../faults/contract/handshake.js";
import { BACKDATED, CA_LIFE, LEAF_LIFE, type CA, type KeyPair, type NewCA } from "./ca.js";
import { certificateNames, isAddress, isPermitted } from "../core/certificate-names.js";
import { pemOf } from "./pem.js";
import type { Presented } from "./presented.js";
import { RECIPES, RIGHT, type Recipe } from "./recipes.js";
import {
  certify,
  constraintsIn,
  keyIdOf,
  nameOf,
  revocation,
  signerOf,
  subjectOf,
  type Signer,
  type Statement,
} from "./x509.js";

/** Made anew with a fifth of its life left: a bot's clock may be fast. */
const LEAF_USED: Millis = 0.8 * LEAF_LIFE;
const NAMELESS = "Squall test certificate";
const RSA_BITS = 2_048;
const WEAK_BITS = 1_024;

export interface MintOptions {
  readonly ca: CA;
  readonly clock: Pick<Clock, "wallTime">;
  /** Of all leaves, so that one is made in a millisecond. */
  readonly pair: KeyPair;
}

interface Intermediate {
  readonly signer: Signer;
  readonly pem: string;
}

export class Mint {
  readonly root: { readonly pem: string; readonly subject: string; readonly fingerprint: string };
  readonly notBefore: Millis;
  readonly notAfter: Millis;
  readonly #options: MintOptions;
  readonly #signer: Signer;
  /** PEM of what stands between a leaf and the root, the root left out. */
  readonly #above: string;
  /** What it may sign for, and all below; empty for everything. */
  readonly constraints: readonly string[];
  // One of each for the process, made when something first needs it.
  #stranger: Signer | null = null;
  #between: Intermediate | null = null;
  /** It takes some ten milliseconds. */
  #weakPair: KeyPair | null = null;

  constructor(options: MintOptions) {
    const { ca } = options;
    const [own] = ca.chain;
    const certificate = new X509Certificate(own);
    const root = new X509Certificate(ca.chain.at(-1) ?? own);
    this.#options = options;
    this.#signer = {
      name: subjectOf(own),
      keyId: keyIdOf(own),
      key: ca.key,
      publicKey: certificate.publicKey,
    };
    this.constraints = constraintsIn(own);
    this.#above = ca.chain
      .filter((der) => !isRoot(new X509Certificate(der)))
      .map(pemOf)
      .join("");
    this.root = {
      pem: pemOf(root.raw),
      subject: root.subject.replaceAll("\n", ", "),
      fingerprint: root.fingerprint256,
    };
    this.notBefore = Date.parse(certificate.validFrom);
    this.notAfter = Date.parse(certificate.validTo);
  }

  permits(name: string): boolean {
    return certificateNames([name]).every((known) => isPermitted(known, this.constraints));
  }

  present(asked: readonly string[], wanted: CertificateRecipe | null): Presented {
    const now = this.#options.clock.wallTime();
    const names = this.#namesFor(asked);
    const recipe: Recipe =
      wanted === null ? RIGHT : RECIPES[wanted.problem](wanted.by, { names, constraints: this.constraints });
    const pair = recipe.key === "weak" ? this.#weak() : this.#options.pair;
    const isOurs = recipe.signer === "ca";
    const shown = recipe.names ?? names;
    // An address in the common name is held against a CA's constraints on DNS names.
    const commonName = recipe.commonName ?? shown.find((name) => !isAddress(name)) ?? NAMELESS;
    const subject = nameOf(commonName);
    const from = now + (recipe.from ?? -BACKDATED);
    const until = now + (recipe.until ?? LEAF_LIFE - BACKDATED);
    const statement: Statement = {
      subject,
      publicKey: pair.publicKey,
      from,
      until: isOurs && recipe.until === undefined ? Math.min(until, this.notAfter) : until,
      names: recipe.withoutNames === true ? [] : shown,
      usage: recipe.usage ?? "server",
      digest: recipe.digest ?? "sha256",
    };
    const signer = this.#signerFor(recipe, subject, pair);
    const leaf = certify(statement, signer);
    if (recipe.spoilt === true) spoil(leaf);
    return {
      cert: pemOf(leaf) + (isOurs ? this.#above : ""),
      key: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      ocsp: recipe.revoked === true ? revocation(leaf, signer, now - BACKDATED, statement.until) : null,
      missing: recipe.signer === "intermediate" ? this.#intermediate().pem + this.#above : null,
      weak: recipe.key === "weak" || recipe.digest === "sha1",
      renewAt: Math.min(now + (recipe.keeps ?? LEAF_USED), Math.max(statement.until, now + 1_000)),
    };
  }

  /** A name that the CA must not sign for would spoil the certificate for those that it may: it stays only if it is alone. */
  #namesFor(asked: readonly string[]): readonly string[] {
    const names = certificateNames(asked);
    const permitted = names.filter((name) => isPermitted(name, this.constraints));
    if (permitted.length > 0) return permitted;
    return names.length > 0 ? names : ["localhost"];
  }

  #signerFor(recipe: Recipe, subject: Statement["subject"], pair: KeyPair): Signer {
    switch (recipe.signer) {
      case "ca":
        return this.#signer;
      case "stranger":
        return (this.#stranger ??= signerOf("Squall other test CA - do not trust", this.#otherPair()));
      case "intermediate":
        return this.#intermediate().signer;
      case "itself":
        return { ...signerOf("", pair), name: subject };
    }
  }

  /** A CA of the CA's, for the chains in which it is missing. */
  #intermediate(): Intermediate {
    if (this.#between !== null) return this.#between;
    const pair = this.#otherPair();
    const signer = signerOf("Squall test intermediate CA - do not trust", pair);
    const { notBefore: from, notAfter: until } = this;
    const { name: subject, publicKey } = signer;
    const certificate = certify({ subject, publicKey, from, until, usage: null }, this.#signer);
    this.#between = { signer, pem: pemOf(certificate) };
    return this.#between;
  }

  /** Another than that of the leaves. An RSA key takes too long to make here, and nobody minds if it is the same. */
  #otherPair(): KeyPair {
    const { pair } = this.#options;
    return pair.privateKey.asymmetricKeyType === "rsa"
      ? pair
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  }

  #weak(): KeyPair {
    this.#weakPair ??= generateKeyPairSync("rsa", { modulusLength: WEAK_BITS });
    return this.#weakPair;
  }
}

/** A CA that signed itself. */
export function makeCA({ name, constraints, pair, now }: NewCA, subject = nameOf(name)): CA {
  const signer = { ...signerOf(name, pair), name: subject };
  const from = now - 2 * BACKDATED;
  const { publicKey } = pair;
  const statement = {
    subject: signer.name,
    publicKey,
    from,
    until: from + CA_LIFE,
    usage: null,
    constraints,
  };
  return { chain: [certify(statement, signer)], key: pair.privateKey };
}

/** One to take the place of `old`: what that has signed is then signed by this one too. Confined as is said, or as the old one was. */
export function renewedCA(terms: NewCA, old: CA | null): CA {
  if (old === null) return makeCA(terms);
  const [own] = old.chain;
  const pair = { privateKey: old.key, publicKey: new X509Certificate(own).publicKey };
  const constraints = terms.constraints.length > 0 ? terms.constraints : constraintsIn(own);
  return makeCA({ ...terms, pair, constraints }, subjectOf(own));
}

const generate = promisify(generateKeyPair);

/** An RSA key takes some hundred milliseconds, on another thread. */
export async function newPair(kind: "ec" | "rsa"): Promise<KeyPair> {
  return kind === "ec"
    ? await generate("ec", { namedCurve: "P-256" })
    : await generate("rsa", { modulusLength: RSA_BITS });
}

function isRoot(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

/** The signature is what a certificate ends with; it stays well formed. */
function spoil(certificate: Buffer): void {
  const last = certificate.length - 1;
  certificate[last] = (certificate[last] ?? 0) ^ 1;
}
