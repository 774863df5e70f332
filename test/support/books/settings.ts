/** What is tried in turn against the books: each fault type in settings that take no long time, and what the wire can show of it. */
import type { FaultInput } from "../../../src/index.js";

export interface Setting {
  readonly fault: FaultInput;
  /** The proxies on which it can act. */
  readonly on: readonly ("single" | "pool" | "stream")[];
  /** Bytes go missing between the client's request and the server, so that the server may know of less than was sent to it. */
  readonly losesRequests?: true;
  /** Connections end before the proxy has read a request, so that clients know of more exchanges than it does. */
  readonly losesClients?: true;
  /**
   * Nobody leaves: the server's work goes on without its client, so that one that never answers is waited for; or a fault
   * answers at any moment, and what comes first nobody can say.
   */
  readonly patient?: true;
  /** Clients may only be let go by leaving, or by healing. */
  readonly hangs?: true;
}

const HTTP = ["single", "pool"] as const;
const ALL = ["single", "pool", "stream"] as const;

export const SETTINGS: readonly Setting[] = [
  { fault: { type: "accept_delay", delay: "3ms" }, on: ALL },
  { fault: { type: "bandwidth", rate: "200KB/s" }, on: ALL },
  { fault: { type: "blackhole" }, on: HTTP, losesRequests: true, hangs: true },
  { fault: { type: "connection_limit", max: 2, queue: 1, on_full: "reset" }, on: ALL, losesClients: true },
  { fault: { type: "corrupt", rate: "0.01%", at: "body" }, on: HTTP },
  { fault: { type: "cut", after: "700B", then: "reset" }, on: ALL, losesRequests: true, losesClients: true },
  { fault: { type: "cut", after: "600B", then: "close" }, on: ALL, losesRequests: true, losesClients: true },
  { fault: { type: "duplicate_request", times: 2 }, on: HTTP, patient: true },
  { fault: { type: "half_open" }, on: ["stream"] },
  { fault: { type: "http_body", mode: "garble_json" }, on: HTTP },
  { fault: { type: "http_body", mode: "empty", when: { probability: "50%" } }, on: HTTP },
  { fault: { type: "http_delay", delay: "4ms", when: { probability: "70%" } }, on: HTTP },
  { fault: { type: "http_delay", delay: "60s", when: { probability: "30%" } }, on: HTTP, hangs: true },
  { fault: { type: "http_headers", remove: ["content-type"] }, on: HTTP },
  { fault: { type: "http_malformed", mode: "garbage", when: { probability: "40%" } }, on: HTTP },
  { fault: { type: "http_malformed", mode: "empty", when: { probability: "40%" } }, on: HTTP },
  { fault: { type: "http_status", status: 503, when: { probability: "50%" } }, on: HTTP },
  { fault: { type: "http_status", status: 500, at: "after", when: { every: 3 } }, on: HTTP },
  { fault: { type: "http_truncate", share: "50%", when: { probability: "60%" } }, on: HTTP },
  { fault: { type: "http_truncate", after: "20B", framing: "honest" }, on: HTTP },
  { fault: { type: "idle_kill", after: "30ms" }, on: ALL, losesRequests: true, losesClients: true },
  { fault: { type: "keepalive_race", after: "0ms", how: "reset" }, on: HTTP },
  { fault: { type: "late_response", hold: "5ms" }, on: HTTP, patient: true },
  { fault: { type: "latency", delay: "3ms" }, on: ALL },
  { fault: { type: "latency", delay: "3ms", at: "body" }, on: HTTP },
  { fault: { type: "lost_response", when: { probability: "40%" } }, on: HTTP, patient: true },
  {
    fault: { type: "lost_response", then: "status", when: { probability: "40%" } },
    on: HTTP,
    patient: true,
  },
  {
    fault: { type: "lost_response", then: "hang", when: { probability: "30%" } },
    on: HTTP,
    patient: true,
    hangs: true,
  },
  { fault: { type: "lost_request", when: { probability: "40%" } }, on: HTTP, patient: true },
  {
    fault: { type: "lost_request", then: "hang", when: { probability: "30%" } },
    on: HTTP,
    patient: true,
    hangs: true,
  },
  { fault: { type: "noop" }, on: ALL },
  { fault: { type: "overload", concurrency: 2, queue: 2, service_time: "2ms" }, on: HTTP },
  { fault: { type: "packet_loss", loss: "5%", rtt: "2ms", engine: "model" }, on: ALL },
  { fault: { type: "rate_limit", limit: 3, window: "50ms" }, on: HTTP },
  { fault: { type: "reset" }, on: ALL, losesRequests: true, losesClients: true },
  { fault: { type: "reset", after: "500B" }, on: ALL, losesRequests: true, losesClients: true },
  { fault: { type: "slicer", size: "100B" }, on: ALL },
  { fault: { type: "slow_close", delay: "5ms" }, on: ALL },
  { fault: { type: "slow_headers", gap: "100us" }, on: HTTP },
  { fault: { type: "stale_response" }, on: HTTP },
  { fault: { type: "timeout", after: "20ms" }, on: ALL, losesRequests: true, losesClients: true },
  { fault: { type: "truncate", after: "300B", when: { probability: "50%" } }, on: ALL },
  { fault: { type: "unauthorized", mode: "revoked", when: { probability: "50%" } }, on: HTTP },
  { fault: { type: "down", refuse: "reset" }, on: ALL, losesClients: true },
  { fault: { type: "down", refuse: "rst" }, on: ALL, losesClients: true },
  {
    fault: { type: "flap", targets: ["*"], period: "20ms", down: "refuse" },
    patient: true,
    on: ["pool"],
    losesRequests: true,
  },
  { fault: { type: "flap", targets: ["a"], period: "20ms", down: "status" }, on: ["pool"] },
  { fault: { type: "flap", targets: ["a"], period: "20ms", down: "hidden" }, on: ["pool"] },
  {
    fault: { type: "drain", targets: ["a"], grace: "10ms" },
    patient: true,
    on: ["pool"],
    losesRequests: true,
  },
  { fault: { type: "stale_upstream", target: "a", share: "50%" }, on: ["pool"] },
  { fault: { type: "stale_upstream", target: "b", share: "50%", gives: "reset" }, on: ["pool"] },
  { fault: { type: "stick", mode: "lost" }, on: ["pool"] },
  { fault: { type: "stick", mode: "stuck" }, on: ["pool"] },
  { fault: { type: "skew", weights: { a: 9, b: 1 } }, on: ["pool"] },
  { fault: { type: "dns_rcode", rcode: "servfail", on: "upstream", when: { probability: "50%" } }, on: ALL },
  { fault: { type: "dns_delay", delay: "3ms", on: "upstream" }, on: ALL },
  { fault: { type: "dns_answer", mode: "fixed", ips: ["127.0.0.9"], on: "upstream" }, on: ALL },
];
