/**
 * What a fleet needs of an engine: one value that changes by compare-and-set, immutable texts beside it, who is there, one
 * stream of entries, and a clock. An adapter holds no decisions of its own; it says what the engine said, or why it could not.
 */
import type { Millis } from "../../core/clock.js";
import type { Heard, Presence } from "./presence.js";
import type { JournalBatch, KeptBatch } from "./journal.js";

export interface PlanRead {
  /** Null where nothing was ever written. */
  readonly bytes: Uint8Array | null;
  /** Grows with each write; 0 where nothing was ever written. */
  readonly serial: number;
}

/** The engine's clock was at `engine` at some moment between `sent` and `received` of this process's monotonic clock. */
export interface TimeSample {
  /** Milliseconds since 1970. */
  readonly engine: number;
  readonly sent: Millis;
  readonly received: Millis;
}

export interface Announced extends TimeSample {
  /**
   * The presence of another life that had taken the place of this daemon's own: somebody else goes by its name. Null where none had, and
   * for the first one of a life, which takes the place of whatever is there.
   */
  readonly over: Heard | null;
}

export type Hint = "plan" | "members" | "connected" | "disconnected";

export interface HintOptions {
  /** Whether to be told of each heartbeat of each daemon as well: only for as long as somebody waits for them. */
  readonly members?: boolean;
}

/**
 * All promises reject with an `EngineError`, and none waits longer than the adapter's own limit (5 s): what hangs is `away`.
 * An adapter connects by itself, again and again, for as long as it is open; nothing throws because it is not connected yet.
 */
export interface FleetEngine {
  /** For people: `nats://nats-1:4222`. Without credentials. */
  readonly name: string;
  readonly connected: boolean;
  /** From the one who decides, not from a copy: what was acknowledged before this was asked is in it. */
  read(): Promise<PlanRead>;
  /** Puts the plan if its serial is still this one, or whatever it is; answers the new one. Rejects with `conflict`. */
  put(bytes: Uint8Array, serial: number | "any"): Promise<number>;
  /** Plans that were, newest first: who switched what. */
  history(limit: number): Promise<readonly (PlanRead & { readonly time: number })[]>;
  /** Null if there is none of that hash, which is 64 hexadecimal digits. */
  text(sha256: string): Promise<Uint8Array | null>;
  putText(sha256: string, bytes: Uint8Array): Promise<void>;
  /** May be silent, and may call for nothing: whoever relies on it polls as well. Answers how to stop being called. */
  onHint(hear: (what: Hint) => void, options?: HintOptions): () => void;
  announce(me: Presence): Promise<Announced>;
  /** Says that this life of a daemon leaves, so that nobody waits for it to grow old. What another life has said stays. */
  leave(daemon: string, life: string): Promise<void>;
  /** One for each name. */
  members(): Promise<readonly Heard[]>;
  /** Resolves when the engine has it. Sent twice, it is there once or twice: readers drop doubles. */
  append(batch: JournalBatch): Promise<void>;
  /**
   * Batches from behind the cursor, from the oldest that is kept (null), or the newest so many of them, to the newest; with
   * `follow` it goes on until the signal aborts, and then ends without an error. Ends early with an `EngineError`; the reader
   * begins again behind its last cursor. A cursor that is not known any more reads from the oldest, see `KeptBatch.anew`.
   * Nothing is fetched faster than it is taken. What cannot be read as a batch comes as null.
   */
  tail(options: {
    readonly from: string | null | { readonly newest: number };
    readonly follow: boolean;
    readonly signal: AbortSignal;
  }): AsyncIterable<KeptBatch | null>;
  close(): Promise<void>;
}

/**
 * - `away`: nobody answered, or not in time. It may have been done all the same.
 * - `conflict`: somebody else wrote first; nothing was done. What he wrote may be lost with a leader that dies before others have it.
 * - `forbidden`: these credentials may not.
 * - `failed`: the engine said no; `message` has its words.
 */
export type EngineFailure = "away" | "conflict" | "forbidden" | "failed";

export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly failure: EngineFailure;

  constructor(failure: EngineFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** What an adapter is opened with. */
export interface EngineOptions {
  /** Bucket, stream and subject names come from it. */
  readonly fleet: string;
  /** As in squall.yaml, in the order to try them; all of one scheme. */
  readonly urls: readonly string[];
  /** Name of this daemon, or of the command. */
  readonly client: string;
  readonly credentials: EngineCredentials;
  readonly tls: EngineTls | null;
  /** Copies of plan and journal where the engine is a cluster; 1 on one machine. */
  readonly replicas: number;
  /** Monotonic. */
  readonly now: () => Millis;
  /** Of this machine, in milliseconds since 1970: to say of credentials that they are over, and for nothing else. */
  readonly wallTime: () => Millis;
  /** Sentences for the log, no secrets in them. */
  readonly log: (text: string) => void;
}

export interface EngineCredentials {
  /** A file of NATS credentials (`.creds`); its path. */
  readonly file: string | null;
  /** A file of the seed of a NATS user's nkey; its path. */
  readonly nkey: string | null;
  readonly user: string | null;
  readonly password: string | null;
  readonly token: string | null;
}

export interface EngineTls {
  /** Paths of PEM files. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly servername: string | null;
  readonly insecure: boolean;
  /** NATS: whether the server says nothing before TLS. */
  readonly handshakeFirst?: boolean;
}

/** An adapter's file exports `open`; it is imported when a fleet is configured, and not before. */
export type OpenEngine = (options: EngineOptions) => Promise<FleetEngine>;
