/** The round trip as a sender knows it, and the retransmission timeout that follows: RFC 6298 as Linux does it (tcp_rtt_estimator). */
import type { Millis } from "../../core/clock.js";

export class RttEstimator {
  srtt: Millis | null = null;
  min: Millis = Infinity;
  /** Four times the mean deviation, as Linux keeps it. */
  #deviation: Millis = 0;
  /** Four times the variation that the timeout is made of; it never falls below the least timeout. */
  #variation: Millis = 0;
  #variationMax: Millis = 0;
  /** Once for each round trip the variation may fall. */
  #roundEnds = 0;

  /** A connection that has been in use: its timeout has settled at the round trip plus the least timeout. */
  warm(rtt: Millis, leastTimeout: Millis): void {
    this.srtt = rtt;
    this.min = rtt;
    this.#deviation = 0;
    this.#variation = leastTimeout;
    this.#variationMax = leastTimeout;
  }

  sample(rtt: Millis, leastTimeout: Millis, acked: number, sent: number): void {
    this.min = Math.min(this.min, rtt);
    if (this.srtt === null) {
      this.srtt = rtt;
      this.#deviation = 2 * rtt;
      this.#variation = Math.max(this.#deviation, leastTimeout);
      this.#variationMax = this.#variation;
      this.#roundEnds = sent;
      return;
    }
    const error = rtt - this.srtt;
    this.srtt += error / 8;
    const grown = Math.abs(error) - this.#deviation / 4;
    // A round trip that became shorter must not make the timeout longer: Linux lets it in by an eighth only.
    this.#deviation += error < 0 && grown > 0 ? grown / 8 : grown;
    if (this.#deviation > this.#variationMax) {
      this.#variationMax = this.#deviation;
      this.#variation = Math.max(this.#variation, this.#variationMax);
    }
    if (acked <= this.#roundEnds) return;
    if (this.#variationMax < this.#variation) this.#variation -= (this.#variation - this.#variationMax) / 4;
    this.#roundEnds = sent;
    this.#variationMax = leastTimeout;
  }

  /** The timeout before any back-off. */
  timeout(leastTimeout: Millis): Millis {
    return this.srtt === null
      ? Math.max(1000, leastTimeout)
      : this.srtt + Math.max(this.#variation, leastTimeout);
  }
}
