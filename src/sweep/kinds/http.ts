/** What can happen to an HTTP call, from what is told to the client on every bad day to what only broken servers do. */
import type { Blow, Expectation, Kind } from "./kind.js";

type HttpKind = Kind<"http">;

const REPEAT_WITH_CARE: Expectation = { done: "once", told: "failure", next: "repeat if safe or keyed" };
const REPEAT: Expectation = { done: "never", told: "failure", next: "repeat" };
const DISTRUST: Expectation = { done: "once", told: "untruth", next: "distrust" };

const RETRY_AFTER = 2_000;
/** Longer than clients that nobody has seen waiting mostly wait; and longer than nearly all do. */
const LATE = 15_000;
const LATE_SLOW = 65_000;
const LATE_MAX = 600_000;

/** Smaller requests are sent again whole by everybody, and rightly. */
const UPLOAD = 16_384;
const HALF_SENT: Blow = {
  type: "http_truncate",
  params: { share: "50%", framing: "short", direction: "upstream" },
};

const always = (): boolean => true;

export const HTTP_KINDS: readonly HttpKind[] = [
  {
    name: "lost",
    protocol: "http",
    what: "The upstream does the work, and its answer is lost with a reset of the connection.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "lost_response", params: { then: "reset" } }],
    expects: REPEAT_WITH_CARE,
  },
  {
    name: "lost-silent",
    protocol: "http",
    what: "The upstream does the work, and the client hears nothing any more.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "lost_response", params: { then: "hang" } }],
    expects: REPEAT_WITH_CARE,
  },
  {
    name: "request-lost",
    protocol: "http",
    what: "The request never comes to the upstream, and the connection is reset.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "lost_request", params: { then: "reset" } }],
    // The client cannot know that nothing was done.
    expects: { ...REPEAT, next: "repeat if safe or keyed" },
  },
  {
    name: "503",
    protocol: "http",
    what: "A balancer answers 503 in HTML before anything comes to the upstream.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "http_status", params: { status: 503, persona: "nginx", at: "before" } }],
    expects: REPEAT,
  },
  {
    name: "502",
    protocol: "http",
    what: "The upstream does the work, and a balancer answers 502 in HTML in its place.",
    preset: "default",
    where: "unsafe methods",
    applies: ({ traits }) => !traits.safe,
    blows: () => [{ type: "lost_response", params: { then: "status", status: 502, persona: "nginx" } }],
    expects: REPEAT_WITH_CARE,
  },
  {
    name: "late",
    protocol: "http",
    what: "The upstream does the work, and its answer comes later than the client waits.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: ({ id }, { timeouts, slow }) => {
      const known = timeouts.get(id);
      const hold =
        known === undefined ? (slow ? LATE_SLOW : LATE) : Math.min(LATE_MAX, Math.ceil(1.5 * known));
      return [{ type: "late_response", params: { hold: `${hold}ms` } }];
    },
    expects: REPEAT_WITH_CARE,
  },
  {
    name: "429",
    protocol: "http",
    what: "The client is told that it asks too often, and to come back in 2 s.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [
      { type: "http_status", params: { status: 429, retry_after: `${RETRY_AFTER}ms`, at: "before" } },
    ],
    expects: { done: "never", told: "failure", next: "wait and repeat", wait: RETRY_AFTER },
  },
  {
    name: "401",
    protocol: "http",
    what: "The token is refused once, as one that has expired.",
    preset: "default",
    where: "with an Authorization header",
    applies: ({ traits }) => traits.authorized,
    blows: () => [{ type: "unauthorized", params: { mode: "expired" } }],
    expects: { done: "never", told: "failure", next: "refresh and repeat" },
  },
  {
    name: "cut",
    protocol: "http",
    what: "Half of the body comes, and then the connection ends; the length in the head says that more was to come.",
    preset: "default",
    where: "with a body",
    applies: ({ traits }) => traits.leastBody > 1,
    blows: ({ traits }) => [
      { type: "http_truncate", params: { after: `${Math.floor(traits.leastBody / 2)}B`, framing: "short" } },
    ],
    expects: { done: "once", told: "failure", next: "repeat if safe or keyed" },
  },
  {
    name: "shortened",
    protocol: "http",
    what: "Half of the body comes in a message that is well formed: nothing on the wire says that some of it is missing.",
    preset: "all",
    where: "with a body",
    applies: ({ traits }) => traits.leastBody > 1,
    blows: ({ traits }) => [
      { type: "http_truncate", params: { after: `${Math.floor(traits.leastBody / 2)}B`, framing: "honest" } },
    ],
    expects: DISTRUST,
  },
  {
    name: "garbled",
    protocol: "http",
    what: "One character of the JSON is spoilt, so that it cannot be parsed.",
    preset: "default",
    where: "with JSON",
    applies: ({ traits }) => traits.json && traits.body > 1,
    blows: () => [{ type: "http_body", params: { mode: "garble_json" } }],
    expects: DISTRUST,
  },
  {
    name: "empty",
    protocol: "http",
    what: "The answer has its status and no body.",
    preset: "default",
    where: "with a body",
    applies: ({ traits }) => traits.body > 0,
    blows: () => [{ type: "http_body", params: { mode: "empty" } }],
    expects: DISTRUST,
  },
  {
    name: "twice",
    protocol: "http",
    what: "The upstream gets the request twice, as from a proxy that repeats it; the client sees the first answer.",
    preset: "default",
    where: "unsafe methods",
    applies: ({ traits }) => !traits.safe,
    blows: () => [{ type: "duplicate_request", params: { times: 2, gap: "50ms" } }],
    expects: { done: "twice", told: "nothing", next: "go on" },
  },
  {
    name: "stale",
    protocol: "http",
    what: "Each answer is the one before it, as from a cache that keeps too much.",
    preset: "default",
    where: "a GET that got different answers",
    applies: ({ method, traits }) => method === "GET" && traits.answers > 1,
    // It has to see the earlier answers to have any.
    to: "all",
    blows: () => [{ type: "stale_response", params: { age: "1ms" } }],
    expects: { done: "never", told: "untruth", next: "go on" },
  },
  {
    name: "race",
    protocol: "http",
    what: "The upstream closes the connection in the moment in which the next request comes on it.",
    preset: "default",
    where: "on used connections",
    applies: ({ traits }) => traits.reusedAt !== null,
    // A connection's first request cannot meet it.
    at: ({ traits }) => traits.reusedAt,
    blows: () => [{ type: "keepalive_race", params: { after: "0ms", how: "close" } }],
    expects: { ...REPEAT, next: "repeat if safe or keyed" },
  },
  {
    name: "blocked",
    protocol: "http",
    what: "The upstream does the work, its answer is lost, and the two next calls are lost before they come to it.",
    preset: "default",
    where: "unsafe methods",
    applies: ({ traits }) => !traits.safe,
    blows: () => [
      { type: "lost_response", params: { then: "reset" } },
      { type: "lost_request", params: { then: "reset" }, behind: [1, 2] },
    ],
    expects: REPEAT_WITH_CARE,
  },
  {
    name: "upload-cut",
    protocol: "http",
    what: "Half of what is uploaded comes to the upstream before the connection ends, three times in a row.",
    preset: "default",
    where: "with a request of 16 KiB and more",
    applies: ({ traits }) => traits.leastSent >= UPLOAD,
    blows: () => [{ ...HALF_SENT, behind: [0, 1, 2] }],
    expects: { done: "never", told: "failure", next: "repeat if safe or keyed" },
  },
  {
    name: "outage",
    protocol: "http",
    what: "From this call on, none at this site comes to the upstream for as long as `outage` says, whoever makes it.",
    preset: "all",
    where: "everywhere",
    applies: always,
    ends: true,
    blows: (_site, { outage }) => [{ type: "lost_request", params: { then: "reset" }, lasts: outage }],
    expects: { ...REPEAT, next: "repeat if safe or keyed" },
  },
  {
    name: "request-cut",
    protocol: "http",
    what: "Half of the request's body comes to the upstream, and then the connection ends.",
    preset: "all",
    where: "where the client sent two bytes",
    applies: ({ traits }) => traits.leastSent > 1,
    blows: () => [HALF_SENT],
    expects: { done: "never", told: "failure", next: "repeat if safe or keyed" },
  },
  {
    name: "closed",
    protocol: "http",
    what: "The upstream does the work, and the connection is closed without a byte of its answer.",
    preset: "all",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "lost_response", params: { then: "close" } }],
    expects: REPEAT_WITH_CARE,
  },
  {
    name: "500",
    protocol: "http",
    what: "The upstream does the work and fails at the end of it: the answer is 500.",
    preset: "all",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "http_status", params: { status: 500, at: "after" } }],
    expects: REPEAT_WITH_CARE,
  },
  {
    name: "html",
    protocol: "http",
    what: "A page in HTML comes with status 200 in place of the answer, as from a portal that wants a login.",
    preset: "all",
    where: "with JSON",
    applies: ({ traits }) => traits.json,
    blows: () => [
      {
        type: "http_status",
        params: {
          status: 200,
          at: "before",
          body: "<!doctype html><title>Sign in</title><p>Sign in to go on.</p>",
          headers: { "content-type": "text/html" },
        },
      },
    ],
    expects: { done: "never", told: "untruth", next: "distrust" },
  },
  {
    name: "malformed",
    protocol: "http",
    what: "The upstream does the work, and what comes back is no HTTP.",
    preset: "all",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "http_malformed", params: { mode: "garbage", at: "after" } }],
    expects: REPEAT_WITH_CARE,
  },
];
