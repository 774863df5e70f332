/**
 * Connections to the admin port: so many at most, and of one address not all of them. When there is no place, whoever comes
 * gets that of one that is idle, or else of the one that has been answered for longest: neither thousands who connect and say
 * nothing nor those who ask and do not read keep an operator out.
 */
import type { Duplex } from "node:stream";
import { placesOfOne, sourceOf } from "./sources.js";

export interface Visitor extends Duplex {
  readonly remoteAddress: string | undefined;
}

/** What a connection is doing: waiting for a request, or being answered; guests stay for as long as they like. */
export type Occupation = "nothing" | "answer" | "guest";

export class Visitors<V extends Visitor = Visitor> {
  readonly #limit: number;
  readonly #limitOfOne: number;
  readonly #occupation: (visitor: V) => Occupation;
  /** Those that were answered nothing yet, whether they ask or not; whoever has waited for longest comes first. */
  readonly #strangers = new Map<V, string>();
  /** Those that were; whoever has been idle for longest comes first. */
  readonly #known = new Map<V, string>();
  readonly #bySource = new Map<string, number>();

  constructor(limit: number, occupation: (visitor: V) => Occupation) {
    this.#limit = limit;
    this.#limitOfOne = placesOfOne(limit);
    this.#occupation = occupation;
  }

  get size(): number {
    return this.#strangers.size + this.#known.size;
  }

  came(visitor: V): void {
    const source = sourceOf(visitor.remoteAddress);
    const isOver = (this.#bySource.get(source) ?? 0) >= this.#limitOfOne;
    const isFull = this.size >= this.#limit;
    if ((isOver && !this.#makeRoom(source)) || (!isOver && isFull && !this.#makeRoom(null))) {
      visitor.destroy();
      return;
    }
    this.#strangers.set(visitor, source);
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1);
    visitor.once("close", () => {
      this.#leave(visitor);
    });
  }

  answered(visitor: V): void {
    const source = this.#strangers.get(visitor) ?? this.#known.get(visitor);
    if (source === undefined) return;
    this.#strangers.delete(visitor);
    this.#known.delete(visitor);
    this.#known.set(visitor, source);
  }

  #leave(visitor: V): void {
    const source = this.#strangers.get(visitor) ?? this.#known.get(visitor);
    if (source === undefined) return;
    this.#strangers.delete(visitor);
    this.#known.delete(visitor);
    const left = (this.#bySource.get(source) ?? 1) - 1;
    if (left === 0) this.#bySource.delete(source);
    else this.#bySource.set(source, left);
  }

  /** Of that source, or of any; false if all who are there are guests. */
  #makeRoom(source: string | null): boolean {
    // Who was answered keeps his place for longer than a stranger, but those who ask for that alone must not fill all of them.
    const isCrowded = this.#known.size * 2 > this.#limit;
    const found =
      (isCrowded ? this.#first(this.#known, source, "nothing") : null) ??
      this.#first(this.#strangers, source, "nothing") ??
      this.#first(this.#known, source, "nothing") ??
      this.#first(this.#strangers, source, "answer") ??
      this.#first(this.#known, source, "answer");
    if (found === null) return false;
    this.#leave(found);
    found.destroy();
    return true;
  }

  #first(some: ReadonlyMap<V, string>, source: string | null, doing: Occupation): V | null {
    for (const [visitor, from] of some) {
      if ((source === null || source === from) && this.#occupation(visitor) === doing) return visitor;
    }
    return null;
  }
}
