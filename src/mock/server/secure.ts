/** TLS for the mock job server: certificates by name from a CA that is made here, or one of the user's. Loaded where it is wanted. */
import { writeFileSync } from "node:fs";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { RequestListener } from "node:http";
import { hostname, networkInterfaces } from "node:os";
import { resolve } from "node:path";
import type { Clock } from "../../core/clock.js";
import { openAuthority } from "../../tls/authority.js";
import { Contexts } from "../../tls/contexts.js";
import { certificatesIn } from "../../tls/pem.js";
import { checkPair, firstOf, readPem } from "../tls/client.js";
import { UnreadableTls } from "../tls/unreadable.js";

/** Paths. Without `own`, certificates come from a CA: that of the folder, made at first need, or one in memory. */
export interface ServerTls {
  readonly own?: { readonly cert: string; readonly key: string };
  readonly ca?: string;
  /** Where the CA's certificate is written, for bots to trust. */
  readonly caOut?: string;
  /** The CA of bots, each of which must then show a certificate. */
  readonly clientCa?: string;
}

export interface SecureMaker {
  /** The file with the CA's certificate; null for a certificate of the user's, and for a CA in memory that was not written. */
  readonly caFile: string | null;
  serve(options: ServerOptions, listener: RequestListener): Server;
}

/** How long a handshake may take. */
const HANDSHAKE_TIMEOUT_MS = 20_000;
/** OpenSSL takes no session back where this is not set and bots show certificates. */
const SESSIONS = "squall-mock";

/** Throws UnreadableTls for files of the user's, SQ_INVALID_CA for a folder. */
export async function openTls(tls: ServerTls, host: string, clock: Clock): Promise<SecureMaker> {
  const clientCa = tls.clientCa === undefined ? null : clientCaIn(tls.clientCa);
  const common: ServerOptions = {
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    sessionIdContext: SESSIONS,
    ...(clientCa !== null && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  };
  if (tls.own !== undefined) {
    const own = ownPair(tls.own);
    return {
      caFile: null,
      serve: (options, listener) => createServer({ ...options, ...common, ...own }, listener),
    };
  }
  const authority = await openAuthority({
    source: tls.ca === undefined ? "memory" : { folder: tls.ca },
    clock,
  });
  const written = tls.caOut === undefined ? null : resolve(tls.caOut);
  if (written !== null) writeCa(written, authority.ca);
  const contexts = new Contexts(authority, clock);
  const terms = clientCa === null ? {} : { clients: { id: SESSIONS, ca: clientCa } };
  const byName: ServerOptions["SNICallback"] = (name, done) => {
    try {
      done(null, contexts.minted([name], null, terms).context);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const names = namesOf(host);
  return {
    caFile: written ?? authority.files?.ca ?? null,
    serve: (options, listener) => {
      let usual = authority.present(names, null);
      const settings = { ...options, ...common, SNICallback: byName };
      const server = createServer({ ...settings, ...pairOf(usual) }, listener);
      // Before the handshake begins: a server that runs for months has a certificate that holds also for those who name nobody.
      server.prependListener("connection", () => {
        if (clock.wallTime() < usual.renewAt) return;
        usual = authority.present(names, null);
        server.setSecureContext({ ...common, ...pairOf(usual) });
      });
      return server;
    },
  };
}

const pairOf = ({ cert, key }: { readonly cert: string; readonly key: string }) => ({ cert, key });

function ownPair(paths: { readonly cert: string; readonly key: string }): { cert: string; key: string } {
  const texts = { cert: readPem("cert", paths.cert), key: readPem("key", paths.key) };
  checkPair(texts, paths);
  return texts;
}

function clientCaIn(path: string): string {
  const text = readPem("clientCa", path);
  firstOf("clientCa", path, text);
  return certificatesIn(text).join("\n");
}

function writeCa(path: string, ca: string): void {
  try {
    writeFileSync(path, ca);
  } catch (error) {
    throw new UnreadableTls("caOut", `${path} cannot be written`, error);
  }
}

/** For who asks for no name: whatever this machine may be called by, since such clients go to an address. */
function namesOf(host: string): readonly string[] {
  const everywhere = host === "0.0.0.0" || host === "::";
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  // An address of one link has its link in it (RFC 4007), and no certificate can.
  const own = everywhere
    ? addresses.map(({ address }) => address).filter((one) => !one.includes("%"))
    : [host];
  return [...new Set(["localhost", hostname(), "127.0.0.1", "::1", ...own])].filter((name) => name !== "");
}
