/** Ends a client's TLS with an alert: in place of the ServerHello, on its certificate, or once it takes itself to be connected. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import { formatDuration, formatSize } from "../../../core/units.js";
import {
  defineFault,
  pass,
  type Alert,
  type HandshakeFault,
  type Pass,
  type Scope,
} from "../../contract/index.js";
import { duration, size } from "../../params.js";
import { alertName } from "../../tls-params.js";

const params = z.object({
  alert: alertName().describe("the alert, by its name in RFC 8446"),
  after: duration()
    .optional()
    .describe("at established: how long the connection lives before it; at once by default"),
  bytes: size()
    .optional()
    .describe(
      "at established: after how many bytes of data for the client it comes, counted as they are handed to TLS: behind a whole record, which has at most 16 KiB, and up to 64 KiB off in responses of several records; with after, what comes first",
    ),
});
type AlertScope = Scope<z.infer<typeof params>, "alerted", undefined>;

/** Says it once, and the same however often it is asked. */
class Refusal {
  #booked = false;

  constructor(protected readonly scope: AlertScope) {}

  protected alert(detail: Readonly<Record<string, number>> = {}): Alert {
    const { alert } = this.scope.params;
    if (!this.#booked) this.scope.count("alerted", 1, { alert, at: this.scope.at, ...detail });
    this.#booked = true;
    return { do: "alert", alert };
  }
}

class AtHello extends Refusal implements HandshakeFault {
  hello(): Alert {
    return this.alert();
  }

  readonly wakeAt = Infinity;
}

class AtCertificate extends Refusal implements HandshakeFault {
  client(): Alert {
    return this.alert();
  }

  readonly wakeAt = Infinity;
}

class Established extends Refusal implements HandshakeFault {
  #since: Millis | null = null;
  #sent = 0;

  established(): Pass | Alert {
    this.#since = this.scope.now();
    return this.wake();
  }

  readonly wantsBytes = this.scope.params.bytes !== undefined;

  sent(bytes: number): Pass | Alert {
    this.#sent = bytes;
    return this.wake();
  }

  get wakeAt(): Millis {
    const { after } = this.scope.params;
    return this.#since === null || after === undefined ? Infinity : this.#since + after;
  }

  wake(): Pass | Alert {
    if (this.#since === null) return pass;
    const { after, bytes } = this.scope.params;
    const now = this.scope.now();
    const over =
      (after === undefined && bytes === undefined) ||
      (after !== undefined && now >= this.#since + after) ||
      (bytes !== undefined && this.#sent >= bytes);
    if (!over) return pass;
    const sent = this.wantsBytes ? { at_byte: this.#sent } : {};
    return this.alert({ ...sent, age_ms: Math.round(now - this.#since) });
  }
}

export default defineFault({
  type: "tls_alert",
  summary: "Ends handshakes, or the connections that came of them, with an alert.",
  params,
  example: { type: "tls_alert", alert: "handshake_failure" },
  effects: { alerted: "clients that were sent an alert" },
  directions: null,
  at: ["hello", "client_certificate", "established"],
  explain: ({ alert, after, bytes }) => {
    const when = [
      ...(after === undefined ? [] : [formatDuration(after)]),
      ...(bytes === undefined ? [] : [formatSize(bytes)]),
    ];
    return `sends the alert ${alert}${when.length === 0 ? "" : ` after ${when.join(" or ")}`} and closes`;
  },
  check: ({ params: { after, bytes }, at = "hello" }) => {
    const path = after === undefined ? (bytes === undefined ? undefined : "bytes") : "after";
    if (path === undefined || at === "established") return undefined;
    return { path, message: "means something with `at: established` only" };
  },
  runtime: (_, at) => (at === "hello" ? null : "secrets"),
  termination: (_, at) => at !== "hello",
  handshake: (scope) => {
    if (scope.at === "established") return new Established(scope);
    return scope.at === "client_certificate" ? new AtCertificate(scope) : new AtHello(scope);
  },
});
