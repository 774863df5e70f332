/** A client's connection: TCP, or TLS that takes any certificate. `connected` is called when there is somebody to write to. */
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

export function dial({ port, secure = false }, connected) {
  const to = { host: "127.0.0.1", port };
  if (!secure) return connect({ ...to, noDelay: true }, connected);
  return connectTls({ ...to, rejectUnauthorized: false }, connected).setNoDelay(true);
}
