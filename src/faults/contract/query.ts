/** The seam of queries: those of a dns proxy's clients, and those for the names of a proxy's own upstreams. */
import type { Drop } from "./datagram.js";
import type { Answer } from "./exchange.js";
import type { Hang, Hold, Pass, Sever } from "./verdicts.js";

export interface Question {
  /** In lower case, without the last dot. */
  readonly name: string;
  /** `A`, `AAAA`, `TYPE65`. */
  readonly type: string;
  /** `internal` asks for an upstream's name, and has no client. */
  readonly transport: "udp" | "tcp" | "internal";
  readonly bot: string;
}
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  /** Seconds. */
  readonly ttl: number;
  /** As in a zone file: `10.0.0.1`, `other.example`. */
  readonly data: string;
}
export interface DnsReply {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, `FORMERR`, `NOTIMP`. */
  readonly rcode: string;
  /** The TC bit: the client is to ask again over TCP. */
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
}
/** Over TCP a dropped question is one that nobody answers, and a sever ends the connection. */
export type QueryVerdict = Pass | Hold | Drop | Sever | { readonly do: "reply"; readonly reply: DnsReply };

export interface QueryFault {
  /** Before anybody is asked. */
  query?(): QueryVerdict;
  reply?(reply: DnsReply): QueryVerdict;
  rewrite?(reply: DnsReply): DnsReply;
  /** The reply as it is on the wire: cut short, under a wrong id, or garbled. Not for `internal` questions. */
  garble?(message: Buffer): Buffer;
  /** Of `internal` questions: the name was not resolved, and this is what the client gets that waits for it. */
  unresolved?(): Pass | Hang | Sever | Answer;
  released?(): void;
}
