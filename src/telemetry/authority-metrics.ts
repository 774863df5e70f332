/** The metric of the CA that bots are shown certificates of: a daemon may well outlive it. */
import { SampledGauge, type AnySampled } from "./sampled.js";

export interface AuthorityMetricsOptions {
  /** Null as long as nothing has needed a CA. */
  readonly authority?: () => { readonly notAfter: number } | null;
}

export function authorityMetrics({ authority }: AuthorityMetricsOptions): AnySampled[] {
  return [
    new SampledGauge({
      name: "squall_ca_expires_timestamp_seconds",
      help: "When the CA that bots must trust expires, in Unix time; from when it is first needed on.",
      read: () => {
        const opened = authority?.() ?? null;
        return opened === null ? [] : [[[], Math.round(opened.notAfter / 1000)]];
      },
    }),
  ];
}
