/**
 * Staples an OCSP response (RFC 6066, 8). A TLSSocket asks the server that it belongs to for it, and takes any emitter that has a
 * context for one; ours belong to none, as each has a context of its own.
 */
import { EventEmitter } from "node:events";
import type { Server } from "node:net";
import type { SecureContext } from "node:tls";

type Answer = (error: Error | null, response: Buffer) => void;

/** The `server` for the sockets of this context. Clients that do not ask are sent nothing. */
export function staplerOf(context: SecureContext, ocsp: Buffer): Server {
  const stapler = new EventEmitter();
  stapler.on("OCSPRequest", (_certificate: Buffer, _issuer: Buffer, answer: Answer) => answer(null, ocsp));
  // The name that node:tls looks for the context by.
  const standIn = Object.assign(stapler, { _sharedCreds: context });
  return standIn as unknown as Server;
}
