/** A fuse: what burns down by time or by bytes, and the connection that it ends. */
import type { Millis } from "../core/clock.js";
import {
  pass,
  type ConnectionFault,
  type Hang,
  type Outlet,
  type Pass,
  type Sever,
  type StreamStage,
} from "./contract/index.js";
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

/** The scope of a fault that has one; without `after` it burns down at once. */
interface FuseScope {
  now(): Millis;
  readonly params: { readonly after?: Extent | undefined };
}

/**
 * A connection that a fuse ends: at the exact byte where bytes burn it down, by the clock where time does. Once it has
 * burnt down it has for good, even if parameters would give it more time.
 */
export abstract class FusedConnection implements ConnectionFault {
  readonly fuse: Fuse;
  readonly #scope: FuseScope;
  #over = false;

  constructor(scope: FuseScope) {
    this.#scope = scope;
    this.fuse = new Fuse(() => scope.params.after);
  }

  /** Books its end, once. */
  protected abstract book(): void;
  /** What that is, as parameters are now. */
  protected abstract get how(): Sever | Hang;

  /** It is not to be lit yet. */
  protected get waits(): boolean {
    return false;
  }

  get over(): boolean {
    return this.#over;
  }

  burnt(): Sever | Hang {
    if (!this.#over) {
      this.#over = true;
      this.book();
    }
    return this.how;
  }

  /** Both sides are connected now, so that both hear of the end: live connections and new ones alike. */
  opened(): Pass | Sever {
    return this.wake();
  }

  stream(): StreamStage {
    return new FusedStage(this);
  }

  get wakeAt(): Millis {
    return this.#over || this.waits ? Infinity : this.fuse.deadline;
  }

  wake(): Pass | Sever {
    if (this.waits || (!this.#over && this.fuse.left(this.#scope.now()) > 0)) return pass;
    const how = this.burnt();
    return how.do === "hang" ? pass : how;
  }
}

/** Its stage in one direction: lets bytes by until the fuse has burnt down, and then none any more. */
export class FusedStage implements StreamStage {
  readonly #of: FusedConnection;

  constructor(of: FusedConnection) {
    this.#of = of;
  }

  push(chunk: Buffer, out: Outlet): void {
    const { over, fuse } = this.#of;
    const left = over ? 0 : fuse.left(out.now);
    const passing = Math.min(chunk.length, left);
    fuse.pass(passing);
    if (passing > 0) out.emit(passing === chunk.length ? chunk : chunk.subarray(0, passing));
    if (passing < chunk.length) out.drop(chunk.length - passing);
    // At the exact byte, without waiting for another that may never come.
    if (left !== Infinity && passing === left) this.blow(out);
  }

  end(out: Outlet): void {
    const { over, fuse } = this.#of;
    if (!over && fuse.left(out.now) > 0) out.end();
    else this.blow(out);
  }

  protected blow(out: Outlet): void {
    const how = this.#of.burnt();
    if (how.do !== "hang") out.sever(how);
  }

  release(): void {
    // Nothing is ever held here.
  }

  readonly wakeAt = Infinity;
  readonly held = 0;
  readonly capacity = Infinity;
}
