/** Makes handshakes on other terms than the listener's: old versions, weak ciphers, other protocols, sessions that are forgotten. */
import { z } from "zod";
import {
  defineFault,
  TLS_VERSIONS,
  type Detail,
  type HandshakeFault,
  type Scope,
  type Terms,
  type TlsVersion,
} from "../../contract/index.js";
import { choice, flag, shown } from "../../params.js";
import { cipherList, protocolName, tlsVersion } from "../../tls-params.js";

const PROTOCOLS = "expected none, or a list such as [http/1.1]";

const params = z.object({
  min: tlsVersion().optional().describe("the oldest version that is spoken: 1.0, 1.1, 1.2 or 1.3"),
  max: tlsVersion().optional().describe("the newest version that is spoken"),
  ciphers: cipherList()
    .optional()
    .describe(
      "the suites that are agreed to, as OpenSSL lists them; those of TLS 1.3 begin with TLS_, and where only such are named, or none of them, the other versions are not spoken",
    ),
  alpn: z
    .union(
      [choice(["none"]), z.array(protocolName()).min(1, { error: () => `${PROTOCOLS}, got an empty list` })],
      {
        error: (issue) => `${PROTOCOLS}, got ${shown(issue.input)}`,
      },
    )
    .meta({ title: "none, or a list" })
    .optional()
    .describe(
      "the protocols that are agreed to, the best first; with none, what a client offers is passed over",
    ),
  tickets: flag()
    .optional()
    .describe("false: every session is forgotten, so that each handshake is a full one"),
});
type Params = z.infer<typeof params>;

class OtherTerms implements HandshakeFault {
  constructor(private readonly scope: Scope<Params, "changed", undefined>) {}

  terms(): Terms {
    const { min, max, ciphers, alpn, tickets } = this.scope.params;
    this.scope.count("changed", 1, told(this.scope.params));
    return {
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(alpn === undefined ? {} : { alpn: alpn === "none" ? [] : alpn }),
      ...(tickets === undefined ? {} : { tickets }),
    };
  }

  readonly wakeAt = Infinity;
}

function told({ min, max, ciphers, alpn, tickets }: Readonly<Params>): Detail {
  return {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(alpn === undefined ? {} : { alpn: alpn === "none" ? "none" : alpn.join(", ") }),
    ...(tickets === undefined ? {} : { tickets }),
  };
}

const age = (version: TlsVersion): number => TLS_VERSIONS.indexOf(version);

export default defineFault({
  type: "tls_terms",
  summary: "Makes handshakes on other terms: versions, ciphers, protocols, sessions.",
  params,
  example: { type: "tls_terms", max: "1.1" },
  effects: { changed: "handshakes that were made on other terms, or were to be" },
  directions: null,
  explain: ({ min, max, ciphers, alpn, tickets }) => {
    const versions =
      min === undefined
        ? max === undefined
          ? []
          : [`TLS ${max} at most`]
        : [
            max === undefined
              ? `TLS ${min} at least`
              : max === min
                ? `TLS ${min} only`
                : `TLS ${min} to ${max}`,
          ];
    const terms = [
      ...versions,
      ...(ciphers === undefined ? [] : [`the ciphers ${ciphers}`]),
      ...(alpn === undefined
        ? []
        : [alpn === "none" ? "no protocol agreed to" : `the protocols ${alpn.join(", ")}`]),
      ...(tickets === undefined ? [] : [tickets ? "sessions resumed" : "all sessions forgotten"]),
    ];
    return `makes handshakes with ${terms.join(" and ")}`;
  },
  check: ({ params: { min, max, ciphers, alpn, tickets } }) => {
    if ([min, max, ciphers, alpn, tickets].every((term) => term === undefined))
      return {
        path: "max",
        message: "is missing, as are all others: say what is different, such as max: 1.1",
      };
    if (min !== undefined && max !== undefined && age(min) > age(max))
      return { path: "min", message: `must not be newer than max, and ${min} is newer than ${max}` };
    return undefined;
  },
  termination: () => true,
  handshake: (scope) => new OtherTerms(scope),
});
