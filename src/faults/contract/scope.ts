/** What a fault is given, whatever it acts on: its parameters, its draws, the clock and the books. */
import type { Millis } from "../../core/clock.js";
import type { Lot, Random } from "../../core/random.js";

/** "upstream" carries the client's bytes to the server, "downstream" carries its answers back. */
export type Direction = "upstream" | "downstream";
export const DIRECTIONS: readonly Direction[] = ["upstream", "downstream"];

/** What a journal entry says about one effect: the delay drawn, the byte at which it was cut. */
export type Detail = Readonly<Record<string, string | number | boolean>>;

/** For one subject: a connection now, an exchange, a datagram or a query on later planes. */
export interface Scope<P, E extends string, S> {
  /** A live view: ramps move and updates arrive behind it. Read when needed; do not copy out. */
  readonly params: Readonly<P>;
  /** This subject's own draws: same seed, names, bot and ordinal, same draws. */
  readonly random: Random;
  /**
   * Where a key names its draws: which these are. Another one than before means that another exchange, or another datagram of the
   * flow, is at hand, and that nothing drawn for the one before may count. Missing or null where its number names them.
   */
  readonly keyed?: Lot | null;
  /**
   * A standard normal that resembles that of the same bot's subject before this one: their correlation is that much. It is
   * made of what `random.normal()` would draw first, and takes nothing from `random`.
   */
  alike(correlation: number): number;
  /** What `shared` made for this fault on this proxy. */
  readonly shared: S;
  /** The place it was told to act in, one of the type's `at`; empty for types that know one place only. */
  readonly at: string;
  /** Whether it acts in that direction; false of types whose `directions` are null. */
  acts(direction: Direction): boolean;
  now(): Millis;
  /** Milliseconds since 1970: for what is written into messages, never for reckoning with. */
  wallTime(): number;
  /**
   * Books an effect. The subject's first goes to the journal, with the detail, and more of them if the type says so
   * (`entries`); the total follows at its end.
   */
  count(effect: E, amount?: number, detail?: Detail): void;
  /** Books a delay that was drawn, for the histogram of injected delays. */
  delayed(by: Millis): void;
}

/** For what all subjects of one fault on one proxy have in common. */
export interface SharedScope<P> {
  readonly params: Readonly<P>;
  readonly at: string;
  now(): Millis;
  /** Something was given up for want of room: a key of a bounded map that was longest unused. */
  evicted(): void;
}
