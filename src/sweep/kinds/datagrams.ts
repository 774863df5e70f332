/** What can happen to datagrams, and to DNS queries. */
import type { Expectation, Kind } from "./kind.js";

const GO_ON: Expectation = { done: "once", told: "nothing", next: "go on" };
const REPEAT: Expectation = { done: "never", told: "failure", next: "repeat" };

const always = (): boolean => true;

export const UDP_KINDS: readonly Kind<"udp">[] = [
  {
    name: "lost",
    protocol: "udp",
    what: "The datagram is lost.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "packet_loss", params: { loss: "100%", direction: "both", engine: "model" } }],
    expects: { done: "never", told: "nothing", next: "repeat" },
  },
  {
    name: "twice",
    protocol: "udp",
    what: "The datagram comes twice.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "duplicate", params: { direction: "both" } }],
    expects: { ...GO_ON, done: "twice" },
  },
  {
    name: "swapped",
    protocol: "udp",
    what: "The datagram is overtaken by the next one of its flow.",
    preset: "default",
    where: "with two datagrams in a direction",
    applies: ({ datagrams }) => datagrams.up > 1 || datagrams.down > 1,
    blows: () => [{ type: "reorder", params: { share: "100%", by: 1, direction: "both" } }],
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
    what: "The answer over UDP says that it does not fit, and nobody answers over TCP.",
    preset: "default",
    where: "over UDP",
    applies: ({ transport }) => transport === "udp",
    // The fault must meet the query over TCP as well.
    to: "all",
    blows: () => [{ type: "dns_truncate", params: { tcp: "drop" } }],
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
