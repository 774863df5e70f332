/** What each type of fault does to those whom it hits, in the few words and shapes that the dashboard tells apart. Pure. */

/** `fine`: nothing. `observed`: a fault would have acted. `failed` is none of Squall's deeds: it went wrong by itself. */
export type Deed = "fine" | "late" | "changed" | "cut" | "down" | "observed" | "failed";

const DEEDS: Readonly<Record<Exclude<Deed, "fine" | "observed" | "failed">, readonly string[]>> = {
  late: [
    "latency",
    "bandwidth",
    "slicer",
    "slow_close",
    "accept_delay",
    "packet_loss",
    "http_delay",
    "late_response",
    "slow_headers",
    "dns_delay",
    "reorder",
  ],
  cut: [
    "blackhole",
    "cut",
    "dns_drop",
    "half_open",
    "http_truncate",
    "idle_kill",
    "keepalive_race",
    "lost_request",
    "lost_response",
    "reset",
    "timeout",
    "tls_end",
    "truncate",
  ],
  down: ["connection_limit", "down", "drain", "flap", "tls_alert", "tls_handshake"],
  // All others: what arrives is not what was sent.
  changed: [],
};

const BY_TYPE = new Map(
  Object.entries(DEEDS).flatMap(([deed, types]) => types.map((type) => [type, deed as Deed] as const)),
);

export function deedOf(type: string): Deed {
  return BY_TYPE.get(type) ?? "changed";
}

export const DEED_WORDS: Readonly<Record<Deed, string>> = {
  fine: "untouched",
  late: "delayed",
  changed: "changed",
  cut: "cut off or lost",
  down: "turned away",
  observed: "observed only",
  failed: "failed by itself",
};

/** The one that is told where there are several: the first that is there, the gravest first. */
const GRAVEST: readonly Deed[] = ["down", "cut", "changed", "late", "observed", "failed", "fine"];

export function gravest(deeds: Iterable<Deed>): Deed {
  const there = new Set(deeds);
  return GRAVEST.find((deed) => there.has(deed)) ?? "fine";
}
