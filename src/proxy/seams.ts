/** Which seams a proxy offers, by its protocol and how its clients are spoken to: what decides on which proxies a fault can act. */
import type { SecureMode } from "../config/secure.js";
import type { Seam } from "../faults/contract/index.js";

const TCP: ReadonlySet<Seam> = new Set(["listener", "connection", "stream", "query", "upstreams"]);
const HTTP: ReadonlySet<Seam> = new Set([...TCP, "exchange"]);
const UDP: ReadonlySet<Seam> = new Set(["listener", "datagram", "query"]);
const DNS: ReadonlySet<Seam> = new Set(["listener", "query"]);
/** Of those that see ClientHellos. */
const HELLO: ReadonlySet<Seam> = new Set([...TCP, "handshake"]);
const TLS: ReadonlySet<Seam> = new Set([...HELLO, "termination"]);
const HTTPS: ReadonlySet<Seam> = new Set([...HTTP, "handshake", "termination"]);

interface Spoken {
  /** `tcp` if not given. */
  readonly protocol?: "tcp" | "http" | "udp" | "dns";
  readonly secure?: { readonly mode: SecureMode } | null;
}

/** The same set for proxies that offer the same. */
export function seamsOf({ protocol = "tcp", secure = null }: Spoken): ReadonlySet<Seam> {
  switch (protocol) {
    case "udp":
      return UDP;
    case "dns":
      return DNS;
    case "http":
      return secure === null ? HTTP : HTTPS;
    case "tcp":
      if (secure === null) return TCP;
      return secure.mode === "passthrough" ? HELLO : TLS;
  }
}
