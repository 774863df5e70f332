/** The rows of the table of docs/tls.md: each is what is switched on while every client makes one request. */
import { CERTIFICATE_PROBLEMS } from "../../../src/faults/contract/index.js";
import { FAULT_TYPES } from "../../../src/faults/kinds/index.js";

export interface FaultRow {
  readonly group: string;
  /** What the table calls it. */
  readonly name: string;
  readonly faults: readonly Readonly<Record<string, unknown>>[];
  /** Of the proxy, the one that reads HTTP by default. */
  readonly proxy?: "http" | "tcp";
  /** Whether clients show a certificate. */
  readonly certificate?: boolean;
  /** Whether clients give up after two seconds rather than after a minute. */
  readonly hangs?: boolean;
}

const row = (
  group: string,
  name: string,
  fault: Readonly<Record<string, unknown>>,
  rest: Partial<FaultRow> = {},
): FaultRow => ({
  group,
  name,
  faults: [{ type: group, ...fault }],
  ...rest,
});

const ALERTS = [
  "handshake_failure",
  "internal_error",
  "unrecognized_name",
  "protocol_version",
  "access_denied",
];
const ON_CERTIFICATE = ["unknown_ca", "certificate_expired", "certificate_revoked"];
const LATER = ["internal_error", "user_canceled", "certificate_required"];

export const FAULT_ROWS: readonly FaultRow[] = [
  { group: "no fault", name: "none", faults: [] },
  ...CERTIFICATE_PROBLEMS.map((problem) => row("tls_certificate", problem, { problem })),
  ...ALERTS.map((alert) => row("tls_alert", `${alert}, at: hello`, { alert })),
  ...ON_CERTIFICATE.map((alert) =>
    row(
      "tls_alert",
      `${alert}, at: client_certificate`,
      { alert, at: "client_certificate" },
      { certificate: true },
    ),
  ),
  ...LATER.map((alert) => row("tls_alert", `${alert}, at: established`, { alert, at: "established" })),
  row("tls_alert", "internal_error, at: established, bytes: 500B", {
    alert: "internal_error",
    at: "established",
    bytes: "500B",
  }),
  row("tls_terms", "max: 1.1", { max: 1.1 }),
  row("tls_terms", "max: 1.2", { max: 1.2 }),
  row("tls_terms", "ciphers: AES128-SHA (of RSA keys)", { ciphers: "AES128-SHA" }),
  row("tls_terms", "alpn: [h2]", { alpn: ["h2"] }),
  row("tls_handshake", "delay: 200ms", { delay: "200ms" }),
  ...["hello", "our_flight", "finished"].flatMap((stall_at) =>
    ["close", "reset"].map((then) =>
      row("tls_handshake", `stall_at: ${stall_at}, for: 100ms, then: ${then}`, {
        stall_at,
        for: "100ms",
        then,
      }),
    ),
  ),
  ...["hello", "our_flight", "finished"].map((stall_at) =>
    row("tls_handshake", `stall_at: ${stall_at}`, { stall_at }, { hangs: true }),
  ),
  row("tls_client_certificate", "demand, none shown", { demand: true }),
  row("tls_client_certificate", "demand, one shown", { demand: true }, { certificate: true }),
  row("tls_client_certificate", "refuse: unknown_ca", { refuse: "unknown_ca" }, { certificate: true }),
  row(
    "tls_client_certificate",
    "refuse: bad_certificate",
    { refuse: "bad_certificate" },
    { certificate: true },
  ),
  row("tls_end", "how: without_notify", { how: "without_notify" }, { proxy: "tcp" }),
  row("tls_end", "how: notify_and_stay", { how: "notify_and_stay" }, { proxy: "tcp", hangs: true }),
  row(
    "tls_end",
    "how: alert, alert: internal_error",
    { how: "alert", alert: "internal_error" },
    { proxy: "tcp" },
  ),
  {
    group: "tls_end",
    name: "truncate, after: 700B, without_notify",
    faults: [
      { type: "truncate", after: "700B" },
      { type: "tls_end", how: "without_notify" },
    ],
  },
  { group: "tls_end", name: "truncate, after: 700B, with it", faults: [{ type: "truncate", after: "700B" }] },
  { group: "at: tls", name: "corrupt, rate: 100%", faults: [{ type: "corrupt", rate: "100%", at: "tls" }] },
  {
    group: "at: tls",
    name: "corrupt, upstream, rate: 100%",
    faults: [{ type: "corrupt", rate: "100%", at: "tls", direction: "upstream" }],
  },
  {
    group: "at: tls",
    name: "cut, after: 600B, then: close",
    faults: [{ type: "cut", after: "600B", then: "close", at: "tls" }],
  },
  {
    group: "at: tls",
    name: "cut, after: 600B, then: reset",
    faults: [{ type: "cut", after: "600B", then: "reset", at: "tls" }],
  },
  {
    group: "at: tls",
    name: "latency, delay: 100ms",
    faults: [{ type: "latency", delay: "100ms", at: "tls" }],
  },
];

export const TLS_TYPES: readonly string[] = FAULT_TYPES.map(({ type }) => type).filter((type) =>
  type.startsWith("tls_"),
);
