/** The seam of bytes: one interface for TCP streams and for HTTP bodies, in either direction. */
import type { Millis } from "../../core/clock.js";
import type { Direction } from "./scope.js";
import type { Sever } from "./verdicts.js";

export interface StreamInfo {
  readonly direction: Direction;
  /** What is pushed: all bytes of a connection, or only the heads or the payload of its HTTP messages. */
  readonly carries: "wire" | "head" | "body";
}

/**
 * A stage is handed each chunk in order and owns it until it emits, drops or releases it.
 *
 * The pump checks after each call that bytes in + inserted = bytes out + dropped + held. A stage
 * that forgets a byte fails its first test, not its first user.
 */
export interface StreamStage {
  push(chunk: Buffer, out: Outlet): void;
  /** The source has finished. Default: `out.end()`, at once. Held bytes must go first. */
  end?(out: Outlet): void;
  /** `wakeAt` has come, or a timer was early: check, do not assume. */
  wake?(out: Outlet): void;
  /** Parameters were assigned anew (not: a ramp moved on). Default: `wake`. */
  assigned?(out: Outlet): void;
  /** When to call `wake`; Infinity when idle. The pump owns the only timer. */
  readonly wakeAt: Millis;
  /** Bytes kept back. While they number `capacity` or more the pump does not read from the source. */
  readonly held: number;
  readonly capacity: number;
  /** In how many pieces they are kept, where that may be many: each takes up memory beside its bytes. */
  readonly pieces?: number;
  /**
   * The stage is being taken out of a live stream: hand over each held byte, in order, now.
   * An end that was held back is passed on by the pump.
   */
  release(out: Outlet): void;
}

export interface Outlet {
  readonly now: Millis;
  emit(chunk: Buffer): void;
  /** Bytes that were pushed and will never be emitted. */
  drop(bytes: number): void;
  /** Bytes that were never pushed: duplicates, garbage. */
  insert(chunk: Buffer): void;
  /** The end of the stream (FIN or RST, as it came) to the next stage. Emitting afterwards is a bug. */
  end(): void;
  sever(how: Sever): void;
}
