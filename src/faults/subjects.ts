/** What a type of fault is decided about: connections, or the exchanges that go over them. */
import type { AnyFaultType } from "./contract/index.js";

/** The place of bytes as TLS has them on the wire to the client, its handshake included. */
export const CIPHERTEXT = "tls";

/**
 * Whether its subject on an HTTP proxy is the exchange: of types with an `exchange` seam, and of bytes that are not the
 * connection's own business, unless they are those of TLS below it. Everywhere else it is the connection.
 */
export function aboutExchanges(
  type: Pick<AnyFaultType, "exchange" | "stream" | "connection" | "subject">,
  at = "",
): boolean {
  if (at === CIPHERTEXT) return false;
  if (type.exchange !== undefined) return true;
  return type.stream !== undefined && type.connection === undefined && type.subject !== "connection";
}
