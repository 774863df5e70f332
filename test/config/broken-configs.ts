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
    name: "what is required, each under a misspelt name",
    text: `proxies:
  jobs: { lsten: ":1", upstrem: http://server:3000 }
activate: { profle: slow }
`,
    problems: [
      '2:11 proxies.jobs.lsten: unknown key (did you mean "listen"?)',
      '2:24 proxies.jobs.upstrem: unknown key (did you mean "upstream"?)',
      '3:13 activate.profle: unknown key (did you mean "profile"?)',
    ],
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
      "2:3 proxies.jobs.upstream: is required: an upstream such as http://server:3000 or tcp://server:3000, or upstreams for several",
      "2:9 proxies.jobs.listen: is required: an address to listen on such as 127.0.0.1:8474 or :8080",
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
    problems: [
      "2:35 proxies.jobs.upstream: expected an upstream with its protocol: http://redis:6379 or tcp://redis:6379",
    ],
  },
  {
    name: "an upstream with a path of its own",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'http://server:3000/v1' }
`,
    problems: [
      "2:35 proxies.jobs.upstream: an upstream takes no path and no query: those of the requests are passed on as they are",
    ],
  },
  {
    name: "an upstream with a query of its own",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'https://server?x=1' }
`,
    problems: [
      "2:35 proxies.jobs.upstream: an upstream takes no path and no query: those of the requests are passed on as they are",
    ],
  },
  {
    name: "an upstream with a password",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'https://me:secret@server' }
`,
    problems: [
      "2:35 proxies.jobs.upstream: an upstream takes no user and password: what the bots send for it is passed on",
    ],
  },
  {
    name: "what a udp proxy has not",
    text: `proxies:
  metrics:
    listen: :8125
    upstream: udp://statsd:8125
    persona: nginx
    dial_timeout: 5s
    proxy_protocol: accept
    balance: random
    identify: bearer
    except: [{ path: /healthz }]
`,
    problems: [
      '5:5 proxies.metrics.persona: "persona" is about HTTP exchanges, and a udp proxy sees only datagrams',
      "6:5 proxies.metrics.dial_timeout: a udp proxy dials nobody: datagrams are sent without a word before",
      "7:5 proxies.metrics.proxy_protocol: a PROXY protocol header comes before the bytes of a connection, and datagrams have none",
      "8:5 proxies.metrics.balance: a udp proxy has one upstream, so there is nothing to balance",
      '9:15 proxies.metrics.identify: "bearer" identifies bots by their HTTP requests, and a udp proxy sees only datagrams (use "client")',
      '10:16 proxies.metrics.except[0].path: "path" can only be matched on HTTP exchanges, and a udp proxy acts on datagrams',
    ],
  },
  {
    name: "an idle time-out of something else than flows",
    text: `proxies:
  jobs: { listen: :1, upstream: tcp://redis:6379, idle_timeout: 5s }
`,
    problems: [
      '2:51 proxies.jobs.idle_timeout: "idle_timeout" says when the flow of a udp proxy is over, and this upstream is tcp://',
    ],
  },
  {
    name: "an upstream of an unknown protocol",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'ftp://server:21' }
`,
    problems: [
      '2:35 proxies.jobs.upstream: expected an upstream such as http://server:3000 or tcp://server:3000, got "ftp://server:21"',
    ],
  },
  {
    name: "an upstream without port",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'tcp://server' }
`,
    problems: [
      '2:35 proxies.jobs.upstream: expected an upstream such as http://server:3000 or tcp://server:3000, got "tcp://server"',
    ],
  },
  {
    name: "an upstream with a path",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'tcp://server:1/x' }
`,
    problems: [
      '2:35 proxies.jobs.upstream: expected an upstream such as http://server:3000 or tcp://server:3000, got "tcp://server:1/x"',
    ],
  },
  {
    name: "an upstream on port 0",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'tcp://server:0' }
`,
    problems: [
      '2:35 proxies.jobs.upstream: expected an upstream such as http://server:3000 or tcp://server:3000, got "tcp://server:0"',
    ],
  },
  {
    name: "a pool of a tcp proxy that speaks HTTP, and two protocols in one",
    text: `proxies:
  jobs:
    listen: :1
    upstreams: { a: tcp://a:1, b: http://b:1 }
    balance: roundrobin
    health: { path: healthz }
`,
    problems: [
      '5:14 proxies.jobs.balance: expected round_robin, random, least_connections, hash_client, hash_bot, sni or first, got "roundrobin" (did you mean "round_robin"?)',
      '6:21 proxies.jobs.health.path: expected a path such as /healthz, got "healthz"',
    ],
  },
  {
    name: "a pool whose parts do not fit together",
    text: `proxies:
  both: { listen: ':1', upstream: 'tcp://a:1', upstreams: { a: 'tcp://a:1' } }
  none: { listen: ':2' }
  mixed: { listen: ':3', upstreams: { a: 'tcp://a:1', b: 'http://b:1' } }
  empty: { listen: ':4', upstreams: {} }
  alone: { listen: ':5', upstream: 'tcp://a:1', balance: random }
  asks: { listen: ':6', upstream: 'tcp://a:1', health: { path: /healthz } }
  slow: { listen: ':7', upstream: 'http://a', health: { interval: 1s, timeout: 2s } }
`,
    problems: [
      '2:48 proxies.both.upstreams: expected either upstream or upstreams, got both for "both"',
      "3:3 proxies.none.upstream: is required: an upstream such as http://server:3000 or tcp://server:3000, or upstreams for several",
      "4:55 proxies.mixed.upstreams.b: all upstreams of a proxy must be spoken to alike, and this one is unlike a",
      "5:26 proxies.empty.upstreams: expected between 1 and 100 upstreams, got 0",
      "6:49 proxies.alone.balance: there is one upstream, so there is nothing to balance",
      '7:48 proxies.asks.health: a tcp proxy speaks no HTTP to its upstreams: leave "path" out',
      "8:47 proxies.slow.health: a check may not take longer than the interval between two",
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
    name: "bots known by TLS that clients do not speak, or by what they are not asked for",
    text: `proxies:
  plain: { listen: :1, upstream: http://a, identify: [sni, { certificate: cn }, client], except: [{ sni: a, path: / }, { alpn: h2 }] }
  passing: { listen: :2, upstream: tcp://a:1, secure: passthrough, identify: [sni, certificate] }
  unasked: { listen: :3, upstream: http://a, secure: true, identify: { certificate: san } }
  datagrams: { listen: :4, upstream: udp://a:1, identify: sni }
  off: { listen: :5, upstream: tcp://a:1, secure: false, identify: sni }
  right: { listen: :6, upstream: http://a, secure: { clients: { ca: a.pem, require: false } }, identify: [certificate, sni], except: { sni: a } }
  both: { listen: :7, upstream: tcp://a:1, secure: detect, identify: sni, except: { sni: a } }
`,
    problems: [
      '2:55 proxies.plain.identify[0]: "sni" identifies bots by their TLS, and clients of this proxy speak none (give the proxy secure, such as terminate)',
      '2:60 proxies.plain.identify[1]: "certificate" identifies bots by their TLS, and clients of this proxy speak none (give the proxy secure, such as terminate)',
      '2:106 proxies.plain.except[0].sni: "sni" is what clients of TLS say, and clients of this proxy speak none (give the proxy secure, such as terminate)',
      '2:128 proxies.plain.except[1].alpn: "alpn" is what clients of TLS say, and clients of this proxy speak none (give the proxy secure, such as terminate)',
      '3:84 proxies.passing.identify[1]: certificates of clients are encrypted where TLS passes through, so that no bot is known by them (use "sni" or "client", or terminate)',
      "4:70 proxies.unasked.identify: clients show a certificate only where they are asked for one (give secure clients: { ca: FILE }; require: false lets those in that have none)",
      '5:59 proxies.datagrams.identify: "sni" identifies bots by their TLS, and clients of this proxy speak none (give the proxy secure, such as terminate)',
      '6:68 proxies.off.identify: "sni" identifies bots by their TLS, and clients of this proxy speak none (give the proxy secure, such as terminate)',
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
    problems: [
      '5:15 proxies.jobs.identify: expected client, bearer, certificate, sni, or a mapping with header, bearer, query, path or certificate, got "cookie"',
    ],
  },
  {
    name: "bots known by odd rules",
    text: `proxies:
  jobs:
    listen: :1
    upstream: http://a
    identify:
      - { cookie: sid }
      - { header: "x bot" }
      - { header: Authorization }
      - { bearer: { claims: sub } }
      - { path: /v1/bots/* }
      - { path: "v1/:bot" }
      - { query: 5 }
      - { header: x-bot, query: bot }
      - [client]
      - {}
`,
    problems: [
      '6:11 proxies.jobs.identify[0].cookie: no bot is known by "cookie": expected client, bearer, certificate, sni, or a mapping with header, bearer, query, path or certificate',
      '7:19 proxies.jobs.identify[1].header: expected the name of a header such as x-bot-id, got "x bot"',
      '8:19 proxies.jobs.identify[2].header: "authorization" holds a secret, and the name of a bot is shown: use "bearer"',
      '9:21 proxies.jobs.identify[3].bearer.claims: unknown key (did you mean "claim"?)',
      '10:17 proxies.jobs.identify[4].path: expected a path with a segment such as :bot, got "/v1/bots/*"',
      '11:17 proxies.jobs.identify[5].path: expected a path that begins with "/", got "v1/:bot"',
      "12:18 proxies.jobs.identify[6].query: expected text, got 5 (put it in quotes)",
      "13:9 proxies.jobs.identify[7]: expected one rule for each entry of the list",
      "14:9 proxies.jobs.identify[8]: expected client, bearer, certificate, sni, or a mapping with header, bearer, query, path or certificate, got a list",
      "15:9 proxies.jobs.identify[9]: expected client, bearer, certificate, sni, or a mapping with header, bearer, query, path or certificate",
    ],
  },
  {
    name: "bots known by nothing",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'http://a', identify: [] }
`,
    problems: ["2:57 proxies.jobs.identify: must have at least one rule, such as client"],
  },
  {
    name: "settings of HTTP on a tcp proxy",
    text: `proxies:
  jobs:
    listen: :1
    upstream: tcp://a:1
    persona: nginx
    fault_header: true
    ambiguous: relay
    head_timeout: 5s
    tls: { insecure: true }
    host: upstream
    rewrite: location
`,
    problems: [
      '5:5 proxies.jobs.persona: "persona" is about HTTP exchanges, and a tcp proxy sees only bytes',
      '6:5 proxies.jobs.fault_header: "fault_header" is about HTTP exchanges, and a tcp proxy sees only bytes',
      '7:5 proxies.jobs.ambiguous: "ambiguous" is about HTTP exchanges, and a tcp proxy sees only bytes',
      '8:5 proxies.jobs.head_timeout: "head_timeout" is about HTTP exchanges, and a tcp proxy sees only bytes',
      '9:5 proxies.jobs.tls: "tls" says how an https:// or tls:// upstream is dialled, and this one is tcp://',
      '10:5 proxies.jobs.host: "host" is about HTTP exchanges, and a tcp proxy sees only bytes',
      '11:5 proxies.jobs.rewrite: "rewrite" is about HTTP exchanges, and a tcp proxy sees only bytes',
    ],
  },
  {
    name: "TLS to a plain upstream",
    text: `proxies:
  jobs: { listen: ':1', upstream: 'http://a', tls: { ca: ca.pem } }
`,
    problems: [
      '2:47 proxies.jobs.tls: "tls" says how an https:// or tls:// upstream is dialled, and this one is http://',
    ],
  },
  {
    name: "odd ways to speak TLS to clients",
    text: `proxies:
  a: { listen: ':1', upstream: 'http://a', secure: yes please }
  b: { listen: ':2', upstream: 'http://a', secure: { names: ['a b'], min: 1.4, alpn: h2, certificates: [{ cert: a.pem }] } }
  c: { listen: ':3', upstream: 'http://a', secure: { mode: passthru, clients: { require: 1 } } }
`,
    problems: [
      '2:52 proxies.a.secure: expected true, terminate, passthrough, detect, or a mapping such as { names: [jobs.example] }, got "yes please"',
      '3:62 proxies.b.secure.names[0]: expected a host name or an address such as jobs.example, *.example or 10.0.0.1, got "a b"',
      "3:75 proxies.b.secure.min: expected a version of TLS: 1.0, 1.1, 1.2, 1.3, got 1.4",
      '3:86 proxies.b.secure.alpn: expected mirror, or a list such as [http/1.1], got "h2"',
      "3:105 proxies.b.secure.certificates[0].key: is required: text",
      '4:60 proxies.c.secure.mode: expected terminate, passthrough or detect, got "passthru"',
      "4:79 proxies.c.secure.clients.ca: is required: text",
      "4:90 proxies.c.secure.clients.require: expected true or false, got 1",
    ],
  },
  {
    name: "ways to speak TLS to clients that do not fit",
    text: `proxies:
  a: { listen: ':1', upstream: 'http://a', secure: passthrough }
  b: { listen: ':2', upstream: 'http://a', secure: { alpn: mirror } }
  c: { listen: ':3', upstream: 'http://a', secure: { alpn: [h2, http/1.1] } }
  d: { listen: ':4', upstream: 'udp://a:1', secure: true }
  e: { listen: ':5', upstream: 'tcp://a:1', secure: { mode: passthrough, names: [a.example] } }
  f: { listen: ':6', upstream: 'tls://a:1', tls: { cert: a.pem } }
  g: { listen: ':7', upstreams: { a: 'tcp://a:1', b: 'tcp://b:1' }, balance: sni }
  h: { listen: ':8', upstream: 'tcp://a:1', secure: { plain_after: 1s } }
  i: { listen: ':9', upstream: 'http://a', secure: { mode: detect, plain_after: 1s } }
  j: { listen: ':10', upstream: 'tcp://a:1', secure: { mode: detect, plain_after: 1s } }
`,
    problems: [
      "2:44 proxies.a.secure: passthrough leaves bytes encrypted, so that an http proxy would see nothing of them: use a tcp:// upstream, or terminate",
      "3:54 proxies.b.secure.alpn: an http proxy speaks HTTP/1.1, whatever its upstream would: expected a list",
      "4:54 proxies.c.secure.alpn: an http proxy speaks HTTP/1.1 only: leave h2 out, or use a tcp:// or tls:// upstream",
      "5:45 proxies.d.secure: a udp proxy has no connections that could be spoken to over TLS",
      "6:74 proxies.e.secure.names: names is of no use where TLS passes through: the upstream speaks it",
      "7:52 proxies.f.tls.cert: a certificate and its key come together: give both, cert and key",
      "8:69 proxies.g.balance: sni is what clients of TLS say: give the proxy secure, such as passthrough",
      "9:55 proxies.h.secure.plain_after: plain_after is for mode: detect: elsewhere nobody is plain",
      "10:68 proxies.i.secure.plain_after: over HTTP the client speaks first, so that nobody is taken for plain who says nothing",
    ],
  },
  {
    name: "odd names for requests to go up with",
    text: `proxies:
  a: { listen: ':1', upstream: 'http://a', host: 'a b' }
  b: { listen: ':2', upstream: 'http://a', host: 'http://a', rewrite: cookies }
`,
    problems: [
      '2:50 proxies.a.host: expected preserve, upstream, or a host such as api.example.com or api.example.com:8080, got "a b"',
      '3:50 proxies.b.host: expected preserve, upstream, or a host such as api.example.com or api.example.com:8080, got "http://a"',
      '3:71 proxies.b.rewrite: expected location or a list of them, got "cookies"',
    ],
  },
  {
    name: "odd settings of HTTP",
    text: `proxies:
  jobs:
    listen: :1
    upstream: https://a
    persona: ngnix
    fault_header: 1
    ambiguous: pass
    head_timeout: 0s
    tls: { insecure: maybe, servername: a/b, keys: x }
`,
    problems: [
      '5:14 proxies.jobs.persona: expected plain, nginx, haproxy, envoy or alb, got "ngnix" (did you mean "nginx"?)',
      "6:19 proxies.jobs.fault_header: expected true or false, got 1",
      '7:16 proxies.jobs.ambiguous: expected reject or relay, got "pass"',
      "8:19 proxies.jobs.head_timeout: must be more than 0ms, got 0s",
      '9:22 proxies.jobs.tls.insecure: expected true or false, got "maybe"',
      '9:41 proxies.jobs.tls.servername: expected a host name such as squall.internal, got "a/b"',
      '9:46 proxies.jobs.tls.keys: unknown key (did you mean "key"?)',
    ],
  },
  {
    name: "an exception for a status",
    text: `proxies:
  jobs:
    listen: :1
    upstream: http://a
    except: [{ path: /healthz }, { status: 503 }]
`,
    problems: [
      "5:44 proxies.jobs.except[1].status: is known when the upstream has answered, and a proxy leaves alone what it knows before",
    ],
  },
  {
    name: "an exception for a question",
    text: `proxies:
  jobs:
    listen: :1
    upstream: http://a
    except: { qname: "*.example", path: healthz }
`,
    problems: [
      '5:15 proxies.jobs.except.qname: "qname" can only be matched on DNS queries, and a http proxy acts on HTTP exchanges',
      '5:41 proxies.jobs.except.path: expected a path that begins with "/", got "healthz"',
    ],
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
  b: { upstream: redis:6379, lisen: :1 }
sed: 5
`,
    problems: [
      '1:18 admin.listen: expected an address to listen on such as 127.0.0.1:8474 or :8080, got "here"',
      "3:18 proxies.b.upstream: expected an upstream with its protocol: http://redis:6379 or tcp://redis:6379",
      '3:30 proxies.b.lisen: unknown key (did you mean "listen"?)',
      '4:1 sed: unknown key (did you mean "seed"?)',
    ],
  },
];
