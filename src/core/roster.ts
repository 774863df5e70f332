/**
 * Who is there at the moment, in the order in which they came: for members that come and go by the thousand. A Set has the same to offer,
 * but each time that V8 makes its table anew the old one goes on pointing at the new one, and at whoever was in it. Once one of those
 * tables is old, a minor collection of garbage takes all that hang on it for alive: nearly every connection was copied twice and then
 * kept until the next full collection, with all that belonged to it.
 */

/** Members by the order of coming. Whoever goes through them meets those who were there when he began. */
export interface Present<T> extends Iterable<T> {
  readonly size: number;
}

/** A member's place among the others; whoever has it can leave, once or again. */
export interface Seat {
  leave(): void;
}

export class Roster<T> implements Present<T> {
  #first: Place<T> | null = null;
  #last: Place<T> | null = null;
  #size = 0;
  /**
   * Nobody asks for it. In a quiet time V8 gives memory back, forgets what objects were like of which none is left, and throws away all
   * that it has compiled for them: those who came next took twice as much work. So one of them is always there.
   */
  lastLeft: T | null = null;

  get size(): number {
    return this.#size;
  }

  enter(member: T): Seat {
    const place = new Place(this, member, this.#last);
    if (this.#last === null) this.#first = place;
    else this.#last.after = place;
    this.#last = place;
    this.#size++;
    return place;
  }

  /** For its places. */
  leave(place: Place<T>): void {
    const { before, after, member } = place;
    this.lastLeft = member;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    this.#size--;
  }

  [Symbol.iterator](): IterableIterator<T> {
    const members: T[] = [];
    for (let place = this.#first; place !== null; place = place.after)
      if (place.member !== null) members.push(place.member);
    return members.values();
  }
}

class Place<T> implements Seat {
  #of: Roster<T> | null;
  member: T | null;
  before: Place<T> | null;
  after: Place<T> | null = null;

  constructor(of: Roster<T>, member: T, before: Place<T> | null) {
    this.#of = of;
    this.member = member;
    this.before = before;
  }

  leave(): void {
    this.#of?.leave(this);
    // It must not keep others alive that it knew.
    this.#of = this.member = this.before = this.after = null;
  }
}
