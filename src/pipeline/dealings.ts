/** What one bot does on one proxy while somebody watches, in plain numbers, and how its handshakes went. */
import type { Millis } from "../core/clock.js";

export interface HandshakeSeen {
  readonly sni: string | null;
  readonly version: string | null;
  readonly alpn: string | null;
  readonly problem: string | null;
  readonly took: string | null;
}

/** What one bot has done on one proxy since somebody watches, in plain numbers. */
export class Dealings {
  readonly proxy: string;
  readonly bot: string;
  total = 0;
  failed = 0;
  hits = 0;
  /** Exchanges and questions that are under way. */
  pending = 0;
  lastAt: Millis | null = null;

  constructor(proxy: string, bot: string) {
    this.proxy = proxy;
    this.bot = bot;
  }

  begins(now: Millis): void {
    this.total++;
    this.pending++;
    this.lastAt = now;
  }

  ends(now: Millis, failed: boolean, hit: boolean): void {
    this.pending--;
    this.lastAt = now;
    if (failed) this.failed++;
    if (hit) this.hits++;
  }
}
