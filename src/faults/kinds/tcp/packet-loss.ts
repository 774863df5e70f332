/**
 * What lost segments do to a TCP stream: nothing is missing in the end, but some bytes come a timeout later, everything
 * behind them waits, and the flow slows down. The model sends each direction over a virtual path; see ../segments.
 *
 * Where the kernel drops real segments instead, none of this is asked; plan/engine.ts says when.
 */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { LANE, Random, type DrawKey } from "../../../core/random.js";
import { formatDuration, formatRatio } from "../../../core/units.js";
import {
  defineFault,
  drop,
  hold,
  pass,
  reset,
  type ConnectionFault,
  type ConnectionInfo,
  type DatagramFault,
  type Direction,
  type GateVerdict,
  type Outlet,
  type Scope,
  type StreamStage,
} from "../../contract/index.js";
import { inJournal } from "../../kit.js";
import { ByteQueue } from "../../byte-queue.js";
import { kernelWish } from "../../kernel-loss.js";
import { Losses, type LossProcess } from "../../loss.js";
import { choice, count, duration, flag, oneOf, ratio, size } from "../../params.js";
import { handshake, type Handshake } from "../../segments/handshake.js";
import { SegmentPath } from "../../segments/path.js";
import { CONGESTION, rttOf, type Resent, type Segment, type Witness } from "../../segments/segment.js";

const params = z.object({
  loss: ratio().describe(
    "share of the segments lost, in each direction; with good_for, of those in good times",
  ),
  burst: count({ min: 1, max: 1000 })
    .default(1)
    .describe("mean number of segments lost in a row; 1 loses each or not by itself"),
  good_for: duration({ min: 10 })
    .optional()
    .describe(
      "mean time for which the link is good before it is bad for bad_for, whether anything is sent or not",
    ),
  bad_for: duration({ min: 10 }).optional().describe("mean time for which the link is bad"),
  bad_loss: ratio().prefault("100%").describe("share of the segments lost in bad times"),
  timing: choice(["drawn", "fixed"])
    .default("drawn")
    .describe(
      "whether good and bad times are drawn, exponentially, for each connection, or are all of that length",
    ),
  rtt: duration({ max: 60_000 })
    .optional()
    .describe(
      "round trip of the path: each direction is delayed by half of it, and losses are repaired in its time. Without it nothing is added, and a loss is reckoned with a round trip of zero",
    ),
  engine: choice(["auto", "kernel", "model"])
    .default("auto")
    .describe(
      "who loses the segments: kernel drops real ones, with nftables; model works out what that would do; auto is the kernel where nothing but loss is asked for and it is permitted, and the model otherwise",
    ),
  leg: choice(["client", "upstream"])
    .default("client")
    .describe(
      "which segments the kernel drops: those between clients and the proxy, or those between the proxy and its upstreams; the model has one path for both",
    ),
  congestion: choice(CONGESTION)
    .default("cubic")
    .describe(
      "how the window reacts to losses: cubic as Linux does by default, reno, or none, as BBR within its bounds",
    ),
  initial_window: count({ min: 1, max: 1000 }).default(10).describe("segments of a window that begins"),
  mss: size({ min: 64, max: 65_495 }).prefault("1448B").describe("bytes of a full segment"),
  min_rto: duration({ min: 1 })
    .prefault("200ms")
    .describe("what a retransmission timeout is longer than the round trip, at least"),
  max_rto: duration({ min: 1 }).prefault("120s").describe("what a retransmission timeout doubles up to"),
  tick: duration({ max: 100 })
    .prefault("4ms")
    .describe(
      "how coarse timers are, which makes a timeout up to an eighth late as on a kernel of 250 Hz; 0ms makes them exact",
    ),
  delayed_ack: duration()
    .prefault("40ms")
    .describe("how long the acknowledgement of a lone segment waits for another, or for bytes the other way"),
  idle_restart: flag()
    .default(true)
    .describe("whether the window falls back to the initial one when nothing was sent"),
  give_up: duration({ min: 1 })
    .prefault("924.6s")
    .describe("reset the connection when retransmissions go unanswered for so long (tcp_retries2)"),
  handshake: flag()
    .default(true)
    .describe("whether a new connection takes a round trip, and its SYN and the answer to it can be lost"),
  window: size({ min: 1024 })
    .prefault("4MiB")
    .describe("bytes that may be under way in each direction before the sender is slowed down"),
});
type Params = z.infer<typeof params>;
type Effect = "lost" | "resent" | "probed" | "timed_out" | "syn_lost" | "gave_up" | "dropped";
type PacketLossScope = Scope<Params, Effect, undefined>;

/** Which draws of the connection a purpose has; each has a generator of its own, so that none shifts another's. */
const PURPOSE = {
  upstream: { bytes: 0, acks: 1 },
  downstream: { bytes: 2, acks: 3 },
  link: 4,
  syn: 5,
  synAnswer: 8,
  timers: { upstream: 6, downstream: 7 },
} as const;

const NO_LOSSES: LossProcess = { lost: () => false };

class PacketLoss implements ConnectionFault {
  readonly #scope: PacketLossScope;
  readonly #connection: ConnectionInfo;
  readonly #key: DrawKey;
  readonly #since: Millis;
  readonly #stages: Partial<Record<Direction, LossyStage>> = {};
  #handshake: Handshake | null = null;

  constructor(scope: PacketLossScope, connection: ConnectionInfo) {
    this.#scope = scope;
    this.#connection = connection;
    // The two directions run each at its own pace: from one generator they would take each other's draws.
    this.#key = { high: scope.random.integer(2 ** 32), low: scope.random.integer(2 ** 32) };
    this.#since = scope.now();
  }

  /**
   * The kernel has accepted already, so the handshake can delay nothing but the dialling; the client notices at its
   * first byte. Asked again after an update, it answers for the same handshake.
   */
  accepted(): GateVerdict {
    const { params: current } = this.#scope;
    if (!current.handshake) return pass;
    if (this.#handshake === null) {
      this.#handshake = handshake(
        this.#losses(PURPOSE.syn, "upstream"),
        this.#losses(PURPOSE.synAnswer, "downstream"),
        this.#scope.now(),
      );
      const { lost, late } = this.#handshake;
      if (lost > 0) {
        this.#scope.count("syn_lost", lost, {
          emulated: `SYN or its answer lost, attempts ${lost}, the last sent again after ${late / 1000} s`,
          late_ms: late,
        });
        this.#scope.delayed(late);
      }
    }
    const { late } = this.#handshake;
    const round = rttOf(current);
    return late + round > 0 ? hold(late + round) : pass;
  }

  connected(): GateVerdict {
    if (this.#handshake === null || this.#handshake.connected) return pass;
    this.#scope.count("gave_up", 1, { emulated: "no SYN was answered" });
    return reset;
  }

  stream(direction: Direction): StreamStage {
    const other = direction === "upstream" ? "downstream" : "upstream";
    const purposes = PURPOSE[direction];
    const timers = new Random(this.#key, PURPOSE.timers[direction], LANE.subject);
    const stage: LossyStage = new LossyStage(
      this.#scope,
      (witness) =>
        new SegmentPath({
          params: this.#scope.params,
          forward: this.#losses(purposes.bytes, direction),
          backward: this.#losses(purposes.acks, other),
          witness,
          luck: () => timers.unit(),
          warm: this.#connection.live || !this.#scope.params.handshake,
          carries: (now, lost) => {
            // The other stage's timer may be set for later than it should be now.
            if (this.#stages[other]?.carried(now, lost) === true) this.#connection.attend();
          },
        }),
    );
    this.#stages[direction] = stage;
    return stage;
  }

  /** A direction that the fault does not act in loses nothing, acknowledgements included. */
  #losses(purpose: number, direction: Direction): LossProcess {
    if (!this.#scope.acts(direction)) return NO_LOSSES;
    return new Losses({
      params: this.#scope.params,
      packets: new Random(this.#key, purpose, LANE.subject),
      link: () => new Random(this.#key, PURPOSE.link, LANE.subject),
      since: this.#since,
    });
  }

  readonly wakeAt = Infinity;
}

/** The bytes of one direction, held until the path says that they have arrived. */
class LossyStage implements StreamStage, Witness {
  readonly #scope: PacketLossScope;
  readonly #path: SegmentPath;
  readonly #queue = new ByteQueue();
  /** Bytes handed to the path, and those of them that have been passed on. */
  #written = 0;
  #emitted = 0;
  /** The end has been handed to the path, behind all bytes. */
  #ending = false;
  #over = false;

  constructor(scope: PacketLossScope, path: (witness: Witness) => SegmentPath) {
    this.#scope = scope;
    this.#path = path(this);
  }

  push(chunk: Buffer, out: Outlet): void {
    const { now } = out;
    this.#queue.add(chunk);
    this.#written += chunk.length;
    this.#path.advance(now);
    this.#path.write(chunk.length, now);
    this.#run(out);
  }

  end(out: Outlet): void {
    this.#path.advance(out.now);
    this.#ending = true;
    this.#path.write(1, out.now);
    this.#run(out);
  }

  wake(out: Outlet): void {
    this.#run(out);
  }

  /** Answers whether bytes that wait here may leave earlier for it. */
  carried(now: Millis, lost: boolean): boolean {
    return !this.#over && this.#path.carried(now, lost) && this.held > 0;
  }

  #run(out: Outlet): void {
    if (this.#over) return;
    this.#path.advance(out.now);
    const arrived = Math.min(this.#path.delivered, this.#written) - this.#emitted;
    this.#emitted += arrived;
    this.#queue.pour(out, arrived);
    if (this.#path.gaveUp) {
      this.#over = true;
      this.#scope.count("gave_up", 1, {
        emulated: `unanswered for ${formatDuration(this.#scope.params.give_up)}`,
      });
      out.sever(reset);
    } else if (this.#ending && this.#path.delivered > this.#written) {
      this.#over = true;
      out.end();
    }
  }

  release(out: Outlet): void {
    this.#over = true;
    this.#queue.pour(out);
  }

  get wakeAt(): Millis {
    if (this.#over) return Infinity;
    // The other direction may have found out that something arrived here; it is for this one to pass it on.
    return this.#news ? this.#path.reached : this.#path.due;
  }

  get #news(): boolean {
    const { delivered, gaveUp } = this.#path;
    return delivered > this.#emitted || gaveUp;
  }

  get held(): number {
    return this.#queue.length;
  }

  get capacity(): number {
    return this.#scope.params.window;
  }

  // -- what the path tells

  lost(segment: Segment): void {
    this.#scope.count("lost", 1, {
      emulated: "segment lost",
      at: segment.start,
      transmission: segment.transmissions,
    });
  }

  resent(segment: Segment, why: Resent, waited: Millis, attempt: number): void {
    const what = segment.arrived ? "acknowledgement lost" : "segment lost";
    // The probe for a lone segment waits as long as the timer would, and people know it by that name.
    const { params: current } = this.#scope;
    const known = why === "probe" && waited >= rttOf(current) + current.min_rto ? "timeout" : why;
    const how = {
      fast: "later ones had arrived, sent again after",
      probe: "tail loss probe after",
      timeout: "retransmission timeout",
    }[known];
    this.#scope.count(EFFECT[why], 1, {
      emulated: `${what}, ${how} ${Math.round(waited)} ms, attempt ${attempt}`,
      at: segment.start,
    });
  }

  late(by: Millis): void {
    this.#scope.delayed(inJournal(by));
  }
}

/** Of datagrams nothing is emulated: those that are lost are gone, and the others take half the round trip. */
function lossyLink(scope: PacketLossScope): DatagramFault {
  const key = { high: scope.random.integer(2 ** 32), low: scope.random.integer(2 ** 32) };
  const losses = (direction: Direction): LossProcess =>
    new Losses({
      params: scope.params,
      packets: new Random(key, PURPOSE[direction].bytes, LANE.subject),
      link: () => new Random(key, PURPOSE.link, LANE.subject),
      since: scope.now(),
    });
  const links = { upstream: losses("upstream"), downstream: losses("downstream") };
  return {
    datagram: (_payload, direction) => {
      const sent = scope.now();
      if (links[direction].lost(sent)) {
        scope.count("lost");
        return drop;
      }
      const { rtt } = scope.params;
      if (rtt === undefined) return pass;
      const left = (): Millis => sent + (scope.params.rtt ?? 0) / 2 - scope.now();
      return { do: "hold", for: rtt / 2, inOrder: true, left };
    },
  };
}

const EFFECT = { fast: "resent", probe: "probed", timeout: "timed_out" } as const satisfies Record<
  Resent,
  Effect
>;

export default defineFault({
  type: "packet_loss",
  summary:
    "Does to a TCP stream what lost segments do: retransmission timeouts, stalls and a flow that slows down, while every byte arrives in order; of datagrams on udp proxies it really loses its share.",
  perExchange: "latency",
  params,
  example: { type: "packet_loss", loss: "5%", rtt: "50ms" },
  effects: {
    lost: "segments or datagrams lost",
    resent: "segments sent again because later ones had arrived",
    probed: "segments sent again by a tail loss probe",
    timed_out: "segments sent again because the retransmission timer ran out",
    syn_lost: "attempts to connect that were lost",
    gave_up: "connections reset because nothing was answered any more",
    dropped: "segments that the kernel dropped",
  },
  entries: 16,
  directions: "both",
  subject: "connection",
  explain: (current) =>
    `${current.engine === "kernel" ? "drops" : "emulates a path that loses"} ${lossesOf(current)}` +
    (current.rtt === undefined
      ? current.engine === "kernel"
        ? `, on the way ${current.leg === "client" ? "between clients and the proxy" : "between the proxy and its upstreams"}`
        : ", and adds no delay of its own"
      : `, with a round trip of ${formatDuration(current.rtt)}: half of it is added to each direction`) +
    (current.congestion === "cubic" ? "" : `, congestion control ${current.congestion}`),
  check: ({ params: current }) => {
    const { unfit } = kernelWish(current, PLAIN);
    if (current.engine === "kernel" && unfit.length > 0)
      return {
        path: "engine",
        message: `the kernel knows no ${oneOf(unfit)}: take the model, or leave it to auto`,
      };
    if ((current.good_for === undefined) !== (current.bad_for === undefined))
      return {
        path: current.good_for === undefined ? "bad_for" : "good_for",
        message: "good_for and bad_for go together: give both or neither",
      };
    if (current.good_for !== undefined && current.burst !== 1)
      return {
        path: "burst",
        message: "bursts are counted in packets, or timed by good_for and bad_for, but not both",
      };
    return undefined;
  },
  kernel: (current) => kernelWish(current, PLAIN),
  connection: (scope, connection) => new PacketLoss(scope, connection),
  datagram: lossyLink,
});

const PLAIN = params.parse({ loss: "1%" });

function lossesOf({ loss, burst, good_for: good, bad_for: bad, bad_loss: badLoss, timing }: Params): string {
  if (good === undefined || bad === undefined)
    return `${formatRatio(loss)} of the segments${burst === 1 ? "" : ` in bursts of ${burst} on average`}`;
  const mean = timing === "drawn" ? " on average" : "";
  return (
    `${formatRatio(loss)} of the segments for ${formatDuration(good)}${mean}, ` +
    `then ${formatRatio(badLoss)} for ${formatDuration(bad)}${mean}`
  );
}
