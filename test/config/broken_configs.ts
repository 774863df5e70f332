/** Configurations with mistakes, and exactly what is said about them. */
import type { ConfigInput } from "../../src/config/config.js";

export interface BrokenConfig extends ConfigInput {
  readonly name: string;
  readonly problems: readonly string[];
}

export const BROKEN_CONFIGS: readonly BrokenConfig[] = [
  {
    name: "a document that is no mapping",
    text: `- admin
`,
    problems: ["1:1 expected settings (a mapping)"],
  },
  {
    name: "two documents",
    text: `seed: 1
---
seed: 2
`,
    problems: ["3:1 expected one document, got a second one"],
  },
  {
    name: "an unknown key",
    text: `admim: {}
`,
    problems: ['1:1 admim: unknown key (did you mean "admin"?)'],
  },
  {
    name: "an unknown key inside",
    text: `admin: { listen: 127.0.0.1:1, tokens: x }
`,
    problems: ['1:31 admin.tokens: unknown key (did you mean "token"?)'],
  },
  {
    name: "settings that are a list",
    text: `admin: [listen]
`,
    problems: ["1:8 admin: expected a mapping, got a list"],
  },
  {
    name: "a port alone",
    text: `admin: { listen: 8474 }
`,
    problems: [
      "1:18 admin.listen: expected an address to listen on such as 127.0.0.1:8474 or :8080, got 8474",
    ],
  },
  {
    name: "a port that is none",
    text: `admin: { listen: 127.0.0.1:70000 }
`,
    problems: [
      '1:18 admin.listen: expected an address to listen on such as 127.0.0.1:8474 or :8080, got "127.0.0.1:70000"',
    ],
  },
  {
    name: "an address of three parts",
    text: `admin: { listen: 127.0.1:80 }
`,
    problems: [
      '1:18 admin.listen: expected an address to listen on such as 127.0.0.1:8474 or :8080, got "127.0.1:80"',
    ],
  },
  {
    name: "a token with a space",
    text: `admin: { token: a b }
`,
    problems: ["1:17 admin.token: expected a token without spaces and other than ASCII characters"],
  },
  {
    name: "a size without unit",
    text: `admin: { body: 1000 }
`,
    problems: ["1:16 admin.body: expected a size such as 64KiB, got 1000"],
  },
  {
    name: "a limit of nothing",
    text: `limits: { connections: 0, held: 0B }
`,
    problems: [
      "1:24 limits.connections: must be at least 1, got 0",
      "1:33 limits.held: must be more than 0B, got 0B",
    ],
  },
  {
    name: "a word where a number belongs",
    text: `journal: { keep: many }
`,
    problems: ['1:18 journal.keep: expected a whole number, got "many"'],
  },
  {
    name: "too many files",
    text: `journal: { files: 5000 }
`,
    problems: ["1:19 journal.files: must be at most 1000, got 5000"],
  },
  {
    name: "an unknown level",
    text: `log: { level: warning }
`,
    problems: ['1:15 log.level: expected error, warn, info or debug, got "warning"'],
  },
  {
    name: "an unknown format",
    text: `log: { format: text }
`,
    problems: ['1:16 log.format: expected auto, pretty or json, got "text"'],
  },
  {
    name: "a seed below zero",
    text: `seed: -1
`,
    problems: ["1:7 seed: must be at least 0, got -1"],
  },
  {
    name: "a seed that is a share",
    text: `seed: 1.5
`,
    problems: ["1:7 seed: expected a whole number, got 1.5"],
  },
  {
    name: "watching by word",
    text: `watch: always
`,
    problems: ['1:8 watch: expected true or false, got "always"'],
  },
  {
    name: "a proxy that is an address",
    text: `proxies:
  jobs: 127.0.0.1:80
`,
    problems: ['2:9 proxies.jobs: expected a mapping, got "127.0.0.1:80"'],
  },
  {
    name: "a proxy of nothing",
    text: `proxies:
  jobs: {}
`,
    problems: [
      "2:9 proxies.jobs.listen: is required: an address to listen on such as 127.0.0.1:8474 or :8080",
      "2:9 proxies.jobs.upstream: is required: an upstream such as tcp://server:3000",
    ],
  },
  {
    name: "a proxy's name with a space",
    text: `proxies:
  my jobs: { listen: ':1', upstream: 'tcp://a:1' }
`,
    problems: [
      '2:3 proxies["my jobs"]: expected a name of lower-case letters, digits, ".", "_" and "-" as the name of a proxy',
    ],
  },
  {
    name: "an upstream without protocol",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'redis:6379' }
`,
    problems: ["2:35 proxies.jobs.upstream: expected an upstream with its protocol: tcp://redis:6379"],
  },
  {
    name: "an upstream that speaks HTTP",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'http://server:3000' }
`,
    problems: [
      "2:35 proxies.jobs.upstream: protocol http is not part of this version; tcp://… relays HTTP as bytes",
    ],
  },
  {
    name: "an upstream that speaks DNS",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'dns://server:53' }
`,
    problems: ["2:35 proxies.jobs.upstream: protocol dns is not part of this version"],
  },
  {
    name: "an upstream of an unknown protocol",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'ftp://server:21' }
`,
    problems: [
      '2:35 proxies.jobs.upstream: expected an upstream such as tcp://server:3000, got "ftp://server:21"',
    ],
  },
  {
    name: "an upstream without port",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'tcp://server' }
`,
    problems: [
      '2:35 proxies.jobs.upstream: expected an upstream such as tcp://server:3000, got "tcp://server"',
    ],
  },
  {
    name: "an upstream with a path",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'tcp://server:1/x' }
`,
    problems: [
      '2:35 proxies.jobs.upstream: expected an upstream such as tcp://server:3000, got "tcp://server:1/x"',
    ],
  },
  {
    name: "an upstream on port 0",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'tcp://server:0' }
`,
    problems: [
      '2:35 proxies.jobs.upstream: expected an upstream such as tcp://server:3000, got "tcp://server:0"',
    ],
  },
  {
    name: "a pool",
    text: `proxies:
  jobs:
    listen: :1
    upstreams: { a: tcp://a:1 }
    balance: round_robin
    health: { path: / }
`,
    problems: [
      "3:5 proxies.jobs.upstream: is required: an upstream such as tcp://server:3000",
      "4:5 proxies.jobs.upstreams: a pool of upstreams is not part of this version: expected one upstream",
      "5:5 proxies.jobs.balance: a pool of upstreams is not part of this version, so there is nothing to balance",
      "6:5 proxies.jobs.health: a pool of upstreams is not part of this version, so no health is checked",
    ],
  },
  {
    name: "bots known by a header",
    text: `proxies:
  jobs:
    listen: :1
    upstream: tcp://a:1
    identify: [{ header: x-bot-id }, bearer, client]
`,
    problems: [
      '5:16 proxies.jobs.identify[0]: "header" identifies bots by their HTTP requests, and a tcp proxy sees only bytes (use "client")',
      '5:38 proxies.jobs.identify[1]: "bearer" identifies bots by their HTTP requests, and a tcp proxy sees only bytes (use "client")',
    ],
  },
  {
    name: "bots known by an unknown rule",
    text: `proxies:
  jobs:
    listen: :1
    upstream: tcp://a:1
    identify: cookie
`,
    problems: ['5:15 proxies.jobs.identify: expected client or a list of them, got "cookie"'],
  },
  {
    name: "an exception for a path",
    text: `proxies:
  jobs:
    listen: :1
    upstream: tcp://a:1
    except: [{ path: /healthz }]
`,
    problems: [
      '5:16 proxies.jobs.except[0].path: "path" can only be matched on HTTP exchanges, and a tcp proxy acts on connections',
    ],
  },
  {
    name: "a PROXY protocol of one's own",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'tcp://a:1', proxy_protocol: accpt }
`,
    problems: [
      '2:64 proxies.jobs.proxy_protocol: expected off or accept, got "accpt" (did you mean "accept"?)',
    ],
  },
  {
    name: "no time to dial",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'tcp://a:1', dial_timeout: 0s }
`,
    problems: ["2:62 proxies.jobs.dial_timeout: must be more than 0ms, got 0s"],
  },
  {
    name: "two proxies on one port",
    text: `proxies:
  a: { listen: '127.0.0.1:80', upstream: 'tcp://a:1' }
  b: { listen: '0.0.0.0:80', upstream: 'tcp://a:1' }
`,
    problems: ['3:16 proxies.b.listen: cannot listen on 0.0.0.0:80: the proxy "a" has 127.0.0.1:80'],
  },
  {
    name: "a proxy on the admin port",
    text: `proxies:
  a: { listen: ':8474', upstream: 'tcp://a:1' }
`,
    problems: ["2:16 proxies.a.listen: cannot listen on :8474: the admin port has 127.0.0.1:8474"],
  },
  {
    name: "an activation without profile",
    text: `activate: { seed: 5 }
`,
    problems: ['1:11 activate.profile: is required: a name of lower-case letters, digits, ".", "_" and "-"'],
  },
  {
    name: "an activation with an unknown key",
    text: `activate: { profile: x, tll: 5s }
`,
    problems: ['1:25 activate.tll: unknown key (did you mean "ttl"?)'],
  },
  {
    name: "an activation for no time",
    text: `activate: { profile: x, ttl: 0s }
`,
    problems: ["1:30 activate.ttl: must be more than 0ms, got 0s"],
  },
  {
    name: "an unknown variable",
    text: `admin: { token: "\${SQUALL_TOKN}" }
`,
    env: { SQUALL_TOKEN: "x" },
    problems: [
      '1:17 admin.token: the environment has no variable SQUALL_TOKN (did you mean "SQUALL_TOKEN"?)',
    ],
  },
  {
    name: "a variable that is no number",
    text: `seed: \${SEED}
`,
    env: { SEED: "abc" },
    problems: ['1:7 seed: expected a whole number, got "abc" (the value of ${SEED})'],
  },
  {
    name: "a wrong variable that overrides",
    env: { SQUALL__LIMITS__CONNECTIONS: "lots" },
    problems: [
      'SQUALL__LIMITS__CONNECTIONS:1:1 limits.connections: expected a whole number, got "lots" (the value of SQUALL__LIMITS__CONNECTIONS)',
    ],
  },
  {
    name: "a variable that names no setting",
    env: { SQUALL__LIMIT__CONNECTIONS: "5" },
    problems: ['SQUALL__LIMIT__CONNECTIONS:1:1 limit: unknown setting (did you mean "limits"?)'],
  },
  {
    name: "a variable that names nothing",
    env: { SQUALL__: "5" },
    problems: ["SQUALL__:1:1 names no setting"],
  },
  {
    name: "a wrong flag",
    overrides: [{ path: ["log", "level"], value: "loud", origin: "--log-level" }],
    problems: [
      '--log-level:1:1 log.level: expected error, warn, info or debug, got "loud" (the value of --log-level)',
    ],
  },
  {
    name: "everything at once",
    text: `admin: { listen: here }
proxies:
  b: { upstream: http://x:1, lisen: :1 }
sed: 5
`,
    problems: [
      '1:18 admin.listen: expected an address to listen on such as 127.0.0.1:8474 or :8080, got "here"',
      "3:6 proxies.b.listen: is required: an address to listen on such as 127.0.0.1:8474 or :8080",
      "3:18 proxies.b.upstream: protocol http is not part of this version; tcp://… relays HTTP as bytes",
      '3:30 proxies.b.lisen: unknown key (did you mean "listen"?)',
      '4:1 sed: unknown key (did you mean "seed"?)',
    ],
  },
];
