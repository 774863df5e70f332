/** A fuse: what burns down by time or by bytes, and the stage that it ends. */
import type { Millis } from "../core/clock.js";
import type { Hang, Outlet, Sever, StreamStage } from "./contract/index.js";
import type { Extent } from "./params.js";

/**
 * Burns down with time or with bytes, from the moment it is lit: what cuts a connection "after 30s" or
 * "after 64KiB". The bytes of both directions count together.
 */
export class Fuse {
  #litAt: Millis | null = null;
  #bytes = 0;

  /** `after` answers the extent as it is now; undefined means at once. */
  constructor(private readonly after: () => Extent | undefined) {}

  light(now: Millis): void {
    this.#litAt ??= now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many more bytes may pass at this moment; 0 when it has burnt down. */
  left(now: Millis): number {
    this.light(now);
    const after = this.after();
    if (after === undefined) return 0;
    if (after.kind === "size") return Math.max(0, after.bytes - this.#bytes);
    return now < this.deadline ? Infinity : 0;
  }

  pass(bytes: number): void {
    this.#bytes += bytes;
  }

  get deadline(): Millis {
    const after = this.after();
    return after?.kind === "duration" && this.#litAt !== null ? this.#litAt + after.millis : Infinity;
  }
}

/** A stage that lets bytes by until the fuse has burnt down; then `burnt`, and nothing passes any more. */
export class FusedStage implements StreamStage {
  constructor(
    private readonly fuse: Fuse,
    private readonly burnt: (now: Millis) => Sever | Hang,
    /** True once it has burnt down for good, even if parameters would give it more time. */
    private readonly spent: () => boolean,
  ) {}

  push(chunk: Buffer, out: Outlet): void {
    const left = this.spent() ? 0 : this.fuse.left(out.now);
    const passing = Math.min(chunk.length, left);
    this.fuse.pass(passing);
    if (passing > 0) out.emit(passing === chunk.length ? chunk : chunk.subarray(0, passing));
    if (passing < chunk.length) out.drop(chunk.length - passing);
    // At the exact byte, without waiting for another that may never come.
    if (left !== Infinity && passing === left) this.#blow(out);
  }

  end(out: Outlet): void {
    if (!this.spent() && this.fuse.left(out.now) > 0) out.end();
    else this.#blow(out);
  }

  #blow(out: Outlet): void {
    const how = this.burnt(out.now);
    if (how.do !== "hang") out.sever(how);
  }

  release(): void {
    // Nothing is ever held here.
  }

  readonly wakeAt = Infinity;
  readonly held = 0;
  readonly capacity = Infinity;
}
