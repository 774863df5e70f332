/**
 * One scrape: every number is read in one turn of the event loop, so that they agree with each other, and printed in pieces
 * with a turn between them, so that others have theirs. Thousands of series take longer than anybody should have to wait.
 */
import { Registry, type Metric } from "prom-client";
import type { AnySampled, Described, Line } from "./sampled.js";

/** Lines of text that are printed at once. */
const PIECE_LINES = 1_000;

export interface ScrapeParts {
  readonly metrics: readonly AnySampled[];
  /** Resolves when others have had a turn. */
  readonly turn: () => Promise<void>;
}

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Those who come while one is under way share the next: so many scrapes as come at once are never kept in memory. */
export class Scrapes {
  readonly #parts: ScrapeParts;
  #now: Promise<unknown> | null = null;
  #next: Promise<string> | null = null;

  constructor({ turn = turnOfTheLoop, ...parts }: Omit<ScrapeParts, "turn"> & Partial<ScrapeParts>) {
    this.#parts = { ...parts, turn };
  }

  /** Read no sooner than it was asked for. */
  text(): Promise<string> {
    if (this.#now === null) return this.#start();
    this.#next ??= this.#now.then(() => {
      this.#next = null;
      return this.#start();
    });
    return this.#next;
  }

  #start(): Promise<string> {
    const scrape = printed(this.#parts);
    const over = (): void => {
      this.#now = null;
    };
    this.#now = scrape.then(over, over);
    return scrape;
  }
}

async function printed({ metrics, turn }: ScrapeParts): Promise<string> {
  const read = metrics.map((metric) => metric.take());
  const texts: string[] = [];
  let lines = 0;
  for (const print of read) {
    const described = await print();
    const pieces: string[] = [];
    for (let at = 0; at === 0 || at < described.values.length; at += PIECE_LINES) {
      const values = described.values.slice(at, at + PIECE_LINES);
      lines += values.length;
      pieces.push(withoutHead(await lineText({ ...described, values }), at > 0));
      if (lines < PIECE_LINES) continue;
      lines = 0;
      await turn();
    }
    texts.push(pieces.join("\n"));
  }
  return `${texts.join("\n\n")}\n`;
}

/** prom-client asks a metric for its lines and prints them; this one has them already. */
async function lineText(described: Described<Line>): Promise<string> {
  const one = new Registry();
  one.registerMetric({
    name: described.name,
    getForPromString: () => Promise.resolve(described),
  } as unknown as Metric);
  return (await one.metrics()).trimEnd();
}

/** Help and type come once, before the first piece. */
function withoutHead(text: string, isLater: boolean): string {
  return isLater ? text.split("\n").slice(2).join("\n") : text;
}
