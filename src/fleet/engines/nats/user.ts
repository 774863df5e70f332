/** Who a daemon is to a server of NATS: read from its files for each connection anew, as these are exchanged under daemons that run. */
import type * as Nats from "@nats-io/transport-node";
import type { Authenticator } from "@nats-io/transport-node";
import { EngineError, type EngineOptions } from "../../contract/engine.js";
import { nameOf, type EngineAddress } from "../address.js";
import { unusable } from "../secured.js";
import { isDismissal } from "./errors.js";
import { readCredentials, readSeed } from "./user-file.js";

export interface DialledUser {
  readonly authenticators: Authenticator[];
  /** What is known of the file when the server refuses what is in it; null where the server's words are all there is. */
  readonly refusal: (error: unknown, now: number) => EngineError | null;
}

/** Throws an EngineError that says which file cannot be used, and why. */
export function userFor(options: EngineOptions, address: EngineAddress, nats: typeof Nats): DialledUser {
  const { file, nkey, user, password, token } = options.credentials;
  const publicKeyOf = (seed: string): string => nats.nkeys.fromSeed(bytesOf(seed)).getPublicKey();
  if (file !== null) {
    const { jwt, seed, expires } = used(options, "file", () => readCredentials(file, publicKeyOf));
    const authenticators = [nats.jwtAuthenticator(jwt, bytesOf(seed))];
    return { authenticators, refusal: refusalOf(`the credentials in ${file}`, address, expires) };
  }
  if (nkey !== null) {
    const seed = used(options, "nkey", () => readSeed(nkey, publicKeyOf));
    const authenticators = [nats.nkeyAuthenticator(bytesOf(seed))];
    return { authenticators, refusal: refusalOf(`the nkey in ${nkey}`, address, null) };
  }
  const name = user ?? address.user;
  const secret = password ?? address.password;
  return { authenticators: authenticatorsOf(nats, token, name, secret), refusal: () => null };
}

function authenticatorsOf(
  nats: typeof Nats,
  token: string | null,
  name: string | null,
  secret: string | null,
): Authenticator[] {
  if (token !== null) return [nats.tokenAuthenticator(token)];
  if (name === null) return [];
  // As all clients of NATS read `nats://token@host`.
  if (secret === null) return [nats.tokenAuthenticator(name)];
  return [nats.usernamePasswordAuthenticator(name, secret)];
}

function refusalOf(
  what: string,
  address: EngineAddress,
  expires: number | null,
): (error: unknown, now: number) => EngineError | null {
  return (error, now) => {
    if (!(error instanceof Error) || !isDismissal(error)) return null;
    const end =
      expires === null || expires > now ? "" : `: they have expired on ${new Date(expires).toISOString()}`;
    const text = `${nameOf(address)}: it does not take ${what}: ${error.message}${end}`;
    return new EngineError("forbidden", text, { cause: error });
  };
}

function used<T>(options: EngineOptions, setting: "file" | "nkey", read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unusable(
      options,
      `fleet.credentials.${setting}`,
      error instanceof Error ? error.message : "",
      error,
    );
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
