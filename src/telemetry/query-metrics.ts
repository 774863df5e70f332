/** What Prometheus is told of DNS questions: how each type was answered. */
import type { MeasuredProxy } from "./measured.js";
import { SampledCounter, type AnySampled, type Sample } from "./sampled.js";

export function queryMetrics(proxies: () => readonly MeasuredProxy[]): AnySampled[] {
  return [
    new SampledCounter({
      name: "squall_dns_queries_total",
      help: "DNS questions that are over, by type and by what the client was answered; `none` where it got no answer.",
      labels: ["proxy", "qtype", "rcode"],
      read: () =>
        proxies().flatMap(({ name, queries }) =>
          (queries?.counts() ?? []).map(([qtype, rcode, count]): Sample => [[name, qtype, rcode], count]),
        ),
    }),
  ];
}
