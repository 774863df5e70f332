/** What the sender of segments is made from. */
import type { Millis } from "../../core/clock.js";
import type { Receiver } from "./receiver.js";
import type { SegmentParams, Segment, Witness } from "./segment.js";

export interface SenderParts {
  readonly params: SegmentParams;
  readonly receiver: Receiver;
  /** Puts a segment on the network. */
  readonly link: (segment: Segment, now: Millis) => void;
  readonly witness: Witness;
  /** Uniform in [0, 1): how late timers are. */
  readonly luck: () => number;
  /** No handshake lies just behind it. */
  readonly warm: boolean;
}
