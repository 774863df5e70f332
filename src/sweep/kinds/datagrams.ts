/** What can happen to datagrams, and to DNS queries. */
import type { Expectation, Kind } from "./kind.js";

const GO_ON: Expectation = { done: "once", told: "nothing", next: "go on" };
const REPEAT: Expectation = { done: "never", told: "failure", next: "repeat" };

const always = (): boolean => true;

const answers = ({ datagrams }: { readonly datagrams: { readonly down: number } }): boolean =>
  datagrams.down > 0;

/** Each direction is counted by itself. */
export const UDP_KINDS: readonly Kind<"udp">[] = [
  {
    name: "lost",
    protocol: "udp",
    what: "What the client sends is lost.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "packet_loss", params: { loss: "100%", direction: "upstream", engine: "model" } }],
    expects: { done: "never", told: "nothing", next: "repeat" },
  },
  {
    name: "answer-lost",
    protocol: "udp",
    what: "What the upstream sends is lost.",
    preset: "quick",
    where: "where the upstream sent something",
    applies: answers,
    blows: () => [
      { type: "packet_loss", params: { loss: "100%", direction: "downstream", engine: "model" } },
    ],
    expects: { done: "once", told: "nothing", next: "repeat if safe or keyed" },
  },
  {
    name: "twice",
    protocol: "udp",
    what: "What the client sends arrives twice.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "duplicate", params: { direction: "upstream" } }],
    expects: { ...GO_ON, done: "twice" },
  },
  {
    name: "answer-twice",
    protocol: "udp",
    what: "What the upstream sends arrives twice.",
    preset: "default",
    where: "where the upstream sent something",
    applies: answers,
    blows: () => [{ type: "duplicate", params: { direction: "downstream" } }],
    expects: GO_ON,
  },
  {
    name: "swapped",
    protocol: "udp",
    what: "What the client sends is overtaken by what it sends next.",
    preset: "default",
    where: "with two datagrams of the client",
    applies: ({ datagrams }) => datagrams.up > 1,
    blows: () => [{ type: "reorder", params: { share: "100%", by: 1, direction: "upstream" } }],
    expects: GO_ON,
  },
];

export const DNS_KINDS: readonly Kind<"dns">[] = [
  {
    name: "nxdomain",
    protocol: "dns",
    what: "The answer is that there is no such name.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "dns_rcode", params: { rcode: "nxdomain" } }],
    expects: { ...REPEAT, told: "untruth" },
  },
  {
    name: "servfail",
    protocol: "dns",
    what: "The server says that it failed.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "dns_rcode", params: { rcode: "servfail" } }],
    expects: REPEAT,
  },
  {
    name: "silent",
    protocol: "dns",
    what: "Nobody answers.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "dns_drop", params: {} }],
    expects: REPEAT,
  },
  {
    name: "truncated",
    protocol: "dns",
    what: "For 3 s answers over UDP say that they do not fit, and nobody answers over TCP.",
    preset: "default",
    where: "over UDP",
    applies: ({ transport }) => transport === "udp",
    // The fault must meet the query over TCP as well.
    to: "all",
    blows: () => [{ type: "dns_truncate", params: { tcp: "drop", for: "3s" } }],
    expects: REPEAT,
  },
  {
    name: "wrong-address",
    protocol: "dns",
    what: "The answer is an address at which nobody is.",
    preset: "default",
    where: "for addresses",
    applies: ({ type }) => type === "A" || type === "AAAA",
    blows: () => [{ type: "dns_answer", params: { mode: "unreachable" } }],
    expects: { done: "never", told: "untruth", next: "repeat" },
  },
  {
    name: "no-address",
    protocol: "dns",
    what: "The answer has no address in it.",
    preset: "default",
    where: "for addresses",
    applies: ({ type }) => type === "A" || type === "AAAA",
    blows: () => [{ type: "dns_answer", params: { mode: "empty" } }],
    expects: { done: "never", told: "untruth", next: "repeat" },
  },
  {
    name: "ttl-0",
    protocol: "dns",
    what: "The answers may not be kept: their time to live is 0.",
    preset: "default",
    where: "everywhere",
    applies: always,
    to: "all",
    blows: () => [{ type: "dns_answer", params: { mode: "ttl", ttl: "0s" } }],
    expects: GO_ON,
  },
];
