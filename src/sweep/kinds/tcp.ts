/**
 * What can happen to a TCP connection, by its place in the conversation: at its begin, after the client's first message, in the middle
 * of the answers, at the end. Where these are is known in bytes from the fault-free runs.
 */
import type { Expectation, Kind } from "./kind.js";

type TcpKind = Kind<"tcp">;

const UNKNOWN: Expectation = { done: "once", told: "failure", next: "repeat if safe or keyed" };
const NOTHING_DONE: Expectation = { done: "never", told: "failure", next: "repeat" };

const always = (): boolean => true;
const answers = ({ bytes }: { readonly bytes: { readonly down: number } }): boolean => bytes.down > 0;
const longAnswers = ({ bytes }: { readonly bytes: { readonly down: number } }): boolean => bytes.down > 1;
const half = (bytes: number): string => `${Math.floor(bytes / 2)}B`;

export const TCP_KINDS: readonly TcpKind[] = [
  {
    name: "reset",
    protocol: "tcp",
    what: "The connection is reset as soon as it is made.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "reset", params: {} }],
    expects: NOTHING_DONE,
  },
  {
    name: "refused",
    protocol: "tcp",
    what: "Nobody listens in the first 2 s.",
    preset: "default",
    where: "everywhere",
    applies: always,
    to: "all",
    blows: () => [{ type: "down", params: { existing: "keep", refuse: "rst", for: "2s" } }],
    expects: NOTHING_DONE,
  },
  {
    name: "silent",
    protocol: "tcp",
    what: "The connection is made, and nothing moves on it in either direction.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "blackhole", params: {} }],
    expects: NOTHING_DONE,
  },
  {
    name: "lost",
    protocol: "tcp",
    what: "What the client sends arrives, and in place of the first byte of an answer it gets a reset.",
    preset: "quick",
    where: "where the upstream sent something",
    applies: answers,
    blows: () => [
      { type: "truncate", params: { after: "0B", direction: "downstream", silent: "wait", then: "reset" } },
    ],
    expects: UNKNOWN,
  },
  {
    name: "closed",
    protocol: "tcp",
    what: "What the client sends arrives, and in place of the first byte of an answer it gets the end.",
    preset: "default",
    where: "where the upstream sent something",
    applies: answers,
    blows: () => [
      { type: "truncate", params: { after: "0B", direction: "downstream", silent: "wait", then: "close" } },
    ],
    expects: UNKNOWN,
  },
  {
    name: "lost-silent",
    protocol: "tcp",
    what: "What the client sends arrives, and no byte of an answer ever comes.",
    preset: "default",
    where: "where the upstream sent something",
    applies: answers,
    blows: () => [
      { type: "truncate", params: { after: "0B", direction: "downstream", silent: "wait", then: "hang" } },
    ],
    expects: UNKNOWN,
  },
  {
    name: "cut",
    protocol: "tcp",
    what: "The connection is reset in the middle of what the upstream sends.",
    preset: "quick",
    where: "where it sent two bytes",
    applies: longAnswers,
    blows: ({ bytes }) => [
      { type: "truncate", params: { after: half(bytes.down), direction: "downstream", then: "reset" } },
    ],
    expects: UNKNOWN,
  },
  {
    name: "cut-closed",
    protocol: "tcp",
    what: "The connection ends in the middle of what the upstream sends, as if that were all.",
    preset: "default",
    where: "where it sent two bytes",
    applies: longAnswers,
    blows: ({ bytes }) => [
      { type: "truncate", params: { after: half(bytes.down), direction: "downstream", then: "close" } },
    ],
    expects: UNKNOWN,
  },
  {
    name: "cut-silent",
    protocol: "tcp",
    what: "What the upstream sends stops in the middle, and the connection stays open.",
    preset: "default",
    where: "where it sent two bytes",
    applies: longAnswers,
    blows: ({ bytes }) => [
      { type: "truncate", params: { after: half(bytes.down), direction: "downstream", then: "hang" } },
    ],
    expects: UNKNOWN,
  },
  {
    name: "request-cut",
    protocol: "tcp",
    what: "The connection is reset in the middle of what the client sends.",
    preset: "default",
    where: "where the client sent two bytes",
    applies: ({ bytes }) => bytes.up > 1,
    blows: ({ bytes }) => [
      { type: "truncate", params: { after: half(bytes.up), direction: "upstream", then: "reset" } },
    ],
    expects: { ...UNKNOWN, done: "never" },
  },
  {
    name: "end-reset",
    protocol: "tcp",
    what: "All answers come, and then the connection is reset in place of its end.",
    preset: "all",
    where: "where the upstream sent something",
    applies: answers,
    blows: ({ bytes }) => [
      { type: "truncate", params: { after: `${bytes.down}B`, direction: "downstream", then: "reset" } },
    ],
    expects: UNKNOWN,
  },
  {
    name: "slow",
    protocol: "tcp",
    what: "Answers trickle: all of them take 10 s more.",
    preset: "default",
    where: "where it sent two bytes",
    applies: longAnswers,
    blows: ({ bytes }) => [
      { type: "bandwidth", params: { rate: `${Math.max(1, Math.floor(bytes.down / 10))}B/s`, burst: "1B" } },
    ],
    expects: { done: "once", told: "nothing", next: "go on" },
  },
  {
    name: "half-open",
    protocol: "tcp",
    what: "Neither side hears of the other's end.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "half_open", params: {} }],
    expects: { done: "once", told: "nothing", next: "go on" },
  },
];
