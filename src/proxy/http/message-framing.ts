/** How a message is framed, as its head says. */

/** How a body ends; `tunnel` means that what follows is no HTTP any more. */
export type BodyKind = "none" | "length" | "chunked" | "close" | "tunnel";

export interface Framing {
  body: BodyKind;
  /** Bytes of a `length` body. */
  length: number;
  /** Whether the sender leaves the connection open for another message. */
  persistent: boolean;
  connect: boolean;
  /** A request asks for another protocol: both `Upgrade` and `Connection: upgrade`, in HTTP/1.1 (RFC 9110 7.8). */
  upgrade: boolean;
  /** The Upgrade field of a request names HTTP/2, which is taken out of it before it is sent on (see `h2c.ts`). */
  h2c: boolean;
  /** `Expect: 100-continue`, in HTTP/1.1 (RFC 9110 10.1.1). */
  expectsContinue: boolean;
  /** How many Host fields there are. */
  hosts: number;
}
