/**
 * Metrics that are read, not counted: their values come from numbers that others keep, at the moment of a
 * scrape, so that no byte pays for a metric. prom-client registers and prints anything that answers `get()`.
 */
import type { Metric, Registry } from "prom-client";

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
  /** It is read when it is printed, rather than with the others. */
  readonly late?: boolean;
}

/** A metric as prom-client prints it. */
export interface Described<L> {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly values: readonly L[];
  readonly aggregator: string;
}

type Labels = Readonly<Record<string, string>>;

/** One line as prom-client prints it: the labels of the series are shared by its lines, `le` is a line's own. */
export interface Line {
  readonly metricName: string;
  readonly labels: Labels;
  readonly sharedLabels: Labels;
  readonly value: number;
}

/**
 * Holds a metric to its number of series. Who was there first keeps a series of his own for as long as he is
 * there, so that `other` and the named ones do not trade places between two scrapes.
 */
export class SeriesCap<V> {
  readonly #names: readonly string[];
  readonly #sum: (a: V, b: V) => V;
  readonly #max: number;
  readonly #other: Labels;
  readonly #otherKey: string | null;
  /** The label objects stay the same from scrape to scrape: prom-client remembers the text it made of each. */
  #named = new Map<string, Labels>();
  #shared = new Set<string>();
  /** How many series had to share `other` so far. */
  dropped = 0;

  constructor(names: readonly string[], sum: (a: V, b: V) => V, max = SERIES_MAX) {
    this.#names = names;
    this.#sum = sum;
    this.#max = max - 1;
    const others = names.map(() => OTHER);
    this.#other = this.#labelled(others);
    this.#otherKey = names.length === 0 ? null : keyOf(others);
  }

  fold(samples: Iterable<Sample<V>>): (readonly [labels: Labels, value: V])[] {
    const series = new Map<string, Sample<V>>();
    for (const [labels, value] of samples) {
      const key = keyOf(labels);
      const same = series.get(key);
      series.set(key, [labels, same === undefined ? value : this.#sum(same[1], value)]);
    }
    // Those that are gone give up their places first, and then those that are new may take them.
    const named = new Map([...this.#named].filter(([key]) => series.has(key)));
    const shared = new Set([...this.#shared].filter((key) => series.has(key)));
    const folded: (readonly [Labels, V])[] = [];
    let other: { readonly sum: V } | null = null;
    for (const [key, [labels, value]] of series) {
      let own = named.get(key);
      // Somebody may really be called `other`: the same labels must not come twice.
      if (own === undefined && key !== this.#otherKey && !shared.has(key)) {
        if (named.size < this.#max) {
          own = this.#labelled(labels);
          named.set(key, own);
        } else {
          shared.add(key);
          this.dropped++;
        }
      }
      if (own !== undefined) folded.push([own, value]);
      else other = { sum: other === null ? value : this.#sum(other.sum, value) };
    }
    this.#named = named;
    this.#shared = shared;
    if (other !== null) folded.push([this.#other, other.sum]);
    return folded;
  }

  #labelled(values: readonly string[]): Labels {
    return Object.fromEntries(this.#names.map((name, index) => [name, values[index] ?? ""]));
  }
}

function keyOf(labels: readonly string[]): string {
  return labels.length === 1 ? (labels[0] ?? "") : JSON.stringify(labels);
}

abstract class Sampled<V> {
  readonly name: string;
  readonly help: string;
  abstract readonly type: Described<Line>["type"];
  readonly labelNames: readonly string[];
  readonly cap: SeriesCap<V>;
  readonly #read: SampledOptions<V>["read"];
  readonly #late: boolean;

  constructor({ name, help, labels = [], read, late = false }: SampledOptions<V>, sum: (a: V, b: V) => V) {
    this.name = name;
    this.help = help;
    this.labelNames = labels;
    this.cap = new SeriesCap(labels, sum);
    this.#read = read;
    this.#late = late;
  }

  /** Called by prom-client when it makes JSON. */
  async get(): Promise<Described<Omit<Line, "sharedLabels">>> {
    const described = await this.getForPromString();
    const values = described.values.map(({ metricName, value, labels, sharedLabels }) => ({
      metricName,
      value,
      labels: { ...sharedLabels, ...labels },
    }));
    return { ...described, values };
  }

  /** Called by prom-client when it makes text. */
  async getForPromString(): Promise<Described<Line>> {
    return this.take()();
  }

  /**
   * Reads the numbers at once, and answers how to make lines of them, which takes longer and may wait: what is counted
   * meanwhile is not among them.
   */
  take(): () => Promise<Described<Line>> {
    // Not awaited: all metrics of a scrape are read in one turn and agree with each other.
    const kept = this.#late ? null : this.#readNow();
    return async () => {
      const samples = await (kept ?? this.#readNow());
      const lines: Line[] = [];
      for (const [labels, value] of this.cap.fold(samples)) this.print(lines, labels, value);
      return { name: this.name, help: this.help, type: this.type, values: lines, aggregator: "sum" };
    };
  }

  #readNow(): readonly Sample<V>[] | Promise<Iterable<Sample<V>>> {
    const read = this.#read();
    if (read instanceof Promise) return read;
    return Array.from(read, ([labels, value]): Sample<V> => [labels, this.copied(value)]);
  }

  /** As it is now, where it goes on changing. */
  protected copied(value: V): V {
    return value;
  }

  /** prom-client's registry may ask for it; the numbers are not ours to reset. */
  reset(): void {
    return;
  }

  protected abstract print(lines: Line[], labels: Labels, value: V): void;
}

const NONE: Labels = {};
const add = (a: number, b: number): number => a + b;

export class SampledCounter extends Sampled<number> {
  readonly type = "counter";

  constructor(options: SampledOptions) {
    super(options, add);
  }

  protected print(lines: Line[], labels: Labels, value: number): void {
    lines.push({ metricName: this.name, labels: NONE, sharedLabels: labels, value });
  }
}

export class SampledGauge extends Sampled<number> {
  readonly type = "gauge";

  /** `sum` says what several of the same labels are together: their sum, or for yes and no the larger one. */
  constructor(options: SampledOptions & { readonly sum?: (a: number, b: number) => number }) {
    super(options, options.sum ?? add);
  }

  protected print(lines: Line[], labels: Labels, value: number): void {
    lines.push({ metricName: this.name, labels: NONE, sharedLabels: labels, value });
  }
}

/** The observations of each bucket by itself, not cumulative; the last one is for those beyond all bounds. */
export interface Distribution {
  readonly buckets: readonly number[];
  readonly sum: number;
}

export interface HistogramOptions extends SampledOptions<Distribution> {
  /** Upper bounds of all buckets but the last. */
  readonly bounds: readonly number[];
}

const BEYOND: Labels = { le: "+Inf" };

export class SampledHistogram extends Sampled<Distribution> {
  readonly type = "histogram";
  readonly #bounds: readonly Labels[];

  constructor(options: HistogramOptions) {
    super(options, (a, b) => ({
      buckets: a.buckets.map((count, index) => count + (b.buckets[index] ?? 0)),
      sum: a.sum + b.sum,
    }));
    this.#bounds = options.bounds.map((bound) => ({ le: String(bound) }));
  }

  protected override copied({ buckets, sum }: Distribution): Distribution {
    return { buckets: [...buckets], sum };
  }

  protected print(lines: Line[], sharedLabels: Labels, { buckets, sum }: Distribution): void {
    const metricName = `${this.name}_bucket`;
    let count = 0;
    for (const [index, own] of buckets.entries()) {
      count += own;
      lines.push({ metricName, labels: this.#bounds[index] ?? BEYOND, sharedLabels, value: count });
    }
    lines.push({ metricName: `${this.name}_sum`, labels: NONE, sharedLabels, value: sum });
    lines.push({ metricName: `${this.name}_count`, labels: NONE, sharedLabels, value: count });
  }
}

export type AnySampled = SampledCounter | SampledGauge | SampledHistogram;

export function register(registry: Registry, metric: AnySampled): void {
  // Its types name its own classes; what it does is to call `get()` and print what comes back.
  registry.registerMetric(metric as unknown as Metric);
}
