/** How a proxy's clients are spoken to over TLS. */
import type { Millis } from "../../core/clock.js";
import type { SecureConfig } from "../../config/secure.js";

export interface SecureSpec extends SecureConfig {
  /** How long a ClientHello may take to arrive, and the handshake behind it. */
  readonly helloTimeout: Millis;
}

/** Where protocols are named here, but not by whoever configured them: those that an upstream agrees to. */
export const MIRROR = "mirror";
