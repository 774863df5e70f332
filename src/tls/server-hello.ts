/** What a ServerHello says (RFC 8446, section 4.1.3) about how records go on behind it. */
import { Cursor, Malformed } from "./cursor.js";

export interface ServerHello {
  /** The version that was agreed upon, by its number: 0x0304 for TLS 1.3. */
  readonly version: number;
  readonly random: Buffer;
  /** RFC 7366. */
  readonly encryptThenMac: boolean;
}

/** A HelloRetryRequest is a ServerHello with this random (RFC 8446, section 4.1.3): SHA-256 of that name. */
const RETRY = Buffer.from("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c", "hex");

const SERVER_HELLO = 2;
const ENCRYPT_THEN_MAC = 22;
const SUPPORTED_VERSIONS = 43;

/** From the payload of the first record of a server's flight; "retry" for a HelloRetryRequest, null for what is neither. */
export function readServerHello(payload: Buffer): ServerHello | "retry" | null {
  try {
    const record = new Cursor(payload, "the record");
    if (record.number(1) !== SERVER_HELLO) return null;
    const hello = record.vector(3, "the ServerHello");
    let version = hello.number(2);
    const random = hello.take(32);
    if (random.equals(RETRY)) return "retry";
    hello.vector(1, "its session ID");
    hello.take(3); // cipher suite, compression method
    let encryptThenMac = false;
    if (hello.left > 0) {
      const extensions = hello.vector(2, "its list of extensions");
      while (extensions.left > 0) {
        const type = extensions.number(2);
        const data = extensions.vector(2, "an extension");
        if (type === SUPPORTED_VERSIONS) version = data.number(2);
        if (type === ENCRYPT_THEN_MAC) encryptThenMac = true;
      }
    }
    return { version, random: Buffer.from(random), encryptThenMac };
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}
