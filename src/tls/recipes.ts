/**
 * What is wrong with a certificate, as data: how each problem differs from a right one. One thing is wrong with each, so that a client
 * that refuses it does so for that reason.
 */
import type { Millis } from "../core/clock.js";
import type { CertificateProblem } from "../faults/contract/handshake.js";
import { strangeName } from "../core/certificate-names.js";

const DAY: Millis = 86_400_000;
const HUGE_BYTES = 60_000;
/** Long names, as a few hundred are made sooner than thousands. */
const FILLING = `${"shard-".padEnd(60, "x")}.${"of-a-huge-certificate-".padEnd(60, "x")}`;
/** Seconds are what a certificate counts in: it is made anew no more often. */
const KEEPS_MIN: Millis = 1_000;

export interface Recipe {
  /** The CA that bots trust; one that they do not; one whose own certificate is not sent along; the leaf's own key. */
  readonly signer: "ca" | "stranger" | "intermediate" | "itself";
  readonly key?: "weak";
  /** In place of those asked for. */
  readonly names?: readonly string[];
  readonly commonName?: string;
  /** The names are left out, and the common name is all there is. */
  readonly withoutNames?: boolean;
  /** From now. */
  readonly from?: Millis;
  readonly until?: Millis;
  /** How long it stays as wrong as it should be. */
  readonly keeps?: Millis;
  readonly usage?: "client";
  readonly digest?: "sha1";
  /** The signature is not that of the signer. */
  readonly spoilt?: boolean;
  /** The CA says in a stapled response that it has revoked it. */
  readonly revoked?: boolean;
}

interface Asked {
  readonly names: readonly string[];
  readonly constraints: readonly string[];
}

export const RIGHT: Recipe = { signer: "ca" };

export const RECIPES: Readonly<Record<CertificateProblem, (by: Millis, asked: Asked) => Recipe>> = {
  expired: (by) => ({ signer: "ca", from: -by - 45 * DAY, until: -by, keeps: Math.max(by / 2, KEEPS_MIN) }),
  not_yet_valid: (by) => ({
    signer: "ca",
    from: by,
    until: by + 45 * DAY,
    keeps: Math.max(by / 2, KEEPS_MIN),
  }),
  wrong_host: (_, { names, constraints }) => ({
    signer: "ca",
    names: [strangeName("wrong-host", names, constraints)],
  }),
  self_signed: () => ({ signer: "itself" }),
  unknown_ca: () => ({ signer: "stranger" }),
  incomplete_chain: () => ({ signer: "intermediate" }),
  bad_signature: () => ({ signer: "ca", spoilt: true }),
  weak_key: () => ({ signer: "ca", key: "weak" }),
  sha1: () => ({ signer: "ca", digest: "sha1" }),
  no_san: (_, { names }) => ({ signer: "ca", withoutNames: true, commonName: names[0] ?? "localhost" }),
  wrong_usage: () => ({ signer: "ca", usage: "client" }),
  revoked: () => ({ signer: "ca", revoked: true }),
  huge: (_, { names, constraints }) => ({ signer: "ca", names: crowd(names, constraints) }),
};

/** The names asked for and so many others that a certificate is as large as no client reads without care. */
function crowd(names: readonly string[], constraints: readonly string[]): readonly string[] {
  const crowded = [...names];
  // Two bytes of each are its tag and its length.
  let bytes = crowded.reduce((sum, name) => sum + name.length + 2, 0);
  for (let number = 1; bytes < HUGE_BYTES; number++) {
    const name = strangeName(`${number.toString().padStart(4, "0")}.${FILLING}`, names, constraints);
    crowded.push(name);
    bytes += name.length + 2;
  }
  return crowded;
}
