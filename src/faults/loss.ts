/**
 * Which packets are lost: each by itself, in bursts of a mean length, or while a link is bad. Shared by whatever loses
 * packets - segments of a stream, their acknowledgements, datagrams.
 */
import type { Millis } from "../core/clock.js";
import type { Random } from "../core/random.js";

/** Asked once for each packet, in the order in which they are sent; `at` never goes back. */
export interface LossProcess {
  lost(at: Millis): boolean;
}

export interface LossParams {
  /** Share of the packets; with `good_for` and `bad_for`, of those in good times. */
  readonly loss: number;
  /** Mean number lost in a row; 1 means that each is lost or not by itself. */
  readonly burst: number;
  readonly good_for?: Millis | undefined;
  readonly bad_for?: Millis | undefined;
  /** Share of the packets lost in bad times. */
  readonly bad_loss: number;
  readonly timing: "drawn" | "fixed";
}

/**
 * Gilbert's model, by its two figures that people can measure: the share lost (L) and the mean length of a run (b).
 * A run ends with r = 1/b and begins with p = r L / (1 - L), so that the share p / (p + r) is L. Not netem's
 * "correlation", which averages uniforms and so loses far less than it was told to.
 *
 * A run does not outlast a pause: else a lone segment, sent again after ever longer timeouts, would be lost once for each
 * packet that the run has left, and a burst of a few milliseconds would take minutes.
 *
 * One draw for each packet, whatever the parameters, so that a change of them shifts no later draw.
 */
export class PacketLosses implements LossProcess {
  #lost = false;
  #last: Millis = -Infinity;

  constructor(
    private readonly random: Random,
    private readonly params: () => Pick<LossParams, "loss" | "burst">,
  ) {}

  lost(at: Millis): boolean {
    const { loss, burst } = this.params();
    const draw = this.random.unit();
    const alone = burst <= 1 || at - this.#last > PAUSE;
    this.#last = at;
    this.#lost = draw < (alone ? loss : this.#lost ? stay(loss, burst) : enter(loss, burst));
    return this.#lost;
  }
}

/** Longer than a burst of any link lasts, and shorter than any retransmission timeout of Linux. */
const PAUSE: Millis = 100;

/** Whether a run begins; where the share asked for needs more than every chance, `stay` makes up for it. */
function enter(loss: number, burst: number): number {
  return loss >= 1 ? 1 : Math.min(1, loss / (burst * (1 - loss)));
}

/** Whether a run goes on. Beyond L = b / (b + 1) runs must be longer than b, or the share could not be kept. */
function stay(loss: number, burst: number): number {
  return Math.max(1 - 1 / burst, loss <= 0 ? 0 : 2 - 1 / loss);
}

/**
 * Good and bad times of a link that come and go whether packets are sent or not: ten packets of a sparse stream may
 * last ten seconds, in which a burst counted in packets would never end.
 */
export class LinkTimes {
  #bad = false;
  #until: Millis;

  /** All that is asked of links with the same randomness and beginning agrees on when they were bad. */
  constructor(
    private readonly random: Random,
    private readonly params: () => Pick<LossParams, "good_for" | "bad_for" | "timing">,
    since: Millis,
  ) {
    this.#until = since + this.#length();
  }

  bad(at: Millis): boolean {
    while (this.#until <= at) {
      this.#bad = !this.#bad;
      this.#until += this.#length();
    }
    return this.#bad;
  }

  #length(): Millis {
    const { good_for: good = Infinity, bad_for: bad = 0, timing } = this.params();
    const mean = this.#bad ? bad : good;
    // A link that is neither good nor bad for any time would have the loop above run for ever.
    return Math.max(MOMENT, timing === "fixed" ? mean : -mean * Math.log(1 - this.random.unit()));
  }
}

const MOMENT: Millis = 0.001;

/** Losses as the parameters ask for them at the moment: bursts counted in packets, or times of the link. */
export class Losses implements LossProcess {
  readonly #packets: PacketLosses;
  readonly #timed: PacketLosses;
  #times: LinkTimes | null = null;

  constructor(
    private readonly parts: {
      readonly params: LossParams;
      readonly packets: Random;
      /** Makes the generator of the link's times, the same for all that share the link. */
      readonly link: () => Random;
      readonly since: Millis;
    },
  ) {
    const { params, packets } = parts;
    this.#packets = new PacketLosses(packets, () => params);
    let loss = 0;
    this.#timed = new PacketLosses(packets, () => ({ loss, burst: 1 }));
    this.#lossNow = (bad) => {
      loss = bad ? params.bad_loss : params.loss;
    };
  }

  readonly #lossNow: (bad: boolean) => void;

  lost(at: Millis): boolean {
    const { params, link, since } = this.parts;
    if (params.good_for === undefined || params.bad_for === undefined) {
      this.#times = null;
      return this.#packets.lost(at);
    }
    this.#times ??= new LinkTimes(link(), () => params, since);
    this.#lossNow(this.#times.bad(at));
    return this.#timed.lost(at);
  }
}
