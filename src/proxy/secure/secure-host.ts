/** What a client that speaks TLS needs of its proxy, and what it tells it. */
import type { Socket } from "node:net";
import type { Millis } from "../../core/clock.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { CertificateProblem, Sever, Took } from "../../faults/contract/index.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { HeldBudget } from "../../pipeline/budget.js";
import type { Overdue } from "../../pipeline/overdue.js";
import type { Front } from "./front.js";
import type { Peer } from "./peer.js";
import type { Origin } from "../connection.js";
import type { HandshakeResult } from "./tally.js";

/** What becomes of a handshake. */
export interface Severable {
  readonly bot: string;
  /** Whose exchange is under way, if anybody's. */
  readonly bearer?: { readonly bot: string } | null | undefined;
  severed(how: Sever): void;
}

/** A client, as its proxy is told of it. */
export interface Newcomer {
  readonly connection: number;
  readonly client: string;
  readonly bot: string;
  readonly origin: Origin;
  /** Null before its ClientHello. */
  readonly peer: Peer | null;
  readonly isOver: boolean;
  /** A fault has acted on its handshake. */
  readonly acted: boolean;
}

export interface SecureHost {
  readonly front: Front;
  readonly budget: HeldBudget;
  readonly overdue: Overdue | undefined;
  readonly faults: readonly ArmedFault[];
  /** The address that clients have dialled; null where they may have dialled any, and the kernel has to be asked. */
  readonly dialled: string | null;
  /** What rules call a client by its ClientHello; undefined for its address. */
  knownAs(peer: Peer): string | undefined;
  /** Goes on with a socket of plain bytes, or of TLS that passes through. */
  arrived(client: Newcomer, socket: Socket, peer: Peer | null): void;
  /** Its place is free, if nothing came of it. */
  left(client: Newcomer): void;
  failed(client: Newcomer, reason: ConnectionFailure, text: string): void;
  mistaken(client: Newcomer, error: unknown): void;
  /** Ends what became of it. */
  sever(client: Newcomer, how: Sever): void;
  /** Its handshake is over. */
  over(result: HandshakeResult): void;
  /** Whether all handshakes are told of, and not only those on which a fault acted. */
  readonly recording: boolean;
  /** How it took what faults did to its handshake; where everything is recorded, how it took any. */
  took(client: Newcomer, testimony: HandshakeTestimony): void;
}

export interface HandshakeTestimony {
  readonly took: Took;
  /** What was wrong with the certificate that it was shown. */
  readonly problem: CertificateProblem | null;
  /** When it came. */
  readonly since: Millis;
  /** When it took it so. */
  readonly at: Millis;
  /** The names of the faults that acted on it. */
  readonly hits: readonly string[];
}
