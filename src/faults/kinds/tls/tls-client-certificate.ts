/** Asks clients for a certificate though the listener does not, or refuses the ones they show, from some time after their first use on. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { BoundedMap } from "../../../core/lru.js";
import { formatDuration } from "../../../core/units.js";
import {
  defineFault,
  pass,
  type Alert,
  type ClientCertificate,
  type HandshakeFault,
  type Pass,
  type Scope,
  type Sever,
} from "../../contract/index.js";
import { inJournal } from "../../kit.js";
import { choice, duration, flag } from "../../params.js";
import { alertName } from "../../tls-params.js";

const params = z.object({
  demand: flag()
    .default(true)
    .describe(
      "whether clients are asked for a certificate though the listener wants none; those that show none are sent certificate_required, before TLS 1.3 handshake_failure",
    ),
  refuse: alertName()
    .optional()
    .describe(
      "the alert that answers a certificate, such as unknown_ca; by default any certificate is taken",
    ),
  after: duration()
    .optional()
    .describe(
      "with refuse: how long a certificate is good, from its first use on; a new one begins anew; by default none is good",
    ),
  existing: choice(["keep", "alert", "close", "reset"])
    .default("keep")
    .describe("with after: what becomes of open connections whose certificate is no longer good"),
});
type Params = z.infer<typeof params>;

/** Beyond it the certificate that was unused for longest is new again. */
const CERTIFICATES_MAX = 10_000;

/** First uses, by fingerprints. */
type FirstUses = BoundedMap<string, Millis>;

class AskedForCertificate implements HandshakeFault {
  #since: Millis | null = null;
  #ended = false;

  constructor(private readonly scope: Scope<Params, "demanded" | "refused" | "ended", FirstUses>) {}

  demands(): boolean {
    const { demand } = this.scope.params;
    if (demand) this.scope.count("demanded");
    return demand;
  }

  client({ fingerprint, subject, version }: ClientCertificate): Pass | Alert {
    const { demand, refuse, after = 0 } = this.scope.params;
    if (fingerprint === null) {
      if (!demand) return pass;
      // RFC 8446, 4.4.2.4; before, RFC 5246, 7.4.6.
      const alert = version === "TLSv1.3" ? "certificate_required" : "handshake_failure";
      this.scope.count("refused", 1, { alert, shown: false });
      return { do: "alert", alert };
    }
    const now = this.scope.now();
    const since = this.scope.shared.get(fingerprint) ?? now;
    this.scope.shared.set(fingerprint, since);
    if (refuse === undefined) return pass;
    if (now - since < after) {
      this.#since = since;
      return pass;
    }
    this.scope.count("refused", 1, {
      alert: refuse,
      shown: true,
      ...(subject === null ? {} : { subject }),
      certificate_age_ms: inJournal(now - since),
    });
    return { do: "alert", alert: refuse };
  }

  get wakeAt(): Millis {
    const { after = 0, existing } = this.scope.params;
    return this.#since === null || existing === "keep" ? Infinity : this.#since + after;
  }

  wake(): Pass | Alert | Sever {
    if (this.scope.now() < this.wakeAt) return pass;
    const { existing, refuse } = this.scope.params;
    if (existing === "keep" || refuse === undefined) return pass;
    if (!this.#ended) this.scope.count("ended", 1, { how: existing });
    this.#ended = true;
    return existing === "alert" ? { do: "alert", alert: refuse } : { do: existing };
  }
}

const EXISTING = {
  keep: "",
  alert: ", and sends it over open connections",
  close: ", and closes open connections",
  reset: ", and resets open connections",
} as const;

export default defineFault({
  type: "tls_client_certificate",
  summary: "Demands a certificate of clients, or refuses those that they show.",
  params,
  example: { type: "tls_client_certificate", refuse: "unknown_ca", after: "5m" },
  effects: {
    demanded: "handshakes in which a certificate was demanded",
    refused: "clients that were refused for their certificate, or for having none",
    ended: "open connections ended when their certificate was no longer good",
  },
  directions: null,
  explain: ({ demand, refuse, after = 0, existing }) => {
    const parts = [
      ...(demand ? ["demands a certificate"] : []),
      ...(refuse === undefined
        ? []
        : [
            `refuses ${demand ? "the one that is shown" : "certificates"} with the alert ${refuse}${
              after === 0 ? "" : ` from ${formatDuration(after)} after its first use on`
            }${EXISTING[existing]}`,
          ]),
    ];
    return parts.join(" and ");
  },
  check: ({ params: { demand, refuse, after, existing } }) => {
    if (refuse === undefined && !demand)
      return { path: "demand", message: "must be true, or refuse be given: otherwise nothing is different" };
    if (refuse === undefined && after !== undefined)
      return { path: "after", message: "means something with refuse only: say what alert comes then" };
    if (after === undefined && existing !== "keep")
      return {
        path: "existing",
        message: "means something with after only: certificates that are refused at once open no connections",
      };
    return undefined;
  },
  runtime: () => "secrets",
  termination: () => true,
  shared: ({ evicted }): FirstUses => new BoundedMap(CERTIFICATES_MAX, evicted),
  handshake: (scope) => new AskedForCertificate(scope),
});
