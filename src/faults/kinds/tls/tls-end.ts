/** Ends connections over TLS otherwise than in order: without the last word, with another one, or with it and no end. RFC 8446, 6.1. */
import { z } from "zod";
import {
  defineFault,
  type Alert,
  type HandshakeFault,
  type Scope,
  type TlsEnd,
} from "../../contract/index.js";
import { choice } from "../../params.js";
import { alertName } from "../../tls-params.js";

const params = z.object({
  how: choice(["without_notify", "notify_and_stay", "alert"]).describe(
    "without_notify: a FIN with no close_notify before it, as of somebody who cuts the answer short; notify_and_stay: a close_notify, and no FIN until the client leaves; alert: an alert in place of the close_notify",
  ),
  alert: alertName().optional().describe("with how: alert, the alert"),
});

class OtherEnd implements HandshakeFault {
  #end: TlsEnd | Alert | null = null;

  constructor(private readonly scope: Scope<z.infer<typeof params>, "ended", undefined>) {}

  end(): TlsEnd | Alert {
    if (this.#end !== null) return this.#end;
    const { how, alert = "internal_error" } = this.scope.params;
    this.scope.count("ended", 1, { how, ...(how === "alert" ? { alert } : {}) });
    this.#end = how === "alert" ? { do: "alert", alert } : how;
    return this.#end;
  }

  readonly wakeAt = Infinity;
}

export default defineFault({
  type: "tls_end",
  summary: "Ends connections over TLS without a close_notify, with an alert, or not at all behind it.",
  params,
  example: { type: "tls_end", how: "without_notify" },
  effects: { ended: "connections whose end was not in order" },
  directions: null,
  explain: ({ how, alert = "internal_error" }) => {
    if (how === "without_notify") return "ends connections without a close_notify";
    if (how === "notify_and_stay") return "says close_notify at the end of connections, and leaves them open";
    return `ends connections with the alert ${alert} in place of a close_notify`;
  },
  check: ({ params: { how, alert } }) => {
    if (how === "alert" && alert === undefined)
      return { path: "alert", message: "is missing: say which alert it is, such as internal_error" };
    if (how !== "alert" && alert !== undefined)
      return { path: "alert", message: "means something with `how: alert` only" };
    return undefined;
  },
  runtime: ({ how }) => (how === "alert" ? "secrets" : null),
  termination: () => true,
  handshake: (scope) => new OtherEnd(scope),
});
