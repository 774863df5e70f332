/**
 * What an engine has made for its client, on the way to the lane: stalls stop it, alerts are put behind it, and its close_notify can be
 * left out. It knows records and nothing of sockets.
 */
import type { AlertName, Stall, TlsEnd } from "../faults/contract/index.js";
import { ByteQueue } from "../faults/byte-queue.js";
import type { RecordHead } from "./records.js";
import { ServerRecords, type AlertRecord, type EngineView } from "./server-records.js";
import { StallGate } from "./stall-gate.js";

/** Called once: with null when the alert has left for the client, or with why there is none. */
export type AlertTold = (problem: string | null) => void;

export interface OutgoingOwner {
  /** Bytes for the client. */
  out(chunk: Buffer): void;
  /** Our side has ended without the engine, behind what was put out. */
  parted(): void;
}

interface WaitingAlert {
  readonly name: AlertName;
  readonly told: AlertTold;
}

export class Outgoing {
  readonly #owner: OutgoingOwner;
  readonly #records: ServerRecords;
  #gate: StallGate | null = null;
  #end: TlsEnd | null = null;
  /** The last bytes, while it is not known whether they are the close_notify that is to be left out. */
  readonly #tail = new ByteQueue();
  #alert: WaitingAlert | null = null;
  #parted = false;

  constructor(engine: EngineView, owner: OutgoingOwner) {
    this.#owner = owner;
    this.#records = new ServerRecords(engine);
  }

  /** Whole records that were put out so far. */
  get records(): number {
    return this.#records.count;
  }

  /** Nothing is taken any more, and nothing comes out. */
  get isParted(): boolean {
    return this.#parted;
  }

  /** The engine must not hand over more: something of it is held back. */
  get isHeld(): boolean {
    return this.#gate !== null && this.#gate.held > 0 && this.#alert === null;
  }

  /** Not even an end may go out. */
  get isShut(): boolean {
    return this.#gate?.isShut === true;
  }

  /** Whether the record that was put out last may be the engine's close_notify. */
  get mayHaveNotified(): boolean {
    return this.#records.lastMayBeNotify > 0;
  }

  get end(): TlsEnd | null {
    return this.#end;
  }

  endsWith(end: TlsEnd): void {
    this.#end = end;
  }

  stallAt(stall: Stall, stalled: () => void): void {
    this.#gate = new StallGate(stall, this.#records, stalled);
  }

  goOn(): void {
    const gate = this.#gate;
    this.#gate = null;
    if (gate !== null) this.#pass(gate.open());
  }

  /** A record of the client begins, and the engine has nothing of it yet. */
  fromClient(head: RecordHead): void {
    this.#gate?.fromClient(head);
  }

  fromEngine(chunk: Buffer): void {
    if (this.#parted) return;
    this.#pass(this.#gate === null ? chunk : this.#gate.toClient(chunk));
    if (this.#alert !== null) this.#finishRecord();
  }

  /** The engine has ended: what is left of it is the close_notify that the client is not to have. */
  finish(): void {
    this.#tail.take(Infinity);
  }

  sendAlert(name: AlertName, told: AlertTold): void {
    if (this.#parted || this.#alert !== null) {
      told(ENDED);
      return;
    }
    this.#alert = { name, told };
    this.#finishRecord();
  }

  /** As one would be made now. */
  alert(name: AlertName): AlertRecord {
    return this.#records.alert(name);
  }

  close(): void {
    this.#gate = null;
    this.#tail.take(Infinity);
    const alert = this.#alert;
    this.#alert = null;
    alert?.told(ENDED);
  }

  #pass(chunk: Buffer): void {
    let rest = chunk;
    // Up to the end of the record that has begun, and if the alert can be made not a byte further.
    while (this.#alert !== null && rest.length > 0) {
      const part = rest.subarray(0, this.#records.missing);
      rest = rest.subarray(part.length);
      this.#put(part);
      if (this.#records.missing === 0) this.#tryAlert(this.#alert);
    }
    if (!this.#parted) this.#put(rest);
  }

  #put(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#records.push(chunk);
    if (this.#end !== "without_notify") {
      this.#owner.out(chunk);
      return;
    }
    this.#tail.add(chunk);
    const out = this.#tail.take(Math.max(0, this.#tail.length - this.#records.lastMayBeNotify));
    if (out.length > 0) this.#owner.out(out);
  }

  /** Lets so much out of the gate that a record of ours may stand there. */
  #finishRecord(): void {
    while (this.#gate !== null && this.#gate.held > 0 && this.#records.missing > 0)
      this.#pass(this.#gate.take(this.#records.missing));
    if (this.#alert !== null && this.#records.missing === 0) this.#tryAlert(this.#alert);
  }

  #tryAlert({ name, told }: WaitingAlert): void {
    this.#alert = null;
    const made = this.#records.alert(name);
    if ("record" in made) {
      this.#parted = true;
      this.#gate = null;
      this.#owner.out(Buffer.concat([this.#tail.take(Infinity), made.record]));
      this.#owner.parted();
    }
    told("reason" in made ? made.reason : null);
  }
}

const ENDED = "our side of the connection has ended already";
