/** What is tried in turn against the books of udp and dns proxies: every fault type that acts on datagrams, on questions, or on their ports. */
import type { FaultInput } from "../../../src/index.js";

/** What both ends counted of datagrams in a round; `upstream` and `downstream` say which way. */
export interface Datagrams {
  readonly sent: Readonly<Record<"upstream" | "downstream", number>>;
  readonly got: Readonly<Record<"upstream" | "downstream", number>>;
  /** Bytes of answers that did not come as they were sent; where nothing is lost and all keep their order. */
  readonly spoilt: number;
}

export interface DatagramSetting {
  readonly fault: FaultInput;
  /** What the fault must have booked, for what both ends counted; for all besides datagrams more and less. */
  readonly books?: (seen: Datagrams) => Readonly<Record<string, number>>;
  /** Nobody listens, so what clients send comes nowhere. */
  readonly closed?: true;
  /** It is sent where nobody is: sent on, but got by nobody. */
  readonly astray?: true;
}

/** What both ends counted of questions in a round. */
export interface Questions {
  readonly asked: Readonly<Record<"udp" | "tcp", number>>;
  readonly heard: number;
  readonly answers: number;
  /** Questions over TCP whose connection was reset. */
  readonly resets: number;
}

export interface QuestionSetting {
  readonly fault: FaultInput;
  readonly books: (seen: Questions) => Readonly<Record<string, number>>;
  /** Replies do not look like what they are counted as. */
  readonly spoils?: true;
  readonly closed?: true;
}

const half = { when: { probability: "50%" } } as const;

export const DATAGRAM_SETTINGS: readonly DatagramSetting[] = [
  { fault: { type: "bandwidth", rate: "50KB/s", queue: "400B" } },
  { fault: { type: "bandwidth", rate: "100KB/s", direction: "upstream", ...half } },
  {
    fault: { type: "corrupt", rate: "2%", direction: "downstream" },
    books: ({ spoilt }) => ({ corrupted: spoilt }),
  },
  {
    fault: { type: "corrupt", rate: "5%", direction: "downstream", ...half },
    books: ({ spoilt }) => ({ corrupted: spoilt }),
  },
  { fault: { type: "duplicate", share: "50%" } },
  { fault: { type: "duplicate", copies: 2, gap: "2ms", direction: "downstream", ...half } },
  {
    fault: { type: "latency", delay: "3ms", jitter: "2ms", direction: "both" },
    books: ({ got }) => ({ delayed: got.upstream + got.downstream }),
  },
  {
    fault: { type: "latency", delay: "2ms", direction: "upstream" },
    books: ({ got }) => ({ delayed: got.upstream }),
  },
  { fault: { type: "packet_loss", loss: "20%", engine: "model" } },
  {
    fault: { type: "packet_loss", loss: "30%", burst: 3, engine: "model", direction: "downstream", ...half },
  },
  { fault: { type: "reorder", share: "30%", within: "20ms" } },
  { fault: { type: "down", refuse: "rst" }, closed: true },
  { fault: { type: "dns_rcode", rcode: "servfail", on: "upstream" }, closed: true },
  { fault: { type: "dns_rcode", rcode: "nxdomain", on: "upstream", as: "close" }, closed: true },
  {
    fault: { type: "dns_answer", mode: "fixed", ips: ["127.0.0.9"], on: "upstream" },
    closed: true,
    astray: true,
  },
  { fault: { type: "dns_delay", delay: "3ms", on: "upstream" } },
];

export const QUESTION_SETTINGS: readonly QuestionSetting[] = [
  {
    fault: { type: "dns_rcode", rcode: "servfail", ...half },
    books: ({ asked, heard }) => ({ answered: asked.udp + asked.tcp - heard }),
  },
  {
    fault: { type: "dns_rcode", rcode: "refused" },
    books: ({ asked }) => ({ answered: asked.udp + asked.tcp }),
  },
  {
    fault: { type: "dns_drop", ...half },
    books: ({ asked, heard }) => ({ dropped: asked.udp + asked.tcp - heard }),
  },
  {
    fault: { type: "dns_delay", delay: "3ms", jitter: "2ms" },
    books: ({ answers }) => ({ delayed: answers }),
  },
  { fault: { type: "dns_truncate" }, books: ({ asked }) => ({ truncated: asked.udp }) },
  {
    fault: { type: "dns_truncate", tcp: "drop" },
    books: ({ asked }) => ({ truncated: asked.udp, dropped: asked.tcp }),
  },
  {
    fault: { type: "dns_truncate", tcp: "reset" },
    books: ({ asked, resets }) => ({ truncated: asked.udp, reset: resets }),
  },
  {
    fault: { type: "dns_answer", mode: "fixed", ips: ["127.0.0.9"] },
    books: ({ asked, heard }) => ({ answered: asked.udp + asked.tcp - heard }),
  },
  {
    fault: { type: "dns_answer", mode: "empty", ...half },
    books: ({ asked, heard }) => ({ answered: asked.udp + asked.tcp - heard }),
  },
  {
    fault: { type: "dns_garble", mode: "wrong_id" },
    books: ({ answers }) => ({ wrong_id: answers }),
    spoils: true,
  },
  {
    fault: { type: "dns_garble", mode: "wrong_question" },
    books: ({ answers }) => ({ wrong_question: answers }),
    spoils: true,
  },
  {
    fault: { type: "dns_garble", mode: "random" },
    books: ({ answers }) => ({ random: answers }),
    spoils: true,
  },
  { fault: { type: "dns_garble", mode: "cut" }, books: () => ({}), spoils: true },
  { fault: { type: "down", refuse: "rst" }, books: () => ({}), closed: true },
];
