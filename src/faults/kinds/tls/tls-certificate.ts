/** Shows clients another certificate than the right one, with one thing wrong about it. */
import { z } from "zod";
import { formatDuration } from "../../../core/units.js";
import {
  CERTIFICATE_PROBLEMS,
  defineFault,
  isWrong,
  type CertificateProblem,
  type CertificateRecipe,
  type HandshakeFault,
  type HandshakeInfo,
  type Scope,
  type Terms,
  type Took,
} from "../../contract/index.js";
import { choice, duration } from "../../params.js";

const params = z.object({
  problem: choice(CERTIFICATE_PROBLEMS).describe(
    "what is wrong with it: its time is over or has not come (expired, not_yet_valid); it is for another host; it is signed by itself, by a CA that nobody knows, or by an intermediate that is not sent along (incomplete_chain); its signature is not the CA's; its key is too short (RSA, 1024 bits); its digest is SHA-1; it names its host nowhere but in the common name; it is for clients only (wrong_usage); its CA says in the stapled OCSP response that it is revoked; it has some 60 kB",
  ),
  by: duration({ min: 1_000 })
    .optional()
    .describe(
      "of expired and not_yet_valid: how long ago its time ended, or how long it is until it begins; 2h by default",
    ),
});
type Params = z.infer<typeof params>;

const BY = 2 * 3_600_000;
/** A session that is resumed shows no certificate. */
const EACH_TIME: Terms = { tickets: false };

class WrongCertificate implements HandshakeFault {
  constructor(
    private readonly scope: Scope<Params, "presented" | "accepted", undefined>,
    private readonly handshake: HandshakeInfo,
  ) {}

  certificate(): CertificateRecipe {
    const { problem, by = BY } = this.scope.params;
    const { sni, asksStatus } = this.handshake.hello;
    this.scope.count("presented", 1, {
      problem,
      ...(isTimed(problem) ? { by: formatDuration(by) } : {}),
      ...(sni === null ? {} : { sni }),
      // Who does not ask for the response is not told.
      ...(problem === "revoked" ? { asks_status: asksStatus } : {}),
    });
    return { problem, by };
  }

  terms(): Terms {
    return EACH_TIME;
  }

  /** Nobody can be blamed for what there was no way to know. */
  took(how: Took): void {
    if (how === "accepted" && isWrong(this.scope.params.problem, this.handshake.hello))
      this.scope.count("accepted");
  }

  readonly wakeAt = Infinity;
}

function isTimed(problem: CertificateProblem): boolean {
  return problem === "expired" || problem === "not_yet_valid";
}

const WORDS: Readonly<Record<CertificateProblem, string>> = {
  expired: "that has expired",
  not_yet_valid: "that is not valid yet",
  wrong_host: "for another host",
  self_signed: "that is signed by itself",
  unknown_ca: "of a CA that nobody knows",
  incomplete_chain: "without the intermediate that signed it",
  bad_signature: "whose signature is wrong",
  weak_key: "with a key of 1024 bits (RSA)",
  sha1: "signed with SHA-1",
  no_san: "that names its host only in the common name",
  wrong_usage: "that is for clients only",
  revoked: "that the stapled OCSP response calls revoked",
  huge: "of some 60 kB",
};

export default defineFault({
  type: "tls_certificate",
  summary: "Shows clients a certificate that has one thing wrong about it.",
  params,
  example: { type: "tls_certificate", problem: "expired", by: "2h" },
  effects: {
    presented: "handshakes in which a wrong certificate was shown",
    accepted: "clients that went on with it",
  },
  spares: ["accepted"],
  findings: { accepted: "clients that went on with a wrong certificate" },
  directions: null,
  explain: ({ problem, by = BY }) => {
    const since = formatDuration(by);
    if (problem === "expired") return `shows a certificate that expired ${since} ago`;
    if (problem === "not_yet_valid") return `shows a certificate that is not valid before ${since} from now`;
    return `shows a certificate ${WORDS[problem]}`;
  },
  check: ({ params: { problem, by } }) =>
    by === undefined || isTimed(problem)
      ? undefined
      : {
          path: "by",
          message: `means something with expired and not_yet_valid only, and not with ${problem}`,
        },
  runtime: ({ problem }) => (problem === "revoked" ? "stapling" : null),
  termination: () => true,
  handshake: (scope, handshake) => new WrongCertificate(scope, handshake),
});
