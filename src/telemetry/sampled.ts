/**
 * Metrics that are read, not counted: their values come from numbers that others keep, at the moment of a
 * scrape, so that no byte pays for a metric. prom-client registers and prints anything that answers `get()`.
 */
import type { Metric, Registry } from "prom-client";
import { DELAY_BUCKETS } from "../core/ledger.js";

export const OTHER = "other";

/** At most so many series a metric, `other` among them. A histogram counts as one for each set of labels. */
export const SERIES_MAX = 1_000;

/** Label values in the order of the label names, and the value. */
export type Sample<V = number> = readonly [labels: readonly string[], value: V];

export interface SampledOptions<V = number> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: () => Iterable<Sample<V>> | Promise<Iterable<Sample<V>>>;
}

interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly values: readonly object[];
  readonly aggregator: string;
}

type Labels = Readonly<{ [name: string]: string }>;

/**
 * Holds a metric to its number of series. Who was there first keeps a series of his own for as long as he is
 * there, so that `other` and the named ones do not trade places between two scrapes.
 */
export class SeriesCap<V> {
  readonly #max: number;
  readonly #sum: (a: V, b: V) => V;
  #named = new Set<string>();
  #shared = new Set<string>();
  /** How many series had to share `other` so far. */
  dropped = 0;

  constructor(sum: (a: V, b: V) => V, max = SERIES_MAX) {
    this.#sum = sum;
    this.#max = max - 1;
  }

  fold(samples: Iterable<Sample<V>>): Sample<V>[] {
    const series = new Map<string, Sample<V>>();
    for (const [labels, value] of samples) {
      const key = labels.length === 1 ? (labels[0] ?? "") : JSON.stringify(labels);
      const same = series.get(key);
      series.set(key, [labels, same === undefined ? value : this.#sum(same[1], value)]);
    }
    if (series.size <= this.#max && this.#shared.size === 0) {
      this.#named = new Set(series.keys());
      return [...series.values()];
    }
    return this.#folded(series);
  }

  #folded(series: ReadonlyMap<string, Sample<V>>): Sample<V>[] {
    const named = new Set<string>();
    const shared = new Set<string>();
    for (const key of series.keys()) {
      if (this.#named.has(key)) named.add(key);
      else if (this.#shared.has(key)) shared.add(key);
    }
    const kept: Sample<V>[] = [];
    let other: Sample<V> | null = null;
    for (const [key, sample] of series) {
      if (!named.has(key) && !shared.has(key)) {
        if (named.size < this.#max) {
          named.add(key);
        } else {
          shared.add(key);
          this.dropped++;
        }
      }
      if (named.has(key)) kept.push(sample);
      else other = [sample[0].map(() => OTHER), other === null ? sample[1] : this.#sum(other[1], sample[1])];
    }
    this.#named = named;
    this.#shared = shared;
    return other === null ? kept : [...kept, other];
  }
}

abstract class Sampled<V> {
  readonly name: string;
  readonly help: string;
  abstract readonly type: Described["type"];
  readonly labelNames: readonly string[];
  readonly cap: SeriesCap<V>;
  readonly #read: SampledOptions<V>["read"];

  constructor({ name, help, labels = [], read }: SampledOptions<V>, sum: (a: V, b: V) => V) {
    this.name = name;
    this.help = help;
    this.labelNames = labels;
    this.cap = new SeriesCap(sum);
    this.#read = read;
  }

  /** Called by prom-client at each scrape. */
  async get(): Promise<Described> {
    // Not awaited unless it must be: all metrics of a scrape are then read in one turn and agree with each other.
    const samples = this.#read();
    const read = samples instanceof Promise ? await samples : samples;
    const values = this.cap.fold(read).flatMap(([labels, value]) => this.print(this.#named(labels), value));
    return { name: this.name, help: this.help, type: this.type, values, aggregator: "sum" };
  }

  /** prom-client's registry may ask for it; the numbers are not ours to reset. */
  reset(): void {
    return;
  }

  protected abstract print(labels: Labels, value: V): object[];

  #named(values: readonly string[]): Labels {
    const labels: { [name: string]: string } = {};
    for (const [index, name] of this.labelNames.entries()) labels[name] = values[index] ?? "";
    return labels;
  }
}

const add = (a: number, b: number): number => a + b;

export class SampledCounter extends Sampled<number> {
  readonly type = "counter";

  constructor(options: SampledOptions) {
    super(options, add);
  }

  protected print(labels: Labels, value: number): object[] {
    return [{ labels, value }];
  }
}

export class SampledGauge extends Sampled<number> {
  readonly type = "gauge";

  /** `sum` says what several of the same labels are together: their sum, or for yes and no the larger one. */
  constructor(options: SampledOptions & { readonly sum?: (a: number, b: number) => number }) {
    super(options, options.sum ?? add);
  }

  protected print(labels: Labels, value: number): object[] {
    return [{ labels, value }];
  }
}

/** The observations of each bucket by itself, not cumulative; the last one is for those beyond all bounds. */
export interface Distribution {
  readonly buckets: readonly number[];
  readonly sum: number;
}

export class SampledHistogram extends Sampled<Distribution> {
  readonly type = "histogram";

  constructor(options: SampledOptions<Distribution>) {
    super(options, (a, b) => ({
      buckets: a.buckets.map((count, index) => count + (b.buckets[index] ?? 0)),
      sum: a.sum + b.sum,
    }));
  }

  protected print(labels: Labels, { buckets, sum }: Distribution): object[] {
    let count = 0;
    const lines: object[] = buckets.map((own, index) => {
      count += own;
      return {
        metricName: `${this.name}_bucket`,
        labels: { ...labels, le: DELAY_BUCKETS[index] ?? "+Inf" },
        value: count,
      };
    });
    lines.push({ metricName: `${this.name}_sum`, labels, value: sum });
    lines.push({ metricName: `${this.name}_count`, labels, value: count });
    return lines;
  }
}

export type AnySampled = SampledCounter | SampledGauge | SampledHistogram;

export function register(registry: Registry, metric: AnySampled): void {
  // Its types name its own classes; what it does is to call `get()` and print what comes back.
  registry.registerMetric(metric as unknown as Metric);
}
