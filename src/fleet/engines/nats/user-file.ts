/**
 * Files that say who a daemon is to NATS: credentials (`.creds`), which have the JWT of a user and the seed of its nkey, or a seed alone.
 * What is wrong with them is found here, where it can be said which file it is: a server says no more than that it refuses.
 */
import { readRegular } from "../../../core/read-file.js";
import { whyUnread } from "../../../core/why-unread.js";

const SIZE_MAX = 2 ** 20;
/** Three parts in base64url, the first of which begins with `{"`. */
const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/u;
/** Base32: `S`, what it is the seed of (User, Account, Operator and others), 32 bytes and a checksum. */
const SEED = /^S[A-Z2-7]{57}$/u;
const KINDS: Readonly<Record<string, string>> = { A: "an account", O: "an operator", N: "a server" };

/** Answers the public key of a seed, and throws where its checksum is wrong. */
export type PublicKeyOf = (seed: string) => string;

export interface NatsUser {
  readonly jwt: string;
  readonly seed: string;
  /** When the JWT ends, in milliseconds since 1970; null for never. */
  readonly expires: number | null;
}

/**
 * Throws an Error that says what is wrong with the file. Nothing of what is in it is ever in a message. Without `publicKeyOf`, which comes
 * with the client of NATS, whether the seed is one, and whose, is left open.
 */
export function readCredentials(path: string, publicKeyOf: PublicKeyOf | null): NatsUser {
  const lines = linesIn(path, "the credentials");
  const jwt = lines.find((line) => JWT.test(line));
  const seed = seedIn(lines);
  if (jwt === undefined)
    throw new Error(
      seed === undefined
        ? `there is no JWT of a NATS user in ${path}`
        : `there is a seed in ${path}, and no JWT: a seed alone is named by fleet.credentials.nkey`,
    );
  const { sub, exp, type } = claimsIn(jwt, path);
  if (type !== undefined && type !== "user")
    throw new Error(`the JWT in ${path} is of type ${type}, and not of a user`);
  if (seed === undefined) throw new Error(`there is no seed (SU…) beside the JWT in ${path}`);
  if (publicKeyOf !== null && checked(seed, path, publicKeyOf) !== sub)
    throw new Error(`the seed in ${path} is not that of its JWT`);
  return { jwt, seed, expires: exp === undefined ? null : exp * 1_000 };
}

/** Throws an Error as `readCredentials` does. */
export function readSeed(path: string, publicKeyOf: PublicKeyOf | null): string {
  const seed = seedIn(linesIn(path, "the seed"));
  if (seed === undefined) throw new Error(`there is no seed of a NATS user (SU…) in ${path}`);
  if (publicKeyOf !== null) checked(seed, path, publicKeyOf);
  return seed;
}

function linesIn(path: string, what: string): readonly string[] {
  try {
    const text = readRegular(path, SIZE_MAX).toString("utf8");
    // Windows ends lines with two characters, and puts a mark before the first.
    return text.split(/[\r\n]+/u).map((line) => line.replace(/^\uFEFF/u, "").trim());
  } catch (error) {
    throw new Error(`cannot read ${what} in ${path}: ${whyUnread(error)}`, { cause: error });
  }
}

const seedIn = (lines: readonly string[]): string | undefined => lines.find((line) => SEED.test(line));

function checked(seed: string, path: string, publicKeyOf: PublicKeyOf): string {
  let key: string;
  try {
    key = publicKeyOf(seed);
  } catch {
    throw new Error(`the seed in ${path} is damaged`);
  }
  if (key.startsWith("U")) return key;
  throw new Error(
    `the seed in ${path} is that of ${KINDS[key.charAt(0)] ?? "something else"}, and not of a user`,
  );
}

function claimsIn(
  jwt: string,
  path: string,
): { readonly sub: unknown; readonly exp?: number; readonly type?: string } {
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8"));
  } catch {
    claims = null;
  }
  if (typeof claims !== "object" || claims === null) throw new Error(`the JWT in ${path} is damaged`);
  const { sub, exp, nats } = claims as { sub?: unknown; exp?: unknown; nats?: { type?: unknown } | null };
  const type = typeof nats === "object" && nats !== null ? nats.type : undefined;
  return {
    sub,
    // 0 is for no end, as the servers read it.
    ...(typeof exp === "number" && exp > 0 ? { exp } : {}),
    ...(typeof type === "string" && /^[a-z_]{1,32}$/u.test(type) ? { type } : {}),
  };
}
