/**
 * O6, accepted: a client went on over TLS with a certificate that is wrong, or with a version that nobody should speak. What it sent after
 * that says so itself, so nothing is guessed: whatever the command made of it, whoever stands between could have read and changed it all.
 */
import type { CertificateProblem } from "../../faults/contract/index.js";
import type { Alarm } from "../contract/finding.js";
import type { FaultInput } from "../contract/run.js";
import { tlsSiteId } from "../sites/tls.js";
import type { Oracle } from "./evidence.js";

/** What common clients take as well by their defaults: docs/tls.md has who. */
const LENIENT: ReadonlySet<string> = new Set([
  "weak_key",
  "sha1",
  "no_san",
  "revoked",
] satisfies readonly CertificateProblem[]);

const OLD: ReadonlySet<string> = new Set(["TLSv1", "TLSv1.1"]);

const WORDS: Readonly<Record<string, string>> = {
  expired: "that had expired",
  not_yet_valid: "that was not valid yet",
  wrong_host: "for another host",
  self_signed: "that was signed by itself",
  unknown_ca: "of a CA that it does not know",
  incomplete_chain: "without what ties it to a CA that it knows",
  bad_signature: "whose signature was wrong",
  weak_key: "with a key of 1024 bits (RSA)",
  sha1: "that was signed with SHA-1",
  no_san: "that named its host in the common name alone",
  wrong_usage: "that was for clients only",
  revoked: "that was called revoked",
};

export const accepted: Oracle = ({ run, faults }) => {
  const names = new Set(faults.map(({ name }) => name));
  const alarms = new Map<string, Alarm>();
  for (const one of run.record.handshakes ?? []) {
    const { proxy, sni, took, problem, version, bot } = one;
    if (took !== "accepted" || !one.faults.some((fault) => names.has(fault))) continue;
    const what =
      problem !== null
        ? `a certificate ${WORDS[problem] ?? `that is wrong (${problem})`}`
        : version !== null && OLD.has(version)
          ? version.replace("TLSv1", "TLS 1").replace(/^TLS 1$/u, "TLS 1.0")
          : null;
    if (what === null) continue;
    const grave = problem !== null && !LENIENT.has(problem);
    const at = `TLS to ${proxy}${sni === null ? "" : ` as ${sni}`}`;
    // Who takes one bad certificate takes the others for the same reason, as a rule.
    const signature = `accepted ${grave ? "a wrong certificate" : (problem ?? "an old version")}: ${at}`;
    if (!alarms.has(signature))
      alarms.set(signature, {
        verdict: grave ? "WRONG" : "SUSPECT",
        oracle: "O6",
        signature,
        text: `${bot} went on with ${what}, over ${at}`,
        site: tlsSiteId(one),
      });
  }
  return [...alarms.values()];
};

/**
 * Whether all that was done to the command is what a client must refuse, and no client took it: then that the command says it failed is
 * what it should do. There is nothing to repeat where a certificate is wrong: the next one is no better until somebody renews it.
 */
export function rightlyRefused(
  faults: readonly FaultInput[],
  handshakes: readonly { readonly faults: readonly string[]; readonly took: string }[],
): boolean {
  if (faults.length === 0 || !faults.every(isToBeRefused)) return false;
  const hit = handshakes.filter((one) => faults.some(({ name }) => one.faults.includes(name)));
  return hit.length > 0 && hit.every(({ took }) => took !== "accepted");
}

function isToBeRefused({ type, problem, max }: FaultInput): boolean {
  if (type === "tls_certificate") return problem !== "huge";
  return type === "tls_client_certificate" || (type === "tls_terms" && (max === "1.0" || max === "1.1"));
}
