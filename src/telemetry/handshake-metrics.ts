/** What Prometheus is told of TLS with clients: what became of handshakes, and how clients took what faults did to them. */
import type { MeasuredProxy } from "./measured.js";
import { SampledCounter, type AnySampled, type Sample } from "./sampled.js";

export function handshakeMetrics(proxies: () => readonly MeasuredProxy[]): AnySampled[] {
  return [
    new SampledCounter({
      name: "squall_tls_handshakes_total",
      help: "TLS handshakes of clients that are over, by result: complete, passed_through, plain (no TLS, where both are spoken), failed, or faulted (a fault ended it, or its client did after a fault had acted on it).",
      labels: ["proxy", "result"],
      read: () =>
        proxies().flatMap(({ name, handshakes }) =>
          [...(handshakes?.results ?? [])].map(([result, count]): Sample => [[name, result], count]),
        ),
    }),
    new SampledCounter({
      name: "squall_tls_took_total",
      help: "TLS handshakes that faults acted on, by how the client took them: accepted, alert_NAME, closed, reset or undecided.",
      labels: ["proxy", "took"],
      read: () =>
        proxies().flatMap(({ name, handshakes }) =>
          [...(handshakes?.took ?? [])].map(([took, count]): Sample => [
            [name, took.replace(" ", "_")],
            count,
          ]),
        ),
    }),
    new SampledCounter({
      name: "squall_tls_bad_certificates_accepted_total",
      help: "Clients that went on with a certificate that was wrong, by what was wrong with it.",
      labels: ["proxy", "problem"],
      read: () =>
        proxies().flatMap(({ name, handshakes }) =>
          [...(handshakes?.accepted ?? [])].map(([problem, count]): Sample => [[name, problem], count]),
        ),
    }),
  ];
}
