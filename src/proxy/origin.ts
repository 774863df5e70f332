/** Where a client's connection comes from, as far as that is known when it begins. */
import type { Peer } from "./secure/peer.js";

export interface Origin {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  /** What is known of a client that speaks TLS; missing of all others. */
  readonly peer?: Peer | null;
  /** What a rule of the proxy calls it; its address if missing. */
  readonly bot?: string | undefined;
}
