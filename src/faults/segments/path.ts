/**
 * A virtual path that one direction of a stream takes: sender, receiver, and a network between them that loses segments
 * and acknowledgements. A discrete-event simulation on whatever clock it is handed: what is due is reckoned at the moment
 * it was due, however late it is asked.
 *
 *     write -> Sender -- segments, some lost --> Receiver -> delivered
 *                     <-- acknowledgements, some lost --
 *
 * Bare acknowledgements are lost on this path's own account, which needs no other direction. Where there is one, its
 * segments carry acknowledgements too, and share their fate.
 */
import type { Millis } from "../../core/clock.js";
import type { LossProcess } from "../loss.js";
import { Receiver, type Ack } from "./receiver.js";
import { rttOf, type Segment, type SegmentParams, type Witness } from "./segment.js";
import { Sender } from "./sender.js";

export interface PathParts {
  readonly params: SegmentParams;
  /** Of the direction that the bytes take, and of the one that their acknowledgements take. */
  readonly forward: LossProcess;
  readonly backward: LossProcess;
  readonly witness: Witness;
  /** Uniform in [0, 1): how late timers are. */
  readonly luck: () => number;
  /** The connection has been in use: no handshake lies just behind it. */
  readonly warm: boolean;
  /** Told of each segment that is sent, and whether it gets through. */
  readonly carries: (now: Millis, lost: boolean) => void;
}

/** First in, first out: the path delays all alike. */
class Line<Item> {
  #items: { readonly item: Item; readonly at: Millis }[] = [];
  #head = 0;
  #latest: Millis = -Infinity;

  /** A path that became shorter does not let anything overtake. */
  add(item: Item, at: Millis): void {
    this.#latest = Math.max(at, this.#latest);
    this.#items.push({ item, at: this.#latest });
  }

  get due(): Millis {
    return this.#items[this.#head]?.at ?? Infinity;
  }

  take(): Item | undefined {
    const first = this.#items[this.#head++]?.item;
    if (this.#head >= this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}

export class SegmentPath {
  readonly #params: SegmentParams;
  readonly #parts: PathParts;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #segments = new Line<{ readonly segment: Segment; readonly sentAt: Millis }>();
  readonly #acks = new Line<Ack>();
  #rtt: Millis;
  #now: Millis = -Infinity;
  #running = false;

  constructor(parts: PathParts) {
    const { params, witness } = parts;
    this.#parts = parts;
    this.#params = params;
    this.#rtt = rttOf(params);
    this.#receiver = new Receiver(params, witness);
    this.#sender = new Sender({
      params,
      receiver: this.#receiver,
      link: (segment, now) => {
        this.#carry(segment, now);
      },
      witness,
      luck: parts.luck,
      warm: parts.warm,
    });
  }

  /** Numbers handed in so far that have arrived in order. */
  get delivered(): number {
    return this.#receiver.next;
  }

  get gaveUp(): boolean {
    return this.#sender.gaveUp;
  }

  /** Segments that may be under way at the moment. */
  get window(): number {
    return this.#sender.window.size;
  }

  /** When something happened last. */
  get reached(): Millis {
    return this.#now;
  }

  /** When something happens next. */
  get due(): Millis {
    if (this.gaveUp) return Infinity;
    return Math.min(this.#segments.due, this.#acks.due, this.#receiver.ackDue, this.#sender.alarmAt);
  }

  /** So many more numbers: bytes, and one for the end. All that is due must have been reckoned before. */
  write(numbers: number, now: Millis): void {
    this.#running = true;
    this.#sender.write(numbers, now);
    this.#running = false;
  }

  /** A segment of the other direction is sent. Answers whether something is due earlier for it. */
  carried(now: Millis, lost: boolean): boolean {
    const before = this.due;
    // What arrived up to this very moment is acknowledged too, whichever direction is looked at first.
    if (!this.#running) this.advance(now);
    const ack = this.#receiver.carried(now);
    // The other direction may be a little behind, where a timer came late; what is over stays as it was.
    if (ack !== null && !lost) this.#acks.add(ack, Math.max(this.#now, now + this.#rtt / 2));
    return this.due < before;
  }

  advance(until: Millis): void {
    if (this.#rtt !== rttOf(this.#params)) {
      this.#rtt = rttOf(this.#params);
      this.#sender.rerouted();
    }
    this.#running = true;
    for (let now = this.due; now <= until; now = this.due) this.#next(now);
    this.#running = false;
  }

  /** Of what falls due in one moment arrivals come first, and timers last: what has arrived needs no timer. */
  #next(now: Millis): void {
    const sender = this.#sender;
    const receiver = this.#receiver;
    this.#now = now;
    if (this.#segments.due <= now) {
      const arrival = this.#segments.take();
      const ack = arrival && receiver.arrive(arrival.segment, arrival.sentAt, now);
      if (ack) this.#answer(ack, now);
    } else if (this.#acks.due <= now) {
      const ack = this.#acks.take();
      if (ack) sender.acknowledged(ack, now);
    } else if (receiver.ackDue <= now) {
      this.#answer(receiver.owed(), now);
    } else {
      sender.ring(now);
    }
  }

  #carry(segment: Segment, now: Millis): void {
    const lost = this.#parts.forward.lost(now);
    if (lost) this.#parts.witness.lost(segment);
    else this.#segments.add({ segment, sentAt: now }, now + this.#rtt / 2);
    this.#parts.carries(now, lost);
  }

  #answer(ack: Ack, now: Millis): void {
    if (!this.#parts.backward.lost(now)) this.#acks.add(ack, now + this.#rtt / 2);
  }
}
