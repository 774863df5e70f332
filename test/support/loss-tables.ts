/**
 * What Linux makes of lost segments, as measured between two network namespaces (6.18, RTT 50 ms, MSS 1448), and
 * the simulations that the model is compared by. `scale` multiplies the number of subjects.
 */
import type { Millis } from "../../src/core/clock.js";
import type { Congestion } from "../../src/faults/segments/segment.js";
import { LossyLink } from "./lossy-link.js";
import type { Raw } from "./stream-bench.js";

export const RTT: Millis = 50;
/** What a lone lost segment costs: RTT and the least timeout, 200 ms. */
export const G: Millis = RTT + 200;

export const percent = (p: number): string => `${p * 100}%`;
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
export const shareOf = (values: readonly number[], holds: (value: number) => boolean): number =>
  values.filter(holds).length / values.length;
/** Three standard errors of a share of n. */
export const threeSigma = (p: number, n: number): number => 3 * Math.sqrt((p * (1 - p)) / n);

/** 10 kB answers: mean, and the share done in one round trip. */
export const ANSWERS_10_KB = [
  { p: 0.01, mean: 63, share: 0.87 },
  { p: 0.02, mean: 81, share: 0.66 },
  { p: 0.1, mean: 252, share: 0.06 },
] as const;

/** Bulk, one flow, Mbit/s. */
export const BULK = [
  { p: 0.001, reno: 9.13, cubic: 12.8, none: 286 },
  { p: 0.01, reno: 2.87, cubic: 1.95, none: 224 },
  { p: 0.05, reno: 1.13, cubic: 0.98, none: 164 },
] as const;

/** Exchanges one after the other, on connections that are warm, so many on each. */
export function exchanges(
  raw: Raw,
  sizes: { readonly request: number; readonly answer: number },
  count: number,
  perConnection: number,
): number[] {
  const times: number[] = [];
  for (let ordinal = 0; times.length < count; ordinal++) {
    const link = new LossyLink({ rtt: `${RTT}ms`, ...raw }, { ordinal });
    for (let i = 0; i < perConnection; i++) times.push(link.exchange(sizes.request, sizes.answer));
  }
  return times;
}

/** Mbit/s of one flow that has left its start behind, over several connections. */
export function bulk(p: number, congestion: Congestion, flows: number, time: Millis): number {
  const rates = Array.from({ length: flows }, (_, ordinal) => {
    const link = new LossyLink({ loss: percent(p), rtt: `${RTT}ms`, congestion }, { ordinal });
    link.bulk("downstream", time / 2);
    return (link.bulk("downstream", time) * 8) / time / 1000;
  });
  return mean(rates);
}
