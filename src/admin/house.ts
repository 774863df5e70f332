/** What the admin API is given to work with. It reaches nothing behind the control layer but telemetry. */
import type { Control } from "../control.js";
import type { Clock } from "../core/clock.js";
import { SquallError } from "../core/errors.js";
import type { Facts } from "../core/events.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { Live } from "../live/live.js";
import type { Log } from "../telemetry/log.js";
import type { Journal } from "../telemetry/journal.js";
import type { EventStream } from "../telemetry/stream.js";
import type { AdminFleet } from "./fleet-house.js";
import type { Guests } from "./guests.js";
import type { Ledger } from "./ledger.js";
import type { Turnstile } from "./turnstile.js";

export interface AdminTelemetry extends Facts {
  readonly journal: Pick<Journal, "query" | "lastSeq" | "dropped" | "fileDropped" | "fileProblem">;
  readonly log: Pick<Log, "lost" | "problem">;
  readonly stream: Pick<EventStream, "subscribe" | "lastEventId">;
}

export interface AdminMetrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** What is kept over restarts. */
export interface AdminState {
  readonly status: {
    readonly file: string;
    readonly saved: boolean;
    readonly error: string | null;
    readonly writes: number;
    readonly failures: number;
    readonly unrestored: readonly { readonly what: string; readonly name: string; readonly why: string }[];
  };
  /** True once changes are kept no more, since the daemon is stopping. */
  readonly closed: boolean;
  /** Resolves when all that was changed is kept. */
  saved(): Promise<void>;
}

/** How full the daemon is; Infinity for what has no limit. */
export interface Occupancy {
  readonly slots: { readonly taken: number; readonly limit: number };
  readonly flows: { readonly taken: number; readonly limit: number };
  readonly budget: { readonly held: number; readonly limit: number };
}

export interface About {
  readonly version: string;
  readonly pid: number;
  /** Of the runtime, such as v20.20.2. */
  readonly node: string;
  /** Of the faults that are set on proxies themselves, toxics among them. */
  readonly seed: number;
}

export interface AdminLimits {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** Milliseconds for a head, and for a whole request, to arrive. */
  readonly requestTimeout: number;
  /** Milliseconds that a client may take nothing of an answer. */
  readonly answerTimeout: number;
  /** Bytes of bodies that arrive and of answers that leave, over all connections. */
  readonly underWay: number;
  /** Bytes that wait for those who read a stream, over all of them. */
  readonly streamsUnderWay: number;
  readonly connections: number;
  readonly streams: number;
  readonly polls: number;
  /**
   * Entries that may wait for one reader of the event stream, besides those it asked for again. All readers
   * share the entries, and thousands of connections may be reset within one turn.
   */
  readonly streamQueue: number;
  /** Characters of entries that may wait for one reader, those it asked for again among them. */
  readonly streamBytes: number;
  /** Milliseconds that an entry may wait for one reader. */
  readonly streamLag: number;
  /** Milliseconds between signs of life in the event stream. */
  readonly heartbeat: number;
}

export const ADMIN_LIMITS: AdminLimits = {
  bodyBytes: 2 ** 20,
  headerBytes: 64 * 1024,
  requestTimeout: 10_000,
  answerTimeout: 30_000,
  underWay: 48 * 2 ** 20,
  streamsUnderWay: 32 * 2 ** 20,
  connections: 512,
  streams: 64,
  polls: 256,
  streamQueue: 20_000,
  streamBytes: 16 * 2 ** 20,
  streamLag: 60_000,
  heartbeat: 15_000,
};

/** Where few descriptors are kept for the admin port, it is for fewer. */
export function guestLimits(descriptors: number): Pick<AdminLimits, "connections" | "polls" | "streams"> {
  const connections = Math.max(4, Math.min(ADMIN_LIMITS.connections, Math.floor(descriptors / 2)));
  return withRoom({ ...ADMIN_LIMITS, connections });
}

/** Those who stay never take all places: a quarter is for those who ask, get their answer and go. */
export function withRoom({
  connections,
  polls,
  streams,
}: Pick<AdminLimits, "connections" | "polls" | "streams">): Pick<
  AdminLimits,
  "connections" | "polls" | "streams"
> {
  return {
    connections,
    polls: Math.min(polls, Math.floor(connections / 2)),
    streams: Math.min(streams, Math.floor(connections / 4)),
  };
}

/** The CA whose certificates bots are shown, as far as it is no secret. */
export interface AdminAuthority {
  /** Opens it if nothing has needed it before. Throws SQ_INVALID_CA. */
  trusted(): Promise<{
    readonly ca: string;
    readonly bundle: string;
    readonly files: { readonly ca: string; readonly bundle: string } | null;
    readonly names: readonly string[];
    readonly subject: string;
    readonly fingerprint: string;
    readonly notAfter: number;
    warnings(): readonly string[];
  }>;
}

export interface House {
  readonly control: Control;
  readonly telemetry: AdminTelemetry;
  readonly metrics: AdminMetrics;
  readonly live: Pick<Live, "open" | "exchanges" | "trace" | "findings">;
  readonly occupancy: Occupancy;
  /** Missing where nothing is kept. */
  readonly state?: AdminState | null;
  /** Missing where the daemon belongs to no fleet. */
  readonly fleet?: AdminFleet | null;
  readonly authority: AdminAuthority;
  readonly clock: Clock;
  readonly about: About;
  readonly types: ReadonlyMap<string, AnyFaultType>;
  /** Resolves when the profiles have been read; null if they have. */
  readonly reading?: () => Promise<void> | null;
  readonly schemas: { readonly profile: object; readonly squall: object };
  /** Where the files of the dashboard are; nothing is read before a browser asks. */
  readonly page: URL;
  readonly limits: AdminLimits;
  readonly streams: Guests;
  readonly polls: Guests;
  readonly ledger: Ledger;
  /** Of streams: those who do not read take nothing from those who ask, get their answer and go. */
  readonly streamLedger: Ledger;
  readonly turnstile: Turnstile;
  /** When the admin port opened, on the monotonic clock. */
  readonly startedAt: number;
}

/**
 * Carries out a call, and sees to it that what it changes is kept before it is answered: what was answered would be there
 * after a crash. Throws SQ_STOPPING where it could not be kept any more.
 */
export async function keeping<T>(
  { method, keeps = method !== "get" }: { readonly method: string; readonly keeps?: boolean },
  { state }: House,
  handle: () => T | Promise<T>,
): Promise<T> {
  if (!keeps || state === null || state === undefined) return handle();
  if (state.closed)
    throw new SquallError("SQ_STOPPING", "the daemon is stopping: ask again after its restart");
  try {
    return await handle();
  } finally {
    // Also of a call that failed half-way, such as a populate.
    await state.saved();
  }
}
