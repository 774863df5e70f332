/**
 * The last word to a client that speaks what cannot be passed on: TLS, or HTTP/2 without Upgrade, to a proxy whose upstream
 * is https://. Its bytes would travel inside our own TLS session, to a server that expects HTTP/1.1 there.
 */

export interface Unspeakable {
  /** In the client's own protocol, so that it knows that this was meant. */
  readonly goodbye: Buffer;
  readonly why: string;
}

/** A fatal alert: handshake_failure (RFC 8446, section 6), in a record that all versions of TLS read. */
const ALERT = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28]);
/** SETTINGS, which must come first, and GOAWAY with HTTP_1_1_REQUIRED (RFC 9113, sections 3.4, 6.8 and 7). */
const GOAWAY = Buffer.from([
  ...[0, 0, 0, 0x04, 0, 0, 0, 0, 0],
  ...[0, 0, 8, 0x07, 0, 0, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0x0d],
]);

export const UNSPEAKABLE: Readonly<Record<"tls" | "h2", Unspeakable>> = {
  tls: {
    goodbye: ALERT,
    why:
      "refused: the client speaks TLS, and Squall does so itself towards an https:// upstream: " +
      "give the proxy secure: true, which speaks TLS with its clients, or have them call http://",
  },
  h2: {
    goodbye: GOAWAY,
    why:
      "refused: the client speaks HTTP/2, and an https:// upstream is spoken to in HTTP/1.1: " +
      "have the client speak HTTP/1.1, or make it a tcp:// proxy, which passes its bytes on unread",
  },
};
