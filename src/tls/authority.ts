/**
 * The CA whose certificates bots are shown. It is opened where the first proxy wants to terminate TLS and not before: what makes
 * certificates takes longer to load than everything else.
 */
import { hostname } from "node:os";
import type { Clock, Millis } from "../core/clock.js";
import { SquallError } from "../core/errors.js";
import type { CertificateRecipe } from "../faults/contract/handshake.js";
import {
  folderCA,
  givenCA,
  publishCA,
  replaceCA,
  rereadCA,
  shareCA,
  type AuthorityFiles,
  type KeptCA,
} from "./authority-files.js";
import type { CA } from "./ca.js";
import { constraintOf } from "../core/certificate-names.js";
import { dateTrouble } from "./dates.js";
import { bundleOf } from "./pem.js";
import type { Presented } from "./presented.js";

/** Where the CA comes from: a folder of ours, made at first need; files of PEM; or nowhere, and it goes with the process. */
export type AuthoritySource =
  { readonly folder: string } | { readonly cert: string; readonly key: string } | "memory";

export interface AuthorityOptions {
  readonly source: AuthoritySource;
  /** A folder for what bots read, and nothing else: they need not reach the CA's own. */
  readonly share?: string;
  /** What a CA that is made now may sign for, as critical name constraints; everything, if empty. */
  readonly names?: readonly string[];
  /** Of the CA that is made, and of leaves. `rsa` is for bots that know no ECDSA. */
  readonly key?: "ec" | "rsa";
  readonly clock: Pick<Clock, "wallTime">;
}

export interface Authority {
  /** The CA's certificate as PEM: what bots must trust. */
  readonly ca: string;
  /** The roots that Node trusts, and ours, as PEM: for what replaces its roots. */
  readonly bundle: string;
  /** Where `ca` and `bundle` lie for bots to read; null for a CA without a folder. */
  readonly files: AuthorityFiles | null;
  /** What it may sign for, and all below; empty for everything. */
  readonly names: readonly string[];
  readonly subject: string;
  /** SHA-256, in hexadecimal pairs. */
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly notAfter: Millis;
  /** The files that it was read from; none for one in memory. */
  readonly from: readonly string[];
  /** What these hold by now, as another authority with the same key for its leaves. At once. Throws SQ_INVALID_CA. */
  reread(): Authority;
  /** Writes its certificate for bots to read, where they have found that of the one before. Throws SQ_INVALID_CA. */
  publish(): Promise<void>;
  /** What an operator should know: it is about to end, others can read its key. */
  warnings(): readonly string[];
  /** Whether a bot that trusts the CA may be shown a certificate for this name. */
  permits(name: string): boolean;
  /**
   * A certificate for these names (DNS names, wildcards too, and addresses), right or wrong in the way that the recipe says. What no
   * certificate can have is left out. It takes one or two milliseconds; keep what it makes (see contexts.ts).
   */
  present(names: readonly string[], recipe: CertificateRecipe | null): Presented;
}

/** Throws SQ_INVALID_CA where files are there that are no CA which can sign. */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { Mint, makeCA, newPair } = await import("./mint.js");
  const { source, clock, key = "ec" } = options;
  const constraints = constraintsOf(options);
  const make = async (): Promise<CA> =>
    makeCA({ name: caName(), constraints, pair: await newPair(key), now: clock.wallTime() });
  const kept: Kept =
    source === "memory"
      ? { ca: await make(), from: null, files: null, warnings: [] }
      : "folder" in source
        ? await folderCA(source.folder, make)
        : await givenCA(source);
  const files = options.share === undefined ? kept.files : await shareCA(options.share, kept.ca);
  const pair = await newPair(key);
  return authorityOf({ ...kept, files }, clock, (ca) => new Mint({ ca, clock, pair }));
}

type Kept = Omit<KeptCA, "from"> & { readonly from: KeptCA["from"] | null };

export interface RenewOptions extends AuthorityOptions {
  /** Bots that trust the old certificate do not trust the new one then. */
  readonly newKey?: boolean;
}

/**
 * Makes a new certificate for the CA of a folder, with the same key and name if not told otherwise: bots that trust either accept what is
 * signed then. A daemon that runs takes it for its next connections. Throws SQ_INVALID_CA.
 */
export async function renewAuthority(options: RenewOptions): Promise<void> {
  const { renewedCA, newPair } = await import("./mint.js");
  const { source, clock, key = "ec", newKey = false } = options;
  if (source === "memory" || !("folder" in source))
    throw new SquallError("SQ_INVALID_CA", "only a CA in a folder can be renewed", {
      hint: "a CA of your own files is renewed where it was made; one in memory with each start",
    });
  const constraints = constraintsOf(options);
  const now = clock.wallTime();
  const made = async (old: CA | null): Promise<CA> =>
    renewedCA({ name: caName(), constraints, pair: await newPair(key), now }, old);
  const { ca } = await folderCA(source.folder, () => made(null));
  await replaceCA(source.folder, await made(newKey ? null : ca));
}

/** Says what it is to whoever finds it among the roots of a machine. A name has 64 characters at most (RFC 5280, A.1). */
function caName(): string {
  const what = "Squall test CA - do not trust - ";
  return what + hostname().slice(0, 64 - what.length);
}

function constraintsOf({ names = [] }: Pick<AuthorityOptions, "names">): readonly string[] {
  return names.map((name) => {
    const constraint = constraintOf(name);
    if (constraint !== null) return constraint;
    throw new SquallError("SQ_INVALID_CA", `no certificate can be confined to ${JSON.stringify(name)}`, {
      hint: "expected a DNS name, an address, or a subnet such as 10.0.0.0/8",
    });
  });
}

interface Minting {
  readonly constraints: readonly string[];
  readonly root: { readonly pem: string; readonly subject: string; readonly fingerprint: string };
  readonly notBefore: Millis;
  readonly notAfter: Millis;
  permits(name: string): boolean;
  present(names: readonly string[], recipe: CertificateRecipe | null): Presented;
}

function authorityOf(kept: Kept, clock: Pick<Clock, "wallTime">, mintOf: (ca: CA) => Minting): Authority {
  const mint = mintOf(kept.ca);
  const { root, notBefore, notAfter } = mint;
  const { from, files } = kept;
  const authority: Authority = {
    from: [...new Set(from ?? [])],
    reread: () =>
      from === null ? authority : authorityOf({ ...kept, ca: rereadCA({ from }) }, clock, mintOf),
    publish: async () => {
      if (files !== null) await publishCA(files, kept.ca);
    },
    ca: root.pem,
    get bundle() {
      return bundleOf(root.pem);
    },
    files,
    names: mint.constraints,
    subject: root.subject,
    fingerprint: root.fingerprint,
    notAfter,
    warnings: () => [...kept.warnings, ...ending(notBefore, notAfter, clock.wallTime())],
    permits: (name) => mint.permits(name),
    present: (names, recipe) => mint.present(names, recipe),
  };
  return authority;
}

/** Said from four fifths of its life on. */
function ending(notBefore: Millis, notAfter: Millis, now: Millis): readonly string[] {
  const trouble = dateTrouble(notBefore, notAfter, now);
  if (trouble === null) return [];
  return [`the CA ${trouble}: ${now >= notAfter ? "bots refuse all it signs; " : ""}squall ca renew`];
}
