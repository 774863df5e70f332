/**
 * What can happen to a TLS handshake. A certificate with something wrong about it is for the client to refuse: that it gives up then is
 * no fault of its, and that it goes on is a finding by itself. Everything else is a bad day like any other.
 */
import type { CertificateProblem } from "../../faults/contract/index.js";
import type { Expectation, Kind, Preset } from "./kind.js";

type TlsKind = Kind<"tls">;

const REFUSE: Expectation = { done: "never", told: "untruth", next: "refuse" };
const REPEAT: Expectation = { done: "never", told: "failure", next: "repeat" };

const always = (): boolean => true;
/** Only who ends the client's TLS has a certificate to show, and a place within the handshake. */
const ended = ({ ended: isEnded }: { readonly ended: boolean }): boolean => isEnded;
const ENDED = "where Squall ends the TLS";

interface Wrong {
  readonly name: string;
  readonly problem: CertificateProblem;
  readonly preset: Preset;
  readonly what: string;
}

const WRONG: readonly Wrong[] = [
  {
    name: "unknown-ca",
    problem: "unknown_ca",
    preset: "quick",
    what: "The certificate is of a CA that nobody knows.",
  },
  {
    name: "wrong-host",
    problem: "wrong_host",
    preset: "quick",
    what: "The certificate is for another host.",
  },
  { name: "expired", problem: "expired", preset: "default", what: "The certificate expired 2 h ago." },
  {
    name: "self-signed",
    problem: "self_signed",
    preset: "all",
    what: "The certificate is signed by itself.",
  },
  {
    name: "not-yet-valid",
    problem: "not_yet_valid",
    preset: "all",
    what: "The certificate is not valid before 2 h from now.",
  },
  {
    name: "bad-signature",
    problem: "bad_signature",
    preset: "all",
    what: "The signature of the certificate is not that of the CA.",
  },
  {
    name: "incomplete-chain",
    problem: "incomplete_chain",
    preset: "all",
    what: "The intermediate certificate is not sent along.",
  },
  {
    name: "wrong-usage",
    problem: "wrong_usage",
    preset: "all",
    what: "The certificate is for clients only.",
  },
  {
    name: "no-san",
    problem: "no_san",
    preset: "all",
    what: "The certificate names its host in the common name alone.",
  },
  {
    name: "weak-key",
    problem: "weak_key",
    preset: "all",
    what: "The key of the certificate has 1024 bits (RSA).",
  },
  { name: "sha1", problem: "sha1", preset: "all", what: "The certificate is signed with SHA-1." },
  {
    name: "revoked",
    problem: "revoked",
    preset: "all",
    what: "The stapled OCSP response calls the certificate revoked.",
  },
];

function wrongCertificate({ name, problem, preset, what }: Wrong): TlsKind {
  return {
    name,
    protocol: "tls",
    what,
    preset,
    where: ENDED,
    applies: ended,
    blows: () => [{ type: "tls_certificate", params: { problem } }],
    expects: REFUSE,
  };
}

export const TLS_KINDS: readonly TlsKind[] = [
  {
    name: "reset",
    protocol: "tls",
    what: "The handshake ends with a reset, half-way where Squall ends the TLS.",
    preset: "quick",
    where: "everywhere",
    applies: always,
    blows: (site) => [
      { type: "tls_handshake", params: { stall_at: site.ended ? "our_flight" : "hello", then: "reset" } },
    ],
    expects: REPEAT,
  },
  {
    name: "closed",
    protocol: "tls",
    what: "The connection is closed in answer to the ClientHello.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "tls_handshake", params: { stall_at: "hello", then: "close" } }],
    expects: REPEAT,
  },
  {
    name: "silent",
    protocol: "tls",
    what: "Nothing comes in answer to the ClientHello, and the connection stays open.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "tls_handshake", params: { stall_at: "hello" } }],
    expects: REPEAT,
  },
  {
    name: "alert",
    protocol: "tls",
    what: "The alert handshake_failure comes in answer to the ClientHello.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "tls_alert", params: { alert: "handshake_failure" } }],
    expects: REPEAT,
  },
  {
    name: "slow",
    protocol: "tls",
    what: "The answer to the ClientHello comes 10 s later.",
    preset: "default",
    where: "everywhere",
    applies: always,
    blows: () => [{ type: "tls_handshake", params: { delay: "10s" } }],
    expects: { done: "once", told: "nothing", next: "go on" },
  },
  ...WRONG.map(wrongCertificate),
  {
    name: "huge",
    protocol: "tls",
    what: "The certificate is right, and has some 60 kB.",
    preset: "all",
    where: ENDED,
    applies: ended,
    blows: () => [{ type: "tls_certificate", params: { problem: "huge" } }],
    expects: { done: "once", told: "nothing", next: "go on" },
  },
  {
    name: "old-version",
    protocol: "tls",
    what: "Nothing newer than TLS 1.1 is spoken.",
    preset: "all",
    where: ENDED,
    applies: ended,
    blows: () => [{ type: "tls_terms", params: { max: "1.1" } }],
    expects: REFUSE,
  },
  {
    name: "stuck",
    protocol: "tls",
    what: "The handshake stops at the client's last word: it takes itself to be connected, and nothing comes.",
    preset: "all",
    where: ENDED,
    applies: ended,
    blows: () => [{ type: "tls_handshake", params: { stall_at: "finished" } }],
    expects: REPEAT,
  },
  {
    name: "certificate-wanted",
    protocol: "tls",
    what: "The client must show a certificate.",
    preset: "all",
    where: ENDED,
    applies: ended,
    blows: () => [{ type: "tls_client_certificate", params: {} }],
    expects: { ...REPEAT, next: "refuse" },
  },
  {
    name: "late-alert",
    protocol: "tls",
    what: "The alert internal_error comes as soon as the client takes itself to be connected.",
    preset: "all",
    where: ENDED,
    applies: ended,
    blows: () => [{ type: "tls_alert", params: { alert: "internal_error", at: "established" } }],
    expects: REPEAT,
  },
  {
    name: "unsaid-end",
    protocol: "tls",
    what: "The connection ends without the last word of TLS, as of somebody who cuts the answer short.",
    preset: "all",
    where: ENDED,
    applies: ended,
    blows: () => [{ type: "tls_end", params: { how: "without_notify" } }],
    expects: { done: "once", told: "nothing", next: "go on" },
  },
];
