/** One fault on one flow of datagrams, with what it holds; made when it first acts on one of them. */
import type { Millis } from "../core/clock.js";
import type { DatagramFault, DatagramHold, Direction, FlowInfo } from "../faults/contract/index.js";
import type { ArmedFault } from "./armed.js";
import type { SubjectInfo } from "./subject-info.js";
import { Station } from "./station.js";
import type { FlowSubject } from "./armed.js";

/** Whose flow it is. */
export interface FlowOwner extends SubjectInfo {
  readonly port: number;
}

/** Datagrams that are only said to be held: as many as a queue of a fault may well have. */
const WATCHED_MAX = 10_000;

export class FlowBinding {
  readonly armed: ArmedFault;
  readonly #owner: FlowOwner;
  #subject: FlowSubject | null = null;
  #fault: DatagramFault | null = null;
  #upstream: Station | null = null;
  #downstream: Station | null = null;
  #attention = false;
  readonly #watched = new Set<DatagramHold>();

  constructor(armed: ArmedFault, owner: FlowOwner) {
    this.armed = armed;
    this.#owner = owner;
  }

  /** The fault, to be asked about another datagram; null if its type knows none. */
  hit(): DatagramFault | null {
    this.#subject ??= this.armed.flow(this.#owner);
    this.#subject.next(this.armed.datagramLot);
    this.#fault ??= this.armed.type.datagram?.(this.#subject, this.#info()) ?? null;
    return this.#fault;
  }

  #info(): FlowInfo {
    const { connection, client, port, bot } = this.#owner;
    return {
      id: connection,
      client: { address: client, port },
      bot,
      attend: () => {
        this.#attention = true;
      },
    };
  }

  station(direction: Direction): Station | null {
    return direction === "upstream" ? this.#upstream : this.#downstream;
  }

  stationFor(direction: Direction): Station {
    if (direction === "upstream") return (this.#upstream ??= new Station());
    return (this.#downstream ??= new Station());
  }

  /** It would be held, by a fault that is only observed and may count on being asked about it. */
  watch(hold: DatagramHold): void {
    if (hold.guessed !== true || this.#watched.size >= WATCHED_MAX) return;
    this.#watched.add(hold);
  }

  attend(now: Millis): void {
    if (!this.#attention) return;
    this.#attention = false;
    for (const hold of this.#watched) if ((hold.left?.() ?? 0) <= 0) this.#watched.delete(hold);
    this.#upstream?.ask(now);
    this.#downstream?.ask(now);
  }

  get due(): Millis {
    return Math.min(this.#upstream?.due ?? Infinity, this.#downstream?.due ?? Infinity);
  }

  release(): void {
    this.#fault?.released?.();
    this.#fault = null;
    this.#subject?.finished();
    this.#subject = null;
  }
}
