/** The rows of the matrix: which flaw a profile exposes, with times scaled down by its params. */
import type { Flaw } from "../../../src/mock/bot/flaws.js";
import type { Promises } from "./account.js";

export interface Case {
  readonly profile: string;
  /** null is the reference bot. */
  readonly flaw: Flaw | null;
  readonly params?: Readonly<Record<string, string | number>>;
  readonly promises?: Promises;
  readonly setting?: Setting;
}

export interface Setting {
  readonly bots?: number;
  readonly jobs?: number;
  /** Of each payload; 0 is a payload in JSON. */
  readonly size?: number;
  readonly work?: string;
  readonly lease?: string;
  readonly wait?: number;
  readonly requestTimeout?: number;
  readonly backOffMax?: number;
  /** When it is healed, counted from its beginning; by default when its phases are over. */
  readonly healAfter?: number;
  /** Jobs are given out before the fault begins, or only while it is there. */
  readonly begin?: "busy" | "idle" | "absent";
  /** Bots ask a dns proxy for the server's name. */
  readonly dns?: boolean;
  /** Bots speak TLS with the proxy, and trust its CA. */
  readonly secure?: boolean;
  /** The proxy has three upstreams. */
  readonly pool?: boolean;
  /** After healing, all is done within so many milliseconds. */
  readonly patience?: number;
}

type Row = Omit<Case, "flaw">;

const ROWS = {
  "half-open": {
    profile: "half-open",
    params: { idle: "300ms" },
    promises: { during: true },
    setting: { begin: "idle", healAfter: 10_000, jobs: 6 },
  },
  "half-open (TLS)": {
    profile: "half-open",
    params: { idle: "300ms" },
    promises: { during: true },
    setting: { begin: "idle", healAfter: 10_000, jobs: 6, secure: true },
  },
  "cert-expired": {
    profile: "cert-expired",
    setting: { begin: "absent", healAfter: 3_000, secure: true, patience: 25_000 },
  },
  // Connections that are established as far as a bot can see.
  "tls-stall": {
    profile: "tls-stall",
    params: { stall_at: "finished", part: "30%", idle: "300ms" },
    promises: { during: true },
    // Each new connection may cost a time-out.
    setting: { begin: "idle", healAfter: 25_000, jobs: 6, secure: true },
  },
  "lost-ack": {
    profile: "lost-ack",
    params: { every: 2 },
    promises: { once: true },
    setting: { healAfter: 3_000 },
  },
  "lost-ack (lease)": {
    profile: "lost-ack",
    params: { path: "/v1/lease", every: 2 },
    promises: { once: true },
    setting: { healAfter: 3_000 },
  },
  "slow-heartbeats": {
    profile: "slow-heartbeats",
    params: { calm: "300ms", slow: "2500ms", delay: "20s" },
    setting: { work: "2500ms", lease: "1s", jobs: 3, patience: 25_000 },
  },
  "failing-heartbeats": {
    profile: "failing-heartbeats",
    promises: { once: true },
    setting: { work: "1500ms", lease: "1500ms", jobs: 3, healAfter: 4_000 },
  },
  "server-restart": {
    profile: "server-restart",
    params: { calm: "300ms", away: "800ms", warm_up: "800ms", cold: "200ms" },
    setting: { begin: "idle", wait: 5_000 },
  },
  "double-blip": {
    profile: "double-blip",
    params: { calm: "300ms", blip: "200ms", between: "1800ms" },
    setting: { begin: "idle", wait: 5_000, jobs: 3 },
  },
  "token-expiry": {
    profile: "token-expiry",
    params: { after: "800ms" },
    promises: { once: true },
    setting: { work: "2s", lease: "2s", jobs: 3, healAfter: 6_000 },
  },
  "rate-limit": {
    profile: "rate-limit",
    params: { limit: 4, window: "2s", burst: 4 },
    promises: { patient: true },
    setting: { healAfter: 4_000 },
  },
  "payload-truncation": {
    profile: "payload-truncation",
    setting: { size: 65_536, healAfter: 4_000, patience: 15_000 },
  },
  "lb-flapping": { profile: "lb-flapping", params: { good: "400ms", bad: "500ms", times: 1 } },
  "large-payloads": {
    profile: "large-payloads",
    params: { after: "96KiB", part: "100%" },
    promises: { during: true },
    setting: { size: 262_144, jobs: 3, healAfter: 15_000, begin: "absent" },
  },
  "heal-storm": {
    profile: "heal-storm",
    params: { calm: "200ms", away: "3500ms", weak: "1s", max: 8, queue: 8 },
    promises: { spread: true },
    setting: { bots: 12, begin: "idle", wait: 8_000, backOffMax: 1_000 },
  },
  "dns-failure": {
    profile: "dns-failure",
    params: { on: "proxy", calm: "10ms", away: "60s" },
    setting: { dns: true, begin: "absent", healAfter: 1_500 },
  },
} as const satisfies Record<string, Row>;

type RowName = keyof typeof ROWS;

/** Each flaw with the profile that must expose it. */
const EXPOSED: Readonly<Record<Flaw, RowName>> = {
  "no-timeout": "half-open",
  "lost-lease": "lost-ack (lease)",
  "double-run": "lost-ack",
  "stale-lease": "slow-heartbeats",
  "dies-on-reset": "server-restart",
  "connected-but-idle": "double-blip",
  "no-refresh": "token-expiry",
  "ignores-retry-after": "rate-limit",
  "trusts-short-bodies": "payload-truncation",
  "html-as-json": "lb-flapping",
  "restart-from-zero": "large-payloads",
  "storm": "heal-storm",
  "permanent-dns": "dns-failure",
  "no-verify": "cert-expired",
  "one-strike": "failing-heartbeats",
};

/** Where it is exposed in another way as well. */
const EXPOSED_AS_WELL: readonly (readonly [Flaw, RowName])[] = [
  ["no-timeout", "half-open (TLS)"],
  ["no-timeout", "tls-stall"],
];

export const FLAWED: readonly Case[] = [
  ...(Object.entries(EXPOSED) as [Flaw, RowName][]),
  ...EXPOSED_AS_WELL,
].map(([flaw, row]) => ({ ...ROWS[row], flaw }));

/** The good bot in just the places where the flawed ones are caught: the oracle must tell them apart. */
export const REFERENCE: readonly Case[] = Object.values(ROWS).map((row) => ({ ...row, flaw: null }));

/** Networks on which a round trip takes most of a second need the time-outs of a bot that is used to them. */
const SLOW: Setting = { requestTimeout: 15_000, healAfter: 4_000, patience: 30_000 };
const POOL: Setting = { pool: true, healAfter: 4_000 };
/**
 * Bots begin when the fault is there: theirs is the first handshake that it sees. On a busy machine a handshake, and the start of a
 * bot, may take most of a time-out.
 */
const TLS: Setting = {
  begin: "absent",
  healAfter: 3_000,
  requestTimeout: 3_000,
  patience: 25_000,
  secure: true,
};

/** The other profiles, for the reference bot. A profile that is in neither list is a mistake, which a test finds. */
const OTHERS: readonly Row[] = [
  { profile: "lost-request", params: { every: 2 }, promises: { once: true }, setting: { healAfter: 3_000 } },
  ...[
    "2g-rural",
    "3g-slow",
    "3g",
    "4g",
    "edge",
    "satellite-geo",
    "very-bad",
    "wifi-bad",
    "dsl",
    "lte",
    "cable",
    "fios",
  ].map((profile) => ({ profile, setting: SLOW })),
  ...["starlink", "wan-transatlantic", "gray-link", "packet-loss", "slow-link", "high-latency"].map(
    (profile) => ({
      profile,
      setting: SLOW,
    }),
  ),
  { profile: "blackhole", promises: { during: true }, setting: { healAfter: 6_000 } },
  { profile: "connection-limit", setting: { healAfter: 3_000 } },
  { profile: "contention", params: { service_time: "20ms" }, setting: { healAfter: 3_000, size: 16_384 } },
  { profile: "data-corruption", setting: { healAfter: 3_000, size: 4_096 } },
  {
    profile: "dns-flapping",
    params: { good: "400ms", bad: "400ms", times: 2 },
    setting: { begin: "absent" },
  },
  { profile: "duplicate", setting: { healAfter: 3_000 } },
  { profile: "flaky-connections", params: { after: "400ms" }, setting: { healAfter: 3_000 } },
  { profile: "health-check-flap", params: { up: "600ms", down: "400ms", times: 2 } },
  { profile: "invalid-token", params: { part: "20%" }, setting: { healAfter: 3_000 } },
  {
    profile: "job-dependencies",
    params: { age: "1s", late: "300ms" },
    promises: { once: true },
    setting: { healAfter: 3_000 },
  },
  {
    profile: "long-running-jobs",
    params: { quiet: "600ms", race: "100ms" },
    setting: { healAfter: 4_000, work: "1s", jobs: 3, patience: 20_000 },
  },
  { profile: "many-bots", params: { max: 4, queue: 2 }, setting: { bots: 10, healAfter: 4_000 } },
  { profile: "overload", setting: { healAfter: 3_000 } },
  { profile: "partition", params: { calm: "300ms", cut: "2s" } },
  {
    profile: "rolling-deploy",
    params: { calm: "500ms", swap: "400ms", warm_up: "400ms", cold: "200ms", servers: 2 },
  },
  ...["cert-wrong-host", "cert-chain-incomplete", "tls-alert-storm", "tls-too-old"].map((profile) => ({
    profile,
    setting: TLS,
  })),
  { profile: "cert-not-yet-valid", params: { fresh: "3s" }, setting: { begin: "absent", secure: true } },
  {
    profile: "cert-expires-mid-run",
    params: { calm: "500ms", expired: "3s", idle: "300ms" },
    setting: { secure: true },
  },
  { profile: "mtls-rotated", params: { after: "1s" }, setting: TLS },
  { profile: "tls-truncated", setting: { ...TLS, size: 4_096, patience: 25_000 } },
  { profile: "corporate-mitm", params: { lives: "700ms" }, setting: { ...TLS, begin: "busy" } },
  { profile: "server-crash", setting: { healAfter: 2_000 } },
  { profile: "lb-brownout", params: { calm: "300ms", dim: "3s", slow: "200ms" }, setting: POOL },
  {
    profile: "lb-deploy",
    params: { away: "500ms", rest: "1500ms", warm_up: "500ms", cold: "100ms" },
    setting: POOL,
  },
  { profile: "lb-double-blip", params: { calm: "300ms", blip: "200ms", between: "800ms" }, setting: POOL },
  { profile: "lb-fast-flap", setting: POOL },
  { profile: "lb-heal-storm", params: { calm: "300ms", away: "2s" }, setting: POOL },
  { profile: "lb-health-check-flap", params: { up: "800ms", down: "400ms", jitter: "100ms" }, setting: POOL },
  {
    profile: "lb-returns-cold",
    params: { calm: "300ms", away: "500ms", warm_up: "1s", cold: "300ms" },
    setting: POOL,
  },
];

export const SURVIVED: readonly Case[] = [...REFERENCE, ...OTHERS.map((row) => ({ ...row, flaw: null }))];

/** Rows of docs/coverage.md that no other test of every run tells of. */
const COVERED = [
  ...["data-corruption", "overload", "packet-loss", "many-bots", "contention"],
  ...["long-running-jobs", "job-dependencies", "invalid-token"],
];
/** What the stories of test/e2e/mock-server.all.test.ts show already. */
const TOLD = ["server-restart", "large-payloads"];

/** Those that are played in every run of the tests. */
export const OFTEN: readonly Case[] = [
  ...REFERENCE.filter(({ profile }) => !TOLD.includes(profile)),
  ...SURVIVED.filter(({ profile }) => COVERED.includes(profile)),
];

/** What no flaw of the mock bot can show, and why the profile is there all the same. */
export const WITHOUT_FLAW: Readonly<Record<string, string>> = {
  "duplicate":
    "puts the server to the test, since bots see one answer. The copy of a long poll may be given a job after the bot was told that there is none: its lease runs out, and the job is done later, once",
  "lost-request":
    "looks to a bot as lost-ack does, where the server has not heard of it; double-run is shown there",
  "job-dependencies": "hurts bots that read their parents' results, which the mock bot does not",
  "blackhole, partition, long-running-jobs":
    "silence as in half-open, of a share of the connections, of all for a while, or of those that are quiet; no-timeout is shown by half-open, which hits every bot",
  "server-crash, flaky-connections, rolling-deploy":
    "cuts as in server-restart, without an end, again and again, or for a share of the requests; dies-on-reset is shown there",
  "health-check-flap":
    "balancers' answers as in lb-flapping, in another rhythm and other words; html-as-json is shown there",
  "dns-flapping": "as dns-failure, over and over; permanent-dns is shown there",
  "invalid-token": "as token-expiry, at random; no-refresh is shown there",
  "cert-expires-mid-run, cert-wrong-host, cert-not-yet-valid, cert-chain-incomplete, corporate-mitm":
    "wrong certificates in other ways, at other times, or for one name; no-verify is shown by cert-expired",
  "tls-too-old, tls-alert-storm, mtls-rotated, tls-truncated":
    "handshakes that fail and responses that are cut, which the mock bot takes as it takes other ends; dies-on-reset and trusts-short-bodies are shown elsewhere",
  "data-corruption":
    "puts digests and the shape of answers to the test; trusts-short-bodies is shown by payload-truncation",
  "overload, connection-limit, contention, many-bots":
    "load: what they do to a bot is to make it wait, and a bot that cannot wait has the flaws of rate-limit or heal-storm",
};
