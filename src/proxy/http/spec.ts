/** What an HTTP proxy is made from. */
import type { Persona } from "../../faults/personas.js";
import type { IdentifyRule } from "../../config/identify.js";
import type { NamingSpec } from "./naming.js";
import type { StreamSpec } from "../spec-base.js";
import type { TlsOptions } from "../upstream/dial.js";

export interface HttpProxySpec extends StreamSpec, NamingSpec {
  readonly protocol: "http";
  /** null for plain HTTP. */
  readonly tls: TlsOptions | null;
  readonly identify: readonly IdentifyRule[];
  /** Mixed into the hashes by which opaque tokens are known, so that they cannot be guessed from the journal. */
  readonly salt: string;
  /** In whose words the proxy itself says that the upstream cannot be reached. */
  readonly persona: Persona;
  /** Whether answers that faults acted on say so in `x-squall-fault`, and which they are in `x-squall-exchange`. */
  readonly faultHeader: boolean;
  /** What becomes of a connection whose framing could be read in two ways. */
  readonly ambiguous: "reject" | "relay";
  /** Milliseconds from the first byte of a request's head to its last. */
  readonly headTimeout: number;
  /** Bytes of a head at most. */
  readonly headBytes: number;
}
