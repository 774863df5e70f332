/** Where an engine is, as squall.yaml and the command line have it: `nats://user:password@nats-1:4222`. */
import { SquallError } from "../../core/errors.js";

export interface EngineAddress {
  /** Without a colon: `nats`, `tls`, `redis`, `rediss`. */
  readonly scheme: string;
  /** Without brackets around an IPv6 address. */
  readonly host: string;
  /** Null for the one that is usual with the scheme. */
  readonly port: number | null;
  /** The number of a Redis database, or another path; without its slash. */
  readonly path: string;
  readonly user: string | null;
  readonly password: string | null;
}

/** Fleets' names are parts of the names of buckets, streams, subjects and keys, in each of which other characters mean something. */
const FLEET_NAME = /^[\dA-Za-z][\w-]{0,63}$/u;

export function checkFleetName(name: string): void {
  if (FLEET_NAME.test(name)) return;
  throw new SquallError("SQ_INVALID_CONFIG", `fleet.name: "${name}" cannot be the name of a fleet`, {
    path: "fleet.name",
    hint: "letters, digits, - and _, 64 at most",
  });
}

/** Throws SQ_INVALID_CONFIG without the address in it, as that may hold a password. */
export function parseAddress(text: string): EngineAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new SquallError("SQ_INVALID_CONFIG", "fleet.engine: one of the addresses is no URL", {
      path: "fleet.engine",
      hint: "nats://host:4222, tls://host:4222, redis://host:6379 or rediss://host:6379",
      cause,
    });
  }
  return {
    scheme: url.protocol.slice(0, -1),
    host: url.hostname.replace(/^\[|\]$/gu, ""),
    port: url.port === "" ? null : Number(url.port),
    path: url.pathname.replace(/^\//u, ""),
    user: url.username === "" ? null : decodeURIComponent(url.username),
    password: url.password === "" ? null : decodeURIComponent(url.password),
  };
}

/** For people: user and password are left out. */
export function nameOf({ scheme, host, port, path }: EngineAddress): string {
  const shown = host.includes(":") ? `[${host}]` : host;
  return `${scheme}://${shown}${port === null ? "" : `:${port}`}${path === "" ? "" : `/${path}`}`;
}
