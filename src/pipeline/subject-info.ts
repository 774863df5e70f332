/** What there is to know about a subject, whatever fault acts on it. */
import type { ExchangeName } from "../core/events.js";
import type { Sight } from "./sight.js";

/** What there is to know about a subject when it begins. */
export interface SubjectInfo {
  readonly bot: string;
  readonly connection: number;
  readonly client: string;
  /** Of HTTP exchanges, and of nothing else. */
  readonly exchange?: ExchangeKeys;
  /** Of DNS questions, and of nothing else. */
  readonly query?: QueryKeys;
  /** Of clients that speak TLS to the proxy, and of what they do. */
  readonly peer?: PeerKeys | null | undefined;
  /** The upstream that a health check asks: there is no client behind it. */
  readonly healthCheck?: string | undefined;
  /** Who has to bear it, as the journal names him, where that is not this subject itself. */
  readonly bearer?: Bearer | null | undefined;
  /** What is seen of it, while somebody watches. */
  readonly sight?: Sight | null | undefined;
  /** A fault has done something to this subject: those whose end tells of it as well are to remember its name. */
  struck?(fault: string): void;
}

/** Whom the journal names as hit. */
export interface Bearer {
  readonly bot: string;
  readonly connection: number;
  readonly exchange?: ExchangeName | undefined;
}

/** What a client that speaks TLS can be matched on: what its ClientHello says. */
export interface PeerKeys {
  /** The server's name that it asks for, in lower case; null if none. */
  readonly sni: string | null;
  /** The protocols that it offers. */
  readonly alpn: readonly string[];
}

/** What a question can be matched on, and what the journal calls it. */
export interface QueryKeys {
  readonly name: string;
  readonly type: string;
  readonly transport: string;
}

/** What an exchange can be matched on. */
export interface ExchangeKeys extends ExchangeName {
  /** As it was sent, with its query. */
  readonly target: string;
  /** Without the port, in lower case; empty if there is none. */
  readonly host: string;
  readonly upstream: string;
  /** The upstream's own; null until its head has come. */
  readonly status: number | null;
  /** The values of all fields of that name, in order. */
  headers(name: string): readonly string[];
  /** The values of all parameters of that name, decoded, in order. */
  queries(name: string): readonly string[];
  /** While its head is judged: its body, if all of it came with the head, as a view that nobody may keep; null if it is not known. */
  bodyAhead?(): Buffer | null;
}
