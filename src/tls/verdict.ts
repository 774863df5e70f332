/** What OpenSSL has found of the certificate that a client showed. */
import type { TLSSocket } from "node:tls";

/** What is wrong with it; null if nothing is. `code` is OpenSSL's, such as CERT_HAS_EXPIRED. */
export type Verdict = { readonly code: string; readonly message: string } | null;

interface Handle {
  verifyError?(): (Error & { readonly code?: string }) | null;
}

/**
 * Undefined where the runtime does not tell. Node's own servers ask in this way; it has no public name for sockets that are made without
 * one (`authorizationError` is set by tls.Server).
 */
export function verdictOn(socket: TLSSocket): Verdict | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Handle | null };
  if (typeof handle?.verifyError !== "function") return undefined;
  const error = handle.verifyError();
  return error === null || error === undefined ? null : { code: error.code ?? "", message: error.message };
}
