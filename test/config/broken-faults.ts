/** Profiles with one mistake in a name or a fault, and exactly what is said about it. */
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { oneOf } from "../../src/faults/params.js";
import type { BrokenText } from "./broken-text.js";

const TYPES = FAULT_TYPES.map(({ type }) => type);
/** Only a list that can be read at a glance is shown. */
const KNOWN = TYPES.length > 24 ? "" : ` (known: ${TYPES.join(", ")})`;
const PLACES = oneOf(FAULT_TYPES.find(({ type }) => type === "latency")?.at ?? []);

export const BROKEN_FAULTS: readonly BrokenText[] = [
  {
    name: "a document that is no mapping",
    text: `- profile: x
`,
    problems: ['1:1 expected a profile (a mapping with "profile: name")'],
  },
  {
    name: "an empty text",
    text: `# nothing
`,
    problems: ['1:1 expected a profile (a mapping with "profile: name"), got nothing'],
  },
  {
    name: "a profile under a misspelt name",
    text: `profil: x
`,
    problems: ['1:1 profil: unknown key (did you mean "profile"?)'],
  },
  {
    name: "a type and a parameter under misspelt names",
    text: `profile: x
faults:
  - { tpye: latency, delay: 1s }
  - { type: latency, dlay: 1s }
  - { type: latency, dlay: 1s, jitter: 5, mtch: {} }
`,
    problems: [
      '3:7 faults[0].tpye: unknown key (did you mean "type"?)',
      '4:22 faults[1].dlay: latency has no parameter "dlay" (did you mean "delay"?)',
      '5:22 faults[2].dlay: latency has no parameter "dlay" (did you mean "delay"?)',
      "5:40 faults[2].jitter: expected a duration such as 50ms, got 5",
      '5:43 faults[2].mtch: latency has no parameter "mtch" (did you mean "match"?)',
    ],
  },
  {
    name: "a profile without a name",
    text: `faults: []
`,
    problems: ['1:1 profile: is required: a name of lower-case letters, digits, ".", "_" and "-"'],
  },
  {
    name: "a name with capital letters",
    text: `profile: Lost-Ack
`,
    problems: [
      '1:10 profile: expected a name of lower-case letters, digits, ".", "_" and "-" (at most 64), got "Lost-Ack"',
    ],
  },
  {
    name: "a name that is a number",
    text: `profile: 404
`,
    problems: ['1:10 profile: expected a name of lower-case letters, digits, ".", "_" and "-", got 404'],
  },
  {
    name: "a reserved name",
    text: `profile: none
`,
    problems: ['1:10 profile: the name "none" is reserved'],
  },
  {
    name: "a name made of a param",
    text: `profile: \${x}
params: { x: a }
`,
    problems: [
      '1:10 profile: expected a name of lower-case letters, digits, ".", "_" and "-" (at most 64), got "${x}"',
      "1:10 profile: params cannot be used here",
    ],
  },
  {
    name: "an unknown key",
    text: `profile: x
fault: []
`,
    problems: ['2:1 fault: unknown key (did you mean "faults"?)'],
  },
  {
    name: "two unknown keys",
    text: `profile: x
sumary: a
repet: 3
`,
    problems: [
      '2:1 sumary: unknown key (did you mean "summary"?)',
      '3:1 repet: unknown key (did you mean "repeat"?)',
    ],
  },
  {
    name: "a summary that is a number",
    text: `profile: x
summary: 5
`,
    problems: ["2:10 summary: expected text, got 5 (put it in quotes)"],
  },
  {
    name: "tags that are not a list",
    text: `profile: x
tags: wan
`,
    problems: ['2:7 tags: expected a list, got "wan"'],
  },
  {
    name: "faults that are not a list",
    text: `profile: x
faults: { type: latency }
`,
    problems: ["2:9 faults: expected a list, got a mapping"],
  },
  {
    name: "a fault that is a word",
    text: `profile: x
faults: [latency]
`,
    problems: ['2:10 faults[0]: expected a fault (a mapping with "type: name"), got "latency"'],
  },
  {
    name: "a fault without a type",
    text: `profile: x
faults:
  - { delay: 5s }
`,
    problems: ["3:5 faults[0].type: is required: a fault type such as latency"],
  },
  {
    name: "an unknown type, near a known one",
    text: `profile: x
faults:
  - { type: latenci, delay: 5s }
`,
    problems: ['3:13 faults[0].type: no fault type is called "latenci" (did you mean "latency"?)'],
  },
  {
    name: "an unknown type, near none",
    text: `profile: x
faults:
  - type: teapot
    status: 418
`,
    problems: [`3:11 faults[0].type: no fault type is called "teapot"${KNOWN}`],
  },
  {
    name: "a type that is a list",
    text: `profile: x
faults:
  - type: [latency]
`,
    problems: ["3:11 faults[0].type: expected a fault type such as latency, got a list"],
  },
  {
    name: "a type made of a param",
    text: `profile: x
params: { kind: latency }
faults:
  - type: \${kind}
    delay: 5s
`,
    problems: ["4:11 faults[0].type: params cannot be used here"],
  },
  {
    name: "a bare number for a duration",
    text: `profile: x
faults:
  - type: latency
    delay: 200ms
    jitter: 50
`,
    problems: ["5:13 faults[0].jitter: expected a duration such as 50ms, got 50"],
  },
  {
    name: "a duration with an unknown unit",
    text: `profile: x
faults:
  - { type: latency, delay: 5sec }
`,
    problems: ['3:29 faults[0].delay: expected a duration such as 50ms, got "5sec"'],
  },
  {
    name: "a negative duration",
    text: `profile: x
faults:
  - { type: latency, delay: -5s }
`,
    problems: ['3:29 faults[0].delay: expected a duration such as 50ms, got "-5s"'],
  },
  {
    name: "a duration beyond the limit",
    text: `profile: x
faults:
  - { type: latency, delay: 366d }
`,
    problems: ["3:29 faults[0].delay: must be at most 365d, got 366d"],
  },
  {
    name: "a missing parameter",
    text: `profile: x
faults:
  - type: latency
    jitter: 5ms
`,
    problems: ["3:5 faults[0].delay: is required: a duration such as 50ms"],
  },
  {
    name: "an unknown parameter",
    text: `profile: x
faults:
  - { type: latency, delay: 5ms, jiter: 5ms }
`,
    problems: ['3:34 faults[0].jiter: latency has no parameter "jiter" (did you mean "jitter"?)'],
  },
  {
    name: "a parameter of another type",
    text: `profile: x
faults:
  - { type: down, delay: 5ms }
`,
    problems: [
      '3:19 faults[0].delay: down has no parameter "delay" (known: existing, refuse, name, type, proxy, direction, at, match, except, when, draw, enabled)',
    ],
  },
  {
    name: "an unknown word",
    text: `profile: x
faults:
  - { type: latency, delay: 5ms, distribution: gauss }
`,
    problems: [
      '3:48 faults[0].distribution: expected uniform, normal, lognormal, pareto or paretonormal, got "gauss"',
    ],
  },
  {
    name: "a misspelt word",
    text: `profile: x
faults:
  - { type: latency, delay: 5ms, distribution: lognorml }
`,
    problems: [
      '3:48 faults[0].distribution: expected uniform, normal, lognormal, pareto or paretonormal, got "lognorml" (did you mean "lognormal"?)',
    ],
  },
  {
    name: "a share beyond the whole",
    text: `profile: x
faults:
  - { type: corrupt, rate: 150% }
`,
    problems: ['3:28 faults[0].rate: expected a share such as 5%, got "150%"'],
  },
  {
    name: "a share without its sign",
    text: `profile: x
faults:
  - { type: corrupt, rate: 0.5 }
`,
    problems: ["3:28 faults[0].rate: expected a share such as 5%, got 0.5"],
  },
  {
    name: "a size without unit",
    text: `profile: x
faults:
  - { type: truncate, after: 1024 }
`,
    problems: ["3:30 faults[0].after: expected a size such as 64KiB, got 1024"],
  },
  {
    name: "a rate given as a size",
    text: `profile: x
faults:
  - { type: bandwidth, rate: 1MB }
`,
    problems: ['3:30 faults[0].rate: expected a rate such as 1MB/s or 256kbit/s, got "1MB"'],
  },
  {
    name: "half a bit",
    text: `profile: x
faults:
  - { type: corrupt, rate: 1%, bits: 0.5 }
`,
    problems: ["3:38 faults[0].bits: expected a whole number, got 0.5"],
  },
  {
    name: "nine bits of a byte",
    text: `profile: x
faults:
  - { type: corrupt, rate: 1%, bits: 9 }
`,
    problems: ["3:38 faults[0].bits: must be at most 8, got 9"],
  },
  {
    name: "neither time nor bytes",
    text: `profile: x
faults:
  - { type: cut, after: soon }
`,
    problems: ['3:25 faults[0].after: expected a duration such as 30s or a size such as 64KiB, got "soon"'],
  },
  {
    name: "parameters that contradict each other",
    text: `profile: x
faults:
  - { type: slicer, size: 64B, variation: 64B }
`,
    problems: ["3:43 faults[0].variation: must be less than size (64B), got 64B"],
  },
  {
    name: "a closed port for some",
    text: `profile: x
faults:
  - { type: down, match: { client: 10.0.0.0/8 } }
`,
    problems: [
      "3:5 faults[0].refuse: a closed port is closed for everybody: with match or probability it must be close or reset",
    ],
  },
  {
    name: "a closed port for half",
    text: `profile: x
faults:
  - type: down
    when: { probability: 50% }
`,
    problems: [
      "3:5 faults[0].refuse: a closed port is closed for everybody: with match or probability it must be close or reset",
    ],
  },
  {
    name: "a direction where there is none",
    text: `profile: x
faults:
  - { type: down, direction: upstream }
`,
    problems: ["3:19 faults[0].direction: down has no direction: it acts on the connection as a whole"],
  },
  {
    name: "an unknown direction",
    text: `profile: x
faults:
  - { type: latency, delay: 1s, direction: up }
`,
    problems: ['3:44 faults[0].direction: expected upstream, downstream or both, got "up"'],
  },
  {
    name: "a place",
    text: `profile: x
faults:
  - { type: half_open, at: body }
  - { type: reset, after: 1kB, at: body }
`,
    problems: [
      '3:24 faults[0].at: half_open acts in one place only, so it takes no "at"',
      '4:36 faults[1].at: expected wire or tls, got "body"',
    ],
  },
  {
    name: "what only requests have, of handshakes and of the bytes of TLS",
    text: `profile: x
faults:
  - { type: tls_alert, alert: unknown_ca, match: { path: / } }
  - { type: latency, delay: 1s, at: tls, match: { method: GET } }
  - { type: latency, delay: 1s, at: tls, when: { per: route } }
`,
    problems: [
      '3:52 faults[0].match.path: "path" can only be matched on HTTP exchanges, and tls_alert acts on TLS handshakes',
      '4:51 faults[1].match.method: "method" can only be matched on HTTP exchanges, and latency acts on connections with `at: tls`',
      "5:55 faults[2].when.per: only HTTP exchanges have routes, and latency acts on connections with `at: tls`",
    ],
  },
  {
    name: "an unknown place",
    text: `profile: x
faults:
  - { type: latency, delay: 1s, at: wires }
`,
    problems: [`3:37 faults[0].at: expected ${PLACES}, got "wires" (did you mean "wire"?)`],
  },
  {
    name: "two places",
    text: `profile: x
faults:
  - { type: latency, delay: 1s, at: [wire, body] }
`,
    problems: [`3:37 faults[0].at: expected ${PLACES}, got a list`],
  },
  {
    name: "a proxy without name",
    text: `profile: x
faults:
  - { type: reset, proxy: '' }
`,
    problems: ['3:27 faults[0].proxy: expected text, got ""'],
  },
  {
    name: "a switch that is a word",
    text: `profile: x
faults:
  - { type: reset, enabled: no }
`,
    problems: ['3:29 faults[0].enabled: expected true or false, got "no"'],
  },
  {
    name: "two faults of one name",
    text: `profile: x
faults:
  - { name: a, type: reset }
  - { name: a, type: down }
`,
    problems: ['4:13 faults[1].name: two faults of this list are called "a"'],
  },
  {
    name: "a fault in a phase called like one outside",
    text: `profile: x
faults:
  - { name: a, type: reset }
phases:
  - phase: p
    faults:
      - { name: a, type: down }
`,
    problems: ['7:17 phases[0].faults[0].name: a fault outside the phases is called "a" already'],
  },
  {
    name: "a match on a path",
    text: `profile: x
faults:
  - { type: reset, match: { path: /v1/*, method: POST } }
`,
    problems: [
      '3:29 faults[0].match.path: "path" can only be matched on HTTP exchanges, and reset acts on connections; for one exchange: lost_request before its upstream sees it, lost_response behind that',
      '3:42 faults[0].match.method: "method" can only be matched on HTTP exchanges, and reset acts on connections; for one exchange: lost_request before its upstream sees it, lost_response behind that',
    ],
  },
  {
    name: "a match on a question where there are exchanges",
    text: `profile: x
faults:
  - { type: latency, delay: 1s, match: { qtype: A }, when: { per: root } }
`,
    problems: [
      '3:42 faults[0].match.qtype: "qtype" can only be matched on DNS queries, and latency acts on connections and HTTP exchanges',
      '3:67 faults[0].when.per: expected proxy, bot, connection or route, or a list of bot, connection or route, got "root"',
    ],
  },
  {
    name: "a path that is none",
    text: `profile: x
faults:
  - type: latency
    delay: 1s
    match:
      - { path: jobs }
      - { path: ["/a?b=1", "/a b", "/***", "/:1/x", "/a/:id.json", 5] }
`,
    problems: [
      '6:17 faults[0].match[0].path: expected a path that begins with "/", got "jobs"',
      '7:18 faults[0].match[1].path[0]: expected a path without "?" and "#": use "query" for what stands behind it, got "/a?b=1"',
      '7:28 faults[0].match[1].path[1]: expected a path as it is sent, with %20 for a space, got "/a b"',
      '7:36 faults[0].match[1].path[2]: expected "*" or "**", got "/***"',
      '7:44 faults[0].match[1].path[3]: expected a name such as :id as the whole segment, got "/:1/x"',
      '7:53 faults[0].match[1].path[4]: expected a name such as :id as the whole segment, got "/a/:id.json"',
      "7:68 faults[0].match[1].path[5]: expected a path such as /v1/jobs/:id, got 5",
    ],
  },
  {
    name: "keys of exchanges with odd values",
    text: `profile: x
faults:
  - type: latency
    delay: 1s
    match: { method: "GET /", host: "a:80", bot: "", upstream: 5 }
    except:
      - { status: [99, 5x, 599-500, "503 "] }
      - { status: 5.5 }
      - { header: { "x y": a, x-flag: true, X-Flag: b } }
      - { query: {}, header: x-a }
`,
    problems: [
      '5:22 faults[0].match.method: expected a method such as POST, got "GET /"',
      '5:37 faults[0].match.host: expected a host without a port such as jobs.example.com or *.example.com, got "a:80"',
      '5:50 faults[0].match.bot: expected the name of a bot, got ""',
      "5:64 faults[0].match.upstream: expected the name of an upstream or a list of them, got 5",
      '7:20 faults[0].except[0].status[0]: expected a status such as 503, 5xx or 500-599, got "99"',
      '7:24 faults[0].except[0].status[1]: expected a status such as 503, 5xx or 500-599, got "5x"',
      '7:28 faults[0].except[0].status[2]: expected a status such as 503, 5xx or 500-599, got "599-500"',
      '7:37 faults[0].except[0].status[3]: expected a status such as 503, 5xx or 500-599, got "503 "',
      '8:19 faults[0].except[1].status: expected a status such as 503, 5xx or 500-599, got "5.5"',
      '9:21 faults[0].except[2].header["x y"]: expected the name of a header such as x-bot-id, got "x y"',
      "9:39 faults[0].except[2].header.x-flag: expected a value in quotes, or nothing for any value, got true",
      '9:45 faults[0].except[2].header.X-Flag: the header "x-flag" is given twice',
      "10:18 faults[0].except[3].query: is empty: name a parameter",
      '10:30 faults[0].except[3].header: expected a mapping, got "x-a"',
    ],
  },
  {
    name: "a match on a question",
    text: `profile: x
faults:
  - { type: reset, match: { qname: "*.example" } }
`,
    problems: [
      '3:29 faults[0].match.qname: "qname" can only be matched on DNS queries, and reset acts on connections',
    ],
  },
  {
    name: "an unknown key of match",
    text: `profile: x
faults:
  - { type: reset, match: { clint: 10.0.0.1 } }
`,
    problems: ['3:29 faults[0].match.clint: unknown key (did you mean "client"?)'],
  },
  {
    name: "a match that holds for all",
    text: `profile: x
faults:
  - { type: reset, match: {} }
`,
    problems: ["3:27 faults[0].match: is empty, so it would hold for all: leave it out, or name a client"],
  },
  {
    name: "a match that is a word",
    text: `profile: x
faults:
  - { type: reset, except: 10.0.0.1 }
`,
    problems: ['3:28 faults[0].except: expected a mapping such as { client: 10.0.0.0/8 }, got "10.0.0.1"'],
  },
  {
    name: "half an address",
    text: `profile: x
faults:
  - { type: reset, match: [{ client: 10.0.0 }] }
`,
    problems: [
      '3:38 faults[0].match[0].client: expected an address or a block such as 10.0.0.0/8, got "10.0.0"',
    ],
  },
  {
    name: "a block that is too narrow",
    text: `profile: x
faults:
  - { type: reset, match: { client: [10.0.0.0/8, 10.0.0.0/33] } }
`,
    problems: [
      '3:50 faults[0].match.client[1]: expected an address or a block such as 10.0.0.0/8, got "10.0.0.0/33"',
    ],
  },
  {
    name: "an unknown key of when",
    text: `profile: x
faults:
  - { type: reset, when: { probabilty: 5% } }
`,
    problems: ['3:28 faults[0].when.probabilty: unknown key (did you mean "probability"?)'],
  },
  {
    name: "a when that is a share",
    text: `profile: x
faults:
  - { type: reset, when: 5% }
`,
    problems: ['3:26 faults[0].when: expected a mapping, got "5%"'],
  },
  {
    name: "a probability without its sign",
    text: `profile: x
faults:
  - { type: reset, when: { probability: 0.05 } }
`,
    problems: ["3:41 faults[0].when.probability: expected a share such as 5%, got 0.05"],
  },
  {
    name: "every zeroth",
    text: `profile: x
faults:
  - { type: reset, when: { every: 0, skip: -1 } }
`,
    problems: [
      "3:35 faults[0].when.every: must be at least 1, got 0",
      "3:44 faults[0].when.skip: must be at least 0, got -1",
    ],
  },
  {
    name: "counting by route",
    text: `profile: x
faults:
  - { type: reset, when: { every: 2, per: route } }
`,
    problems: ["3:43 faults[0].when.per: only HTTP exchanges have routes, and reset acts on connections"],
  },
  {
    name: "counting by something else",
    text: `profile: x
faults:
  - { type: reset, when: { every: 2, per: client } }
`,
    problems: [
      '3:43 faults[0].when.per: expected proxy, bot or connection, or a list of bot or connection, got "client"',
    ],
  },
  {
    name: "counting by several, of which one is the route of what has none",
    text: `profile: x
faults:
  - { type: reset, when: { every: 2, per: [bot, route] } }
`,
    problems: ["3:49 faults[0].when.per[1]: only HTTP exchanges have routes, and reset acts on connections"],
  },
  {
    name: "counting by a list with nothing, and with what stands alone, in it",
    text: `profile: x
faults:
  - { type: http_status, status: 503, when: { every: 2, per: [] } }
  - { type: http_status, status: 503, when: { every: 2, per: [bot, proxy] } }
`,
    problems: [
      "3:62 faults[0].when.per: expected proxy, bot, connection or route, or a list of bot, connection or route, got a list",
      '4:68 faults[1].when.per[1]: expected proxy, bot, connection or route, or a list of bot, connection or route, got "proxy"',
    ],
  },
  {
    name: "retries of what has none",
    text: `profile: x
faults:
  - { type: reset, when: { follow: retries } }
  - { type: lost_request, when: { follow: all } }
`,
    problems: [
      "3:36 faults[0].when.follow: only HTTP exchanges have retries, and reset acts on connections",
      '4:43 faults[1].when.follow: expected retries, got "all"',
    ],
  },
  {
    name: "ordinals beside other rules, and such as no subject has",
    text: `profile: x
faults:
  - { type: reset, when: { only: [3, 7], skip: 2, every: 2, count: 1 } }
  - { type: reset, when: { only: [0] } }
  - { type: reset, when: { only: [] } }
  - { type: reset, when: { only: third } }
`,
    problems: [
      "3:48 faults[0].when.skip: `only` says which are hit already: leave out `skip`, or `only`",
      "3:58 faults[0].when.every: `only` says which are hit already: leave out `every`, or `only`",
      "3:68 faults[0].when.count: `only` says which are hit already: leave out `count`, or `only`",
      "4:35 faults[1].when.only[0]: must be at least 1, got 0",
      "5:34 faults[2].when.only: expected 1 to 1000 numbers",
      '6:34 faults[3].when.only: expected the number of a subject, from 1, or a list of them, got "third"',
    ],
  },
  {
    name: "a span of no time",
    text: `profile: x
faults:
  - { type: reset, when: { after: 5s, for: 0s } }
`,
    problems: ["3:44 faults[0].when.for: must be more than 0ms, got 0s"],
  },
];
