/** What it takes to dial an upstream, whichever way its address is found. */
import type { Clock } from "../../core/clock.js";
import type { Keepalive } from "../../core/stream-options.js";
import type { Asking } from "../../pipeline/party.js";
import type { Descriptors } from "../descriptors.js";
import type { AddressBook } from "./address-book.js";
import type { TlsOptions } from "./attempt.js";
import type { Named } from "./intercepted.js";
import type { Take } from "./reader.js";
import type { Resolver } from "./resolver.js";

export interface Dialling {
  cancel(): void;
}

/** The time-out of the dialling, for a look-up that is to take as long as a fault says. */
export interface LookUpTimer {
  pause(): void;
  /** Begins anew. */
  resume(): void;
}

/** Looks a name up in the resolver's place. Calls `done` once, never from within this call, unless cancelled first. */
export type LookUp = (
  host: string,
  asking: Asking | null,
  timer: LookUpTimer,
  done: (named: Named) => void,
) => Dialling;

export interface DialOptions {
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** Milliseconds for all addresses together. */
  readonly timeout: number;
  /** What becomes of the bytes, from the moment of the connection. */
  readonly take: Take;
  readonly tls?: TlsOptions | null;
  readonly lookUp?: LookUp | undefined;
  /** On whose behalf; null for nobody's. */
  readonly asking?: Asking | null;
  readonly descriptors?: Descriptors | undefined;
  readonly keepalive: Keepalive;
  /** What is known of the upstream's addresses, and which of its connections this is: it begins with another one each time. */
  readonly book?: AddressBook | undefined;
  readonly turn?: number;
}
