/**
 * The shape of squall.yaml as zod schemas: every setting with its default. Validation, the JSON Schema
 * for editors and the list of what an environment variable can override all come from here.
 */
import { z } from "zod";
import { KEEPALIVE_MAX, KEEPALIVE_MIN, type Keepalive } from "../core/stream-options.js";
import { PERSONAS } from "../faults/personas.js";
import { choice, count, duration, flag, shown, size } from "../faults/params.js";
import { authorityShape } from "./authority.js";
import { fleetShape } from "./fleet.js";
import { listen, upstream } from "./address.js";
import { poolShape } from "./pool.js";
import { recordsShape } from "./records.js";
import { adminTls, secure, tlsShape } from "./secure.js";
import { name, oneOrMany, text } from "./shapes.js";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export const LOG_FORMATS = ["auto", "pretty", "json"] as const;

/** A word that goes into a header: the token is never shown, not even when it is wrong. */
function secret(): z.ZodString {
  return z
    .string({ error: "expected text" })
    .regex(/^[\x21-\x7e]*$/u, { error: "expected a token without spaces and other than ASCII characters" });
}

const HOSTS =
  /^(?:\[[0-9A-Fa-f:.]{2,45}\]|(?:\*\.)?[\w\u00a1-\uffff][\w.\u00a1-\uffff-]{0,252})(?::\d{1,5})?$/u;

/** A host as it stands in a Host header, or all names below one. */
function hostNames(): z.ZodString {
  return matching(
    HOSTS,
    "expected a host name such as squall.internal, or *.internal for all names below it",
  );
}

function matching(pattern: RegExp, expected: string): z.ZodString {
  const error = (issue: { readonly input?: unknown }): string => `${expected}, got ${shown(issue.input)}`;
  return z.string({ error }).regex(pattern, { error });
}

const path = (): z.ZodString => text().min(1, { error: 'expected a path, got ""' });

export const adminShape = z.strictObject({
  listen: listen().prefault("127.0.0.1:8474").describe("where the admin port listens"),
  token: secret()
    .optional()
    .describe("a bearer token that every request must carry; better read from ${SQUALL_ADMIN_TOKEN}"),
  hosts: oneOrMany(hostNames(), "a host name")
    .prefault([])
    .describe(
      "names that browsers may call it by besides addresses, localhost and names without a dot; *.example.com is all names below example.com",
    ),
  tls: adminTls()
    .optional()
    .describe(
      "true speaks HTTPS with a certificate of the CA; { cert: ./admin.pem, key: ./admin.key } with your own",
    ),
  body: size({ positive: true }).prefault("1MiB").describe("the largest body that is taken"),
});

export const journalShape = z.strictObject({
  keep: count({ max: 10_000_000 }).default(10_000).describe("entries kept in memory"),
  exchanges: choice(["faulted", "all"])
    .default("faulted")
    .describe(
      "faulted: exchanges that faults acted on; all: every exchange, connection of tcp proxies, DNS query and UDP flow",
    ),
  file: path().optional().describe("where entries are written as JSON lines; nowhere by default"),
  rotate: size({ positive: true }).prefault("64MiB").describe("a new file is begun at this size"),
  files: count({ min: 1, max: 1_000 }).default(5).describe("old files that are kept"),
});

export const uiShape = z.strictObject({
  bodies: size({ max: 64 * 1024 })
    .prefault("0B")
    .describe(
      "how much of each body the dashboard shows, such as 4KiB; nothing by default, since bodies may hold secrets",
    ),
});

/** A duration, or off. */
function keepalive(): z.ZodType<Keepalive, string> {
  return z.union(
    [z.literal("off").transform(() => null), duration({ min: KEEPALIVE_MIN, max: KEEPALIVE_MAX })],
    {
      error: (issue) => `expected a duration such as 15s, or off, got ${shown(issue.input)}`,
    },
  );
}

/** `preserve`, `upstream`, or what may stand in a Host field. */
function hostRule(): z.ZodString {
  const expected = "expected preserve, upstream, or a host such as api.example.com or api.example.com:8080";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(/^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_.])?)(?::[0-9]{1,5})?$/iu, {
      error: (issue) => `${expected}, got ${shown(issue.input)}`,
    });
}

export const limitsShape = z.strictObject({
  connections: count({ min: 1 }).default(8_000).describe("client connections open at once, over all proxies"),
  flows: count({ min: 1 }).default(8_000).describe("flows of udp proxies at once, over all of them"),
  header: size({ positive: true }).prefault("64KiB").describe("the largest message head"),
  held: size({ positive: true })
    .prefault("256MiB")
    .describe("bytes held back by faults at once, over all proxies"),
  keepalive: keepalive()
    .prefault("15s")
    .describe(
      "how long a connection is silent before its peer is asked whether it is still there, on both legs; off never asks",
    ),
  drain: duration().prefault("5s").describe("how long connections may finish when the daemon stops"),
});

export const logShape = z.strictObject({
  level: choice(LOG_LEVELS).default("info"),
  format: choice(LOG_FORMATS).default("auto").describe("auto: pretty on a terminal, else json"),
});

export const proxyShape = z.strictObject({
  listen: listen().describe("host:port, :port for all addresses, port 0 for any free one"),
  upstream: upstream()
    .optional()
    .describe(
      "where it goes: http://host:port, https://host:port, tcp://host:port, tls://host:port, udp://host:port or dns://host; dns://system is this machine's own, dns://none nobody",
    ),
  ...poolShape,
  secure: secure()
    .optional()
    .describe(
      "TLS for clients: true or terminate, passthrough, detect, or a mapping; certificates are made where none are given",
    ),
  tls: tlsShape.prefault({}).describe("how an https:// or tls:// upstream is dialled"),
  identify: z
    .unknown()
    .optional()
    .describe("how a bot is known: the first rule that answers; client by default"),
  except: z.unknown().optional().describe("what is never faulted"),
  persona: choice(PERSONAS).default("plain").describe("whose words Squall's own 502, 503 and 504 are in"),
  fault_header: flag()
    .default(false)
    .describe("answers say in x-squall-fault what was done to them, and in x-squall-exchange which they are"),
  ambiguous: choice(["reject", "relay"])
    .default("reject")
    .describe(
      "a request with ambiguous framing: 400 and close, or relay the rest of the connection as bytes",
    ),
  host: hostRule()
    .default("preserve")
    .describe(
      "the Host that requests go up with: preserve the client's, the upstream's own host and port, or a name",
    ),
  rewrite: oneOrMany(choice(["location"]), "location")
    .prefault([])
    .describe(
      "location: Location, Content-Location and the Domain of cookies name the proxy where they name its upstream",
    ),
  head_timeout: duration({ positive: true })
    .prefault("60s")
    .describe("how long the head of a request may take to arrive, or a ClientHello"),
  dial_timeout: duration({ positive: true })
    .prefault("10s")
    .describe("how long dialling the upstream may take"),
  idle_timeout: duration({ positive: true })
    .prefault("60s")
    .describe("of a udp proxy: how long a flow lasts in which nothing is sent either way"),
  records: recordsShape
    .optional()
    .describe("of a dns proxy: names that it answers itself; *.example.com for all names below one"),
  proxy_protocol: choice(["off", "accept"])
    .default("off")
    .describe("accept: clients send a PROXY protocol header"),
  enabled: flag().default(true),
  limits: z
    .strictObject({
      connections: count({ min: 1 })
        .optional()
        .describe("client connections open at once, or flows of a udp proxy"),
      queries: count({ min: 1 }).optional().describe("of a dns proxy: questions under way at once"),
    })
    .prefault({}),
});

const paramValue = z.union([z.string(), z.number(), z.boolean()], {
  error: (issue) => `expected a single value, got ${shown(issue.input)}`,
});

export const activationShape = z.strictObject({
  profile: name().describe("the profile to start with"),
  params: z.record(z.string(), paramValue).default({}),
  seed: count().optional(),
  ttl: duration({ positive: true }).optional().describe("healed after this time"),
  proxies: oneOrMany(text(), "the name of a proxy").optional().describe("only on these proxies"),
  mode: choice(["inject", "observe"])
    .default("inject")
    .describe("observe: journal what would be hit and do nothing"),
});

const activate = z.union([name(), activationShape], {
  error: (issue) =>
    `expected the name of a profile, none, or a mapping with "profile: name", got ${shown(issue.input)}`,
});

/** The long form; the short one, a path or a list of them, is its `paths`. */
export const profilesShape = z.strictObject({
  library: flag()
    .default(true)
    .describe("whether the profiles that come with Squall are there, beneath those of one's own"),
  paths: oneOrMany(path(), "a folder or a file")
    .optional()
    .describe("folders or files with profiles; ./profiles, where there is one, if this is not given"),
});

function profiles(): z.ZodType<{ readonly library: boolean; readonly paths: readonly string[] | null }> {
  const error = (issue: { readonly input?: unknown }): string =>
    `expected a folder or a file, a list of them, or a mapping such as { library: false, paths: [./profiles] }, got ${shown(issue.input)}`;
  return z.union([path(), z.array(path()), profilesShape], { error }).transform((value) => {
    if (typeof value === "string") return { library: true, paths: [value] };
    if (Array.isArray(value)) return { library: true, paths: value };
    return { library: value.library, paths: value.paths ?? null };
  });
}

export const configShape = z.strictObject({
  admin: adminShape.prefault({}),
  profiles: profiles()
    .prefault({})
    .describe("folders or files with profiles of one's own, on top of those that come with Squall"),
  journal: journalShape.prefault({}),
  limits: limitsShape.prefault({}),
  tls: authorityShape
    .prefault({})
    .describe("the CA whose certificates bots are shown, where proxies speak TLS with them"),
  seed: count().optional().describe("the seed of activations that bring none; drawn by default"),
  log: logShape.prefault({}),
  proxies: z.record(z.string(), proxyShape).default({}),
  activate: oneOrMany(activate, "a profile")
    .prefault([])
    .describe("what to start with: a profile, several, or none"),
  ui: uiShape.prefault({}),
  fleet: fleetShape
    .optional()
    .describe("one switch for many daemons, by an engine that they share; none if left out"),
  state: path()
    .optional()
    .describe("a file that keeps what the API makes and changes over a restart; nothing is kept by default"),
  watch: flag().default(true).describe("whether profiles and this file are read again when they change"),
});

export type Settings = z.output<typeof configShape>;
