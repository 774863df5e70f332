/** What became of the TLS handshakes of one proxy's clients, in plain numbers: metrics are read from them. */
import type { CertificateProblem, Took } from "../../faults/contract/index.js";

/** `faulted`: a fault ended it, or a client after a fault had acted on it. */
export type HandshakeResult = "complete" | "passed_through" | "plain" | "failed" | "faulted";

export class HandshakeTally {
  readonly results = new Map<HandshakeResult, number>();
  /** How clients took what faults did: one entry for each alert. */
  readonly took = new Map<Took, number>();
  /** Clients that went on with a certificate that was wrong, by what was wrong with it. */
  readonly accepted = new Map<CertificateProblem, number>();

  over(result: HandshakeResult): void {
    add(this.results, result);
  }

  taken(took: Took, problem: CertificateProblem | null): void {
    add(this.took, took);
    if (took === "accepted" && problem !== null) add(this.accepted, problem);
  }
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
