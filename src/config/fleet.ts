/** `fleet` of squall.yaml: the engine that many daemons share, who this daemon is among them, and what it lets them do to it. */
import { hostname } from "node:os";
import { z } from "zod";
import { choice, count, duration, flag, shown } from "../faults/params.js";
import { child, type Located, type LocatedMap } from "./located.js";
import type { Problems } from "./problems.js";
import { NAME_PATTERN, oneOrMany, text } from "./shapes.js";

/** Which schemes there are, and the engine that speaks each. */
export const ENGINE_SCHEMES = {
  nats: "nats",
  tls: "nats",
  redis: "redis",
  rediss: "redis",
} as const;

export type EngineScheme = keyof typeof ENGINE_SCHEMES;

const ENGINES_MAX = 16;
const LABELS_MAX = 32;
const ACCEPTED_MAX = 1_000;

/** Streams, buckets and subjects are named by it, and these have no dots in them. */
const FLEET_NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/u;
/** What hosts are called; a dot parts two tokens of a subject, so none stands at an end or beside another. */
const DAEMON_NAME = /^[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,15}$/u;
const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/u;
const LABEL_VALUE = /^[\x21-\x7e]{0,128}$/u;
const ENGINE_URL =
  /^([a-z][a-z0-9+.-]*):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(?:\/(\d{0,5}))?$/u;

type Issue = { readonly input?: unknown };

function matching(pattern: RegExp, expected: string): z.ZodString {
  const error = (issue: Issue): string => `${expected}, got ${shown(issue.input)}`;
  return z.string({ error }).regex(pattern, { error });
}

/** What is wrong with an engine's URL; null for nothing. What stands before an @ may be a password, so it is never shown. */
function engineMistake(url: string): string | null {
  const expected = "expected the URL of an engine such as nats://nats-1:4222";
  if (url.includes("@"))
    return `${expected}, without a user or a password in it: they stand under credentials`;
  const [, scheme = "", , port, database = ""] = ENGINE_URL.exec(url) ?? [];
  const found = `${expected}, got ${shown(url)}`;
  if (scheme === "") return found;
  if (!Object.hasOwn(ENGINE_SCHEMES, scheme))
    return `expected nats://, tls://, redis:// or rediss://, got ${shown(url)}`;
  const hasDatabase = database !== "" && ENGINE_SCHEMES[scheme as EngineScheme] !== "redis";
  return hasDatabase || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) ? found : null;
}

/** One URL, several with commas between, or a list; always a list afterwards. */
function engines(): z.ZodType<readonly string[], string | string[]> {
  const error = (issue: Issue): string =>
    `expected the URL of an engine such as nats://nats-1:4222, or a list of them, got ${shown(issue.input)}`;
  return z.union([z.string(), z.array(z.string({ error }))], { error }).transform((value, context) => {
    const given = (typeof value === "string" ? value.split(",") : value).map((url) => url.trim());
    const urls = given.filter((url) => url !== "");
    const mistake =
      urls.map(engineMistake).find((one) => one !== null) ??
      (urls.length === 0 ? "expected at least one engine, got none" : null) ??
      (urls.length > ENGINES_MAX ? `expected at most ${ENGINES_MAX} engines, got ${urls.length}` : null) ??
      schemesMistake(urls);
    if (mistake === null) return urls.map((url) => url.replace(/\/$/u, ""));
    context.issues.push({ code: "custom", message: mistake, input: value });
    return z.NEVER;
  });
}

function schemesMistake(urls: readonly string[]): string | null {
  const schemes = [...new Set(urls.map((url) => url.slice(0, url.indexOf(":"))))];
  return schemes.length <= 1 ? null : `expected engines of one scheme, got ${schemes.join(" and ")}`;
}

/** A word that is never shown, not even when it is wrong. */
function secret(): z.ZodString {
  return z.string({ error: "expected text" }).min(1, { error: "expected text, got nothing" });
}

const path = (): z.ZodString => text().min(1, { error: 'expected a path, got ""' });

/** Where a daemon's admin API is: a scheme, a host, perhaps a port, and nothing behind it. */
export const ADMIN_URL = /^https?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?\/?$/u;

const credentialsShape = z.strictObject({
  file: path().optional().describe("a file of NATS credentials (.creds)"),
  nkey: path().optional().describe("a file with the seed of a NATS user's nkey (SU…)"),
  user: text().min(1).optional(),
  password: secret().optional().describe("better read from ${VARIABLE}"),
  token: secret().optional().describe("better read from ${VARIABLE}"),
});

const fleetTlsShape = z.strictObject({
  ca: path().optional().describe("a file of certificates (PEM) to trust instead of the usual ones"),
  cert: path().optional().describe("a file (PEM) of the certificate that the engine is shown"),
  key: path().optional(),
  servername: text().min(1).optional().describe("the name to find in the engine's certificate"),
  insecure: flag().default(false).describe("any certificate will do"),
  handshake_first: flag()
    .default(false)
    .describe("TLS before the first word, for servers of NATS that have this set as well"),
});

export const fleetShape = z.strictObject({
  name: matching(
    FLEET_NAME,
    'expected a name of at most 32 lower-case letters, digits, "_" and "-"',
  ).describe("of the fleet: daemons of one name and one engine are together"),
  engine: engines().describe(
    "where they meet: nats:// or tls:// for NATS, redis:// or rediss:// for Redis; a URL, several with commas between, or a list",
  ),
  credentials: credentialsShape.prefault({}).describe("who this daemon is to the engine"),
  tls: fleetTlsShape.optional().describe("how the engine is spoken to over TLS"),
  daemon: matching(
    DAEMON_NAME,
    'expected a name of letters, digits, "_" and "-", at most 63 between single dots',
  )
    .optional()
    .describe("the name of this daemon, different for each; ${HOSTNAME}, or the machine's name by default"),
  labels: z
    .record(
      matching(LABEL_NAME, 'expected a label of letters, digits, ".", "_", "/" and "-"'),
      matching(LABEL_VALUE, "expected text without spaces, of at most 128 characters"),
    )
    .refine((labels) => Object.keys(labels).length <= LABELS_MAX, {
      error: `expected at most ${LABELS_MAX} labels`,
    })
    .default({})
    .describe("by which this daemon can be meant, such as { zone: eu-1, role: worker }"),
  poll: duration({ min: 100, max: 60_000 })
    .prefault("5s")
    .describe("how often the plan is read, should no message say that it has changed"),
  max_ttl: duration({ min: 1_000, max: 7 * 86_400_000 })
    .prefault("1h")
    .describe("what asks for more time than this is refused"),
  accept: oneOrMany(
    matching(/^[a-z0-9*][a-z0-9._*-]{0,63}$/u, "expected the name of a profile, or a pattern such as net-*"),
    "the name of a profile",
  )
    .refine((names) => names.length <= ACCEPTED_MAX, { error: `expected at most ${ACCEPTED_MAX} profiles` })
    .optional()
    .describe("the profiles that the fleet may switch on here; all if left out"),
  journal: choice(["hits", "all", "none"])
    .default("hits")
    .describe("which entries go into the fleet's journal: what faults did, all, or none"),
  control: flag()
    .default(false)
    .describe("whether this daemon's admin API may switch faults on and off for the whole fleet"),
  admin: matching(ADMIN_URL, "expected a URL such as http://10.0.0.7:8474")
    .optional()
    .describe("where other daemons reach this one's admin API; they pass calls on to it there"),
  pass_token: flag()
    .default(false)
    .describe("whether calls that are passed on to another daemon carry the caller's admin token"),
  replicas: count({ min: 1, max: 5 })
    .default(1)
    .describe("copies of plan and journal where the engine is a cluster of NATS servers"),
});

/** Everything resolved; paths absolute if the file's folder is known. */
export interface FleetConfig {
  readonly name: string;
  readonly engine: readonly string[];
  readonly credentials: {
    readonly file: string | null;
    readonly nkey: string | null;
    readonly user: string | null;
    readonly password: string | null;
    readonly token: string | null;
  };
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
    readonly servername: string | null;
    readonly insecure: boolean;
    readonly handshakeFirst: boolean;
  } | null;
  readonly daemon: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly poll: number;
  /** Milliseconds. */
  readonly maxTtl: number;
  /** Names and patterns; null for all profiles. */
  readonly accept: readonly string[] | null;
  readonly journal: "hits" | "all" | "none";
  readonly control: boolean;
  readonly admin: string | null;
  readonly passToken: boolean;
  readonly replicas: number;
}

export function fleetOf(
  fleet: z.output<typeof fleetShape> | undefined,
  resolve: (written: string) => string,
  env: Readonly<Record<string, string | undefined>>,
): FleetConfig | null {
  if (fleet === undefined) return null;
  const { credentials, tls } = fleet;
  const pathOf = (written: string | undefined): string | null =>
    written === undefined ? null : resolve(written);
  return {
    name: fleet.name,
    engine: fleet.engine,
    credentials: {
      file: pathOf(credentials.file),
      nkey: pathOf(credentials.nkey),
      user: credentials.user ?? null,
      password: credentials.password ?? null,
      token: credentials.token ?? null,
    },
    tls:
      tls === undefined
        ? null
        : {
            ca: pathOf(tls.ca),
            cert: pathOf(tls.cert),
            key: pathOf(tls.key),
            servername: tls.servername ?? null,
            insecure: tls.insecure,
            handshakeFirst: tls.handshake_first,
          },
    daemon: fleet.daemon ?? nameOfMachine(env),
    labels: fleet.labels,
    poll: fleet.poll,
    maxTtl: fleet.max_ttl,
    accept: fleet.accept ?? null,
    journal: fleet.journal,
    control: fleet.control,
    admin: fleet.admin?.replace(/\/$/u, "") ?? null,
    passToken: fleet.pass_token,
    replicas: fleet.replicas,
  };
}

/** A container's HOSTNAME is its own. What no daemon can be called by becomes dashes. */
function nameOfMachine(env: Readonly<Record<string, string | undefined>>): string {
  const name = env["HOSTNAME"] ?? "";
  const plain = (name === "" ? hostname() : name)
    .slice(0, 63)
    .replaceAll(/[^A-Za-z0-9_.-]+/gu, "-")
    .replaceAll(/\.{2,}|^\.|\.$/gu, "-");
  return plain === "" ? "squall" : plain;
}

/** What settings of a fleet say together. `root` is the whole file. */
export function checkFleet(
  { fleet }: { readonly fleet?: z.output<typeof fleetShape> | undefined },
  root: LocatedMap,
  problems: Problems,
): void {
  const node = child(root, "fleet");
  if (fleet === undefined || node === undefined) return;
  checkCredentials(fleet, node, problems);
  checkTls(fleet, node, problems);
  for (const name of fleet.accept ?? []) {
    if (name.includes("*") || NAME_PATTERN.test(name)) continue;
    problems.add(child(node, "accept") ?? node, `no profile can be called ${shown(name)}`);
  }
}

function speaksNats({ engine: [url = ""] }: z.output<typeof fleetShape>): boolean {
  return /^(?:nats|tls):/u.test(url);
}

function checkCredentials(fleet: z.output<typeof fleetShape>, fleetNode: Located, problems: Problems): void {
  const node = child(fleetNode, "credentials") ?? fleetNode;
  const { file, nkey, user, password, token } = fleet.credentials;
  const ways = [
    ...(file === undefined ? [] : ["file"]),
    ...(nkey === undefined ? [] : ["nkey"]),
    ...(user === undefined && password === undefined ? [] : [user === undefined ? "password" : "user"]),
    ...(token === undefined ? [] : ["token"]),
  ];
  const [first, second] = ways;
  if (second !== undefined) {
    problems.add(
      child(node, second) ?? node,
      `expected one way to say who the daemon is, got ${first} and ${second}`,
    );
    return;
  }
  if (!speaksNats(fleet)) {
    for (const key of ["file", "nkey", "token"])
      if (child(node, key) !== undefined)
        problems.add(
          child(node, key) ?? node,
          `${key === "nkey" ? "an" : "a"} ${key} is for NATS, and this engine is Redis`,
          "Redis takes a password, or a user and a password",
        );
    if (user !== undefined && password === undefined) problems.add(node, "a user needs a password");
    return;
  }
  if ((user === undefined) !== (password === undefined))
    problems.add(
      child(node, user === undefined ? "password" : "user") ?? node,
      user === undefined ? "a password needs a user" : "a user needs a password",
    );
}

function checkTls(fleet: z.output<typeof fleetShape>, fleetNode: Located, problems: Problems): void {
  const node = child(fleetNode, "tls");
  const { tls, engine } = fleet;
  if (tls === undefined || node === undefined) return;
  if (engine[0]?.startsWith("redis:") === true)
    problems.add(node, "this engine is spoken to without TLS", "rediss:// speaks TLS");
  if (tls.handshake_first && !speaksNats(fleet))
    problems.add(child(node, "handshake_first") ?? node, "this is for NATS: Redis always begins with TLS");
  if ((tls.cert === undefined) !== (tls.key === undefined))
    problems.add(
      child(node, tls.cert === undefined ? "key" : "cert") ?? node,
      tls.cert === undefined ? "a key needs its certificate: cert" : "a certificate needs its key: key",
    );
}
