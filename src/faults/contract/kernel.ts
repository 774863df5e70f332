/** What a type would leave to the kernel, if it can have it so. */

/** Whose segments: those between clients and the proxy, or those between the proxy and its upstreams. */
export type Leg = "client" | "upstream";

export interface KernelWish {
  /** Real segments are to be dropped: if that can be done, or in any case, or not at all. */
  readonly engine: "auto" | "kernel" | "model";
  readonly loss: number;
  readonly leg: Leg;
  /** What the kernel cannot do among what the parameters ask for: `rtt`, `burst`. */
  readonly unfit: readonly string[];
}
