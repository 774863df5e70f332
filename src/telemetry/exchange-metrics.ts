/** What Prometheus is told of HTTP exchanges: what clients saw, and beside it what upstreams were asked and answered. */
import { DURATION_BUCKETS, type Durations, type ExchangeTally } from "../proxy/http/tally.js";
import type { MeasuredProxy } from "./measured.js";
import {
  SampledCounter,
  SampledGauge,
  SampledHistogram,
  type AnySampled,
  type Distribution,
  type Sample,
} from "./sampled.js";

export function exchangeMetrics(proxies: () => readonly MeasuredProxy[]): AnySampled[] {
  const each =
    <V>(samples: (name: string, exchanges: ExchangeTally) => readonly Sample<V>[]) =>
    (): Sample<V>[] =>
      proxies().flatMap(({ name, exchanges }) => (exchanges === undefined ? [] : samples(name, exchanges)));
  return [
    new SampledCounter({
      name: "squall_requests_total",
      help: "Exchanges that are over, by the status that the client saw; `none` where it saw none.",
      labels: ["proxy", "method", "code"],
      read: each((name, exchanges) =>
        exchanges.responses().map(([method, code, count]): Sample => [[name, method, code], count]),
      ),
    }),
    new SampledCounter({
      name: "squall_upstream_requests_total",
      help: "Requests sent to upstreams, copies included.",
      labels: ["proxy"],
      read: each((name, exchanges) => [[[name], exchanges.upstreamRequests]]),
    }),
    new SampledCounter({
      name: "squall_upstream_responses_total",
      help: "Answers that upstreams gave, whether or not a client saw them.",
      labels: ["proxy", "code"],
      read: each((name, exchanges) =>
        exchanges.upstreamResponses().map(([code, count]): Sample => [[name, code], count]),
      ),
    }),
    new SampledHistogram({
      name: "squall_request_duration_seconds",
      help: "Time of an exchange: for the client to its end, for the upstream to the head of its answer.",
      labels: ["proxy", "side"],
      bounds: DURATION_BUCKETS,
      read: each((name, { clientDurations, upstreamDurations }) => [
        [[name, "client"], distribution(clientDurations)],
        [[name, "upstream"], distribution(upstreamDurations)],
      ]),
    }),
    new SampledGauge({
      name: "squall_request_amplification_ratio",
      help: "Requests sent to upstreams for each one that clients began, since the start.",
      labels: ["proxy"],
      // Ratios cannot be added up: `other` shows the worst of those that share it.
      sum: Math.max,
      read: each((name, { requests, upstreamRequests }) =>
        requests === 0 ? [] : [[[name], upstreamRequests / requests]],
      ),
    }),
  ];
}

function distribution({ buckets, sum }: Durations): Distribution {
  return { buckets, sum };
}
