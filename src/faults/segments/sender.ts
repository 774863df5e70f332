/**
 * The near end of the virtual path: a TCP sender as Linux has it, reduced to what decides when a byte arrives. It finds
 * losses by RACK and tail loss probes (RFC 8985) and by its timer (RFC 6298), and sends again.
 */
import type { Millis } from "../../core/clock.js";
import { Flight } from "./flight.js";
import type { Ack } from "./receiver.js";
import { RttEstimator } from "./rtt.js";
import { rttOf, type Resent, type Segment } from "./segment.js";
import { type SenderParts } from "./sender-parts.js";
import { KernelTimer } from "./timer.js";
import { Window } from "./window.js";

/** Open: nothing is missing. Recovery: losses are repaired while the flow goes on. Loss: the timer had run out. */
type State = "open" | "recovery" | "loss";

/** Three segments that arrived ahead mean a loss at once, without RACK's patience (RFC 6675). */
const REORDERING = 3;
/** TCP_TIMEOUT_MIN: two ticks. */
const TIMEOUT_MIN: Millis = 2;
/** 2^31 and more is beyond any cap. */
const BACK_OFF_MAX = 31;

export class Sender {
  /** Unanswered for longer than `give_up`: the connection is to be reset. */
  gaveUp = false;
  #state: State = "open";
  /** Sequence numbers: up to where acknowledged, sent, written; and where the episode of losses ends. */
  #acked = 0;
  #next = 0;
  #written = 0;
  #high = 0;
  #backOff = 0;
  /** When the first retransmission was made of those since anything was acknowledged. */
  #unansweredSince: Millis | null = null;
  #lastSentAt: Millis = -Infinity;
  /** Up to where a tail loss probe reached, while it is not known what it found; and whether it was sent again or new. */
  #probed: number | null = null;
  #probeWasNew = false;
  /** Retransmissions of this episode that may have been for nothing; null when one was needed. */
  #inVain: number | null = null;
  readonly #flight = new Flight();
  readonly #rtt = new RttEstimator();
  readonly #timer: KernelTimer;
  readonly window: Window;

  constructor(private readonly parts: SenderParts) {
    const { params, luck, warm } = parts;
    this.#timer = new KernelTimer(() => params.tick, luck);
    this.window = new Window(params);
    if (warm) this.#rtt.warm(rttOf(params), params.min_rto);
    else this.#rtt.sample(rttOf(params), params.min_rto, 0, 0);
  }

  /** When `ring` is to be called. */
  get alarmAt(): Millis {
    return this.#timer.at;
  }

  /** The round trip became another one: what was learnt of the old one would only mislead. */
  rerouted(): void {
    this.#rtt.warm(rttOf(this.parts.params), this.parts.params.min_rto);
  }

  write(bytes: number, now: Millis): void {
    if (this.#flight.size === 0 && this.#lastSentAt > -Infinity && this.#next === this.#written)
      this.window.rested(now - this.#lastSentAt, this.#timeout);
    this.#written += bytes;
    this.#send(now);
  }

  /** An acknowledgement has come: learn what arrived, look for losses, move the window, send. */
  acknowledged(ack: Ack, now: Millis): void {
    const flight = this.#flight;
    const before = this.#acked;
    let delivered = 0;
    /** Of those sent once: the first that is acknowledged in order, and the first that arrived ahead. */
    let inOrder: Millis | null = null;
    let ahead: Millis | null = null;
    for (const segment of this.parts.receiver.take(ack.arrivals)) {
      if (segment.acked) continue;
      flight.arrived(segment, now, this.#rtt.min);
      delivered++;
      if (segment.transmissions === 1) {
        if (segment.end <= ack.next) inOrder ??= now - segment.sentAt;
        else ahead ??= now - segment.sentAt;
      }
      if (segment.needed) this.#inVain = null;
    }
    this.#acked = Math.max(this.#acked, ack.next);
    const again = flight.acknowledge(this.#acked);
    const advanced = this.#acked > before;
    // What was sent more than once says nothing by itself (Karn: RFC 6298, section 3). The timestamp that comes back does,
    // if one came and the acknowledgement is of new data (RFC 7323, section 4.1; tcp_ack_update_rtt).
    let sample = (again ? null : inOrder) ?? ahead;
    if (sample === null && advanced && ack.echo !== null) sample = now - ack.echo;
    if (sample !== null)
      this.#rtt.sample(Math.max(0, sample), this.parts.params.min_rto, this.#acked, this.#next);
    if (advanced) {
      this.#backOff = 0;
      this.#unansweredSince = null;
    }
    this.#heedProbe(ack, advanced);
    if (ack.duplicate) this.#heedDuplicate();
    if (this.#state !== "open" && this.#acked >= this.#high) this.#recovered();
    const lost = this.#detect(now);
    if (this.#state === "recovery") {
      this.window.proportion(delivered, lost, advanced, flight.flying);
    } else if (advanced && lost === 0) {
      this.window.grow(delivered, now, this.#rtt.srtt ?? 0);
    }
    if (advanced) this.#setTimer(now, true);
    this.#send(now);
  }

  /** The alarm is due. */
  ring(now: Millis): void {
    const { alarm } = this.#timer;
    if (!this.#timer.rings() || this.#flight.size === 0) return;
    if (alarm === "reorder") {
      this.#detect(now);
      if (!this.#timer.armed) this.#armTimeout(now);
      this.#send(now);
    } else if (alarm === "probe") this.#probe(now);
    else this.#timedOut(now);
  }

  // -- losses -------------------------------------------------------------------------------------

  #detect(now: Millis): number {
    const { lost, again } = this.#flight.detect(now, this.#patience);
    if (lost > 0 && this.#state === "open") {
      this.#enter("recovery");
      this.window.reduce();
    }
    if (again !== Infinity) this.#timer.arm("reorder", again, now);
    return lost;
  }

  /** How long a later arrival may be mere reordering: a quarter of the round trip, and nothing once losses are certain. */
  get #patience(): Millis {
    if (this.#state !== "open" || this.#flight.early >= REORDERING) return 0;
    return Math.min(this.#rtt.min / 4, this.#rtt.srtt ?? Infinity);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#high = this.#next;
    this.#inVain = 0;
    this.#probed = null;
  }

  #recovered(): void {
    if (this.#state === "recovery") this.window.settle();
    this.#state = "open";
    this.#inVain = null;
  }

  #heedDuplicate(): void {
    if (this.#inVain === null || this.#inVain === 0) return;
    this.#inVain--;
    if (this.#inVain > 0 || this.#state === "open") return;
    this.window.undo();
    this.#flight.absolve();
    this.#state = "open";
    this.#inVain = null;
  }

  #timedOut(now: Millis): void {
    const flight = this.#flight;
    const first = flight.first;
    if (first === undefined) return;
    if (this.#unansweredSince !== null && now - this.#unansweredSince >= this.parts.params.give_up) {
      this.gaveUp = true;
      return;
    }
    // Inside an episode whose losses the window has felt already, it is not made to feel them again (tcp_enter_loss).
    const again = this.#state === "recovery" || (this.#state === "loss" && this.#backOff > 0);
    flight.timedOut(now);
    this.window.collapse(flight.flying, again);
    this.#enter("loss");
    this.#backOff = Math.min(this.#backOff + 1, BACK_OFF_MAX);
    // The first is sent again whatever the window says.
    this.#resend(first, "timeout", now);
    this.#armTimeout(now, now);
    this.#send(now);
  }

  // -- tail loss probes ---------------------------------------------------------------------------

  #probe(now: Millis): void {
    // One at a time: until its fate is known the timer takes over, reckoned from when the first was sent.
    if (this.#probed !== null) {
      this.#armTimeout(now, this.#flight.first?.sentAt ?? now);
      return;
    }
    const last = this.#flight.last;
    this.#probeWasNew = this.#next < this.#written && this.#hasRoom;
    if (this.#probeWasNew) this.#sendNew(now);
    else if (last !== undefined) this.#resend(last, "probe", now);
    this.#probed = this.#next;
    this.#armTimeout(now, now);
  }

  /** What a probe found out: tcp_process_tlp_ack. */
  #heedProbe(ack: Ack, advanced: boolean): void {
    if (this.#probed === null || ack.next < this.#probed) return;
    if (this.#probeWasNew || ack.duplicate) {
      this.#probed = null;
    } else if (ack.next > this.#probed) {
      // The probe has repaired a loss that nobody noticed otherwise; the window must feel it all the same.
      this.#probed = null;
      if (this.#state !== "open") return;
      this.window.reduce();
      this.window.settle();
    } else if (!advanced) {
      this.#probed = null;
    }
  }

  // -- sending ------------------------------------------------------------------------------------

  get #hasRoom(): boolean {
    // Small segments cost the receiver as much room as full ones, and us as much memory.
    return this.#next - this.#acked < this.parts.params.window && this.#flight.size < this.window.taken;
  }

  #send(now: Millis): void {
    const flight = this.#flight;
    const { allowed } = this.window;
    let sent = false;
    while (flight.flying < allowed) {
      const lost = flight.nextLost;
      if (lost !== undefined) {
        this.#resend(lost, this.#state === "loss" ? "timeout" : "fast", now);
        if (lost === flight.first) this.#armTimeout(now, now);
        continue;
      }
      if (this.#next >= this.#written || !this.#hasRoom) break;
      this.#sendNew(now);
      sent = true;
    }
    if (sent || flight.flying >= allowed) {
      this.window.validate(flight.flying, flight.size, this.#acked, this.#next);
      this.window.starve(flight.size, this.#state === "open", this.#timeout, now);
    }
    if (sent) this.#setTimer(now, false);
  }

  #sendNew(now: Millis): void {
    const end = Math.min(this.#next + this.parts.params.mss, this.#written);
    const segment = this.#flight.add(this.#next, end, now);
    this.#next = end;
    this.#transmit(segment, now);
  }

  #resend(segment: Segment, why: Resent, now: Millis): void {
    // A timer is told as it was set, not how late it was.
    const waited = why === "fast" ? now - segment.sentAt : this.#timer.wait;
    this.parts.witness.resent(segment, why, waited, segment.transmissions);
    this.#unansweredSince ??= now;
    if (this.#inVain !== null && why !== "probe") this.#inVain++;
    this.#transmit(segment, now);
  }

  #transmit(segment: Segment, now: Millis): void {
    this.#flight.sent(segment, now);
    this.#lastSentAt = now;
    if (this.#state === "recovery") this.window.spent();
    this.parts.link(segment, now);
  }

  // -- the one timer ------------------------------------------------------------------------------

  get #timeout(): Millis {
    return Math.min(
      this.parts.params.max_rto,
      this.#rtt.timeout(this.parts.params.min_rto) * 2 ** this.#backOff,
    );
  }

  /** After something was sent, or acknowledged (`afresh`): a probe where one makes sense, and else the timeout. */
  #setTimer(now: Millis, afresh: boolean): void {
    const flight = this.#flight;
    if (flight.size === 0) {
      this.#timer.clear();
      return;
    }
    if (this.#timer.armed && this.#timer.alarm === "reorder") return;
    const since = afresh ? now : (flight.first?.sentAt ?? now);
    if (this.#state !== "open" || flight.early > 0) {
      if (afresh || !this.#timer.armed) this.#armTimeout(now, since);
      return;
    }
    // A lone segment may be waiting for a delayed acknowledgement (tcp_schedule_loss_probe).
    const alone = flight.size === 1 ? this.parts.params.min_rto : TIMEOUT_MIN;
    const patience = 2 * (this.#rtt.srtt ?? 0) + alone;
    this.#timer.arm("probe", Math.min(now + patience, since + this.#timeout), now);
  }

  #armTimeout(now: Millis, since = this.#flight.first?.sentAt ?? now): void {
    this.#timer.arm("timeout", since + this.#timeout, now);
  }
}
