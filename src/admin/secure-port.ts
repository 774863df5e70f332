/** The admin port over TLS: each connection's TLS ends before anything else looks at it. */
import type { Server, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Contexts, OwnCertificate } from "../tls/contexts.js";

/** What clients are shown. */
export interface AdminCertificate {
  /** Asked at each connection as well, since the CA may be another one by then. */
  readonly contexts: () => Contexts;
  /** Asked at each connection, so that it may be another one after its files have changed; null for one of the CA. */
  readonly own: (() => OwnCertificate) | null;
  /** For whom the CA's certificate is made. */
  readonly names: readonly string[];
}

/** Stays below its HTTP: what is refused here never becomes a request. A handshake has the time that a head has. */
export function secured(carrier: Socket, { contexts, own, names }: AdminCertificate): TLSSocket {
  const address = carrier.localAddress?.replace(/^::ffff:(?=\d+\.)/u, "") ?? "";
  const wanted = address === "" || names.includes(address) ? names : [...names, address];
  const { context, stapler } = own === null ? contexts().minted(wanted, null) : contexts().own(own());
  const socket = new TLSSocket(carrier, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: ["http/1.1"],
    ...(stapler === null ? {} : { server: stapler as Server }),
  });
  // Told by the TLS socket as well, where there is anybody to hear of it.
  carrier.on("error", () => undefined);
  return socket;
}
