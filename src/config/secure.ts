/** `secure` and `tls` of a proxy: how bots are spoken to over TLS, and how the upstream is. */
import { z } from "zod";
import type { TlsVersion } from "../faults/contract/index.js";
import { choice, duration, flag, shown } from "../faults/params.js";
import { protocolName, tlsVersion } from "../faults/tls-params.js";
import { under, type Located, type LocatedEntry } from "./located.js";
import type { Problems } from "./problems.js";
import { oneOrMany, text } from "./shapes.js";

export const SECURE_MODES = ["terminate", "passthrough", "detect"] as const;
export type SecureMode = (typeof SECURE_MODES)[number];

/** Of one listener; more would be a mistake, and each is read at the start. */
const CERTIFICATES_MAX = 100;

const path = (): z.ZodString => text().min(1, { error: 'expected a path, got ""' });

const NAME =
  /^(?:(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?)$/u;

/** A name or an address that a certificate is made for. */
function certificateName(): z.ZodType<string, string> {
  const expected = "expected a host name or an address such as jobs.example, *.example or 10.0.0.1";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .regex(NAME, { error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((name) => name.replace(/^\[|\]$/gu, "").toLowerCase());
}

const pairShape = z.strictObject({ cert: path(), key: path() });

const secureMap = z.strictObject({
  mode: choice(SECURE_MODES)
    .default("terminate")
    .describe(
      "terminate: TLS ends here; passthrough: the ClientHello is read and the bytes are left as they are; detect: TLS and plain on one port",
    ),
  certificates: z
    .array(pairShape, {
      error: (issue) =>
        `expected a list such as [{ cert: ./a.pem, key: ./a.key }], got ${shown(issue.input)}`,
    })
    .max(CERTIFICATES_MAX, { error: `expected at most ${CERTIFICATES_MAX} certificates` })
    .default([])
    .describe("files (PEM) of one's own certificates, chosen by SNI before any is made"),
  names: oneOrMany(certificateName(), "a host name")
    .prefault([])
    .describe(
      "for whom a certificate is made, besides the upstream's host, localhost and the listener's address",
    ),
  alpn: z
    .union([z.literal("mirror"), z.array(protocolName())], {
      error: (issue) => `expected mirror, or a list such as [http/1.1], got ${shown(issue.input)}`,
    })
    .optional()
    .describe(
      "protocols that are agreed to, the best first; of a tcp proxy mirror, by default: what the upstream agrees to",
    ),
  min: tlsVersion().optional().describe("the oldest version of TLS that is spoken; 1.2 by default"),
  plain_after: duration({ positive: true })
    .optional()
    .describe(
      "of detect on a tcp proxy: whoever says nothing for so long is taken for plain, since in some protocols the server speaks first; never by default",
    ),
  clients: z
    .strictObject({
      ca: path().describe("a file of certificates (PEM) that those of clients must come from"),
      require: flag().default(true).describe("false lets clients without a certificate in"),
    })
    .optional()
    .describe("asks clients for a certificate (mutual TLS)"),
});

export type SecureSettings = z.output<typeof secureMap>;

/** `true`, a mode, or the long form; null for `false`. */
export function secure(): z.ZodType<SecureSettings | null, unknown> {
  const expected = `expected true, ${SECURE_MODES.join(", ")}, or a mapping such as { names: [jobs.example] }`;
  return z
    .union([z.boolean(), z.enum(SECURE_MODES), secureMap], {
      error: (issue) => `${expected}, got ${shown(issue.input)}`,
    })
    .transform((value): SecureSettings | null => {
      if (value === false) return null;
      if (value === true) return secureMap.parse({});
      return typeof value === "string" ? secureMap.parse({ mode: value }) : value;
    });
}

/** `true`, or a certificate of one's own; null for `false`. */
export function adminTls(): z.ZodType<{ readonly own: z.output<typeof pairShape> | null } | null, unknown> {
  const expected = "expected true, or a mapping such as { cert: ./admin.pem, key: ./admin.key }";
  return z
    .union([z.boolean(), pairShape], { error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .transform((value) => (value === false ? null : { own: value === true ? null : value }));
}

/** How bots are spoken to. Paths are absolute if the file's folder is known. */
export interface SecureConfig {
  readonly mode: SecureMode;
  readonly certificates: readonly { readonly cert: string; readonly key: string }[];
  readonly names: readonly string[];
  readonly alpn: "mirror" | readonly string[];
  readonly min: TlsVersion;
  readonly clients: { readonly ca: string; readonly require: boolean } | null;
  /** Milliseconds after which a client that has said nothing is taken for plain; null for never. */
  readonly plainAfter: number | null;
}

const MIN: TlsVersion = "1.2";
const HTTP: readonly string[] = ["http/1.1"];

export function secureOf(
  settings: SecureSettings | null | undefined,
  protocol: string,
  resolve: (written: string) => string,
): SecureConfig | null {
  if (settings === null || settings === undefined) return null;
  const { mode, certificates, names, alpn, min = MIN, clients, plain_after: plainAfter = null } = settings;
  return {
    mode,
    certificates: certificates.map(({ cert, key }) => ({ cert: resolve(cert), key: resolve(key) })),
    names,
    // Over HTTP only 1.1 is understood, whatever the upstream would speak.
    alpn: alpn ?? (protocol === "http" ? HTTP : "mirror"),
    min,
    clients: clients === undefined ? null : { ...clients, ca: resolve(clients.ca) },
    plainAfter,
  };
}

/** How an upstream is spoken to over TLS. */
export const tlsShape = z.strictObject({
  ca: path().optional().describe("a file of certificates (PEM) to trust instead of the usual ones"),
  cert: path().optional().describe("a file with the certificate (PEM) to show to the upstream; with key"),
  key: path().optional().describe("the file with its key (PEM)"),
  insecure: flag().default(false).describe("true takes any certificate"),
  servername: text()
    .regex(/^[\w\u00a1-\uffff][\w.\u00a1-\uffff-]{0,252}$/u, {
      error: (issue) => `expected a host name such as squall.internal, got ${shown(issue.input)}`,
    })
    .optional()
    .describe("the name to ask for; the upstream's host by default"),
  min: tlsVersion()
    .optional()
    .describe("the oldest version of TLS that is spoken; the runtime's own by default"),
});

/** What the schema cannot judge of one proxy. */
export function checkSecure(
  { value }: LocatedEntry,
  settings: { readonly secure?: SecureSettings | null | undefined; readonly balance?: string | undefined },
  protocol: string,
  problems: Problems,
): void {
  if (value.kind !== "map") return;
  const at = (key: string, ...inside: readonly string[]): { place: Located["place"]; path: string } => {
    let node: Located = value;
    let path = value.path;
    let { place } = value;
    for (const step of [key, ...inside]) {
      const entry: LocatedEntry | undefined = node.kind === "map" ? node.entries.get(step) : undefined;
      if (entry === undefined) break;
      path = under(path, step);
      ({ place } = entry);
      node = entry.value;
    }
    return { place, path };
  };
  const tls = value.entries.get("tls")?.value;
  if (tls?.kind === "map" && tls.entries.has("cert") !== tls.entries.has("key"))
    problems.add(
      at("tls", "cert", "key"),
      "a certificate and its key come together: give both, cert and key",
    );
  const { secure: asked, balance } = settings;
  if (balance === "sni" && (asked === null || asked === undefined))
    problems.add(at("balance"), "sni is what clients of TLS say: give the proxy secure, such as passthrough");
  if (asked === null || asked === undefined) return;
  if (protocol === "udp" || protocol === "dns") {
    problems.add(at("secure"), `a ${protocol} proxy has no connections that could be spoken to over TLS`);
    return;
  }
  if (asked.mode === "passthrough") {
    if (protocol === "http")
      problems.add(
        at("secure", "mode"),
        "passthrough leaves bytes encrypted, so that an http proxy would see nothing of them: use a tcp:// upstream, or terminate",
      );
    for (const key of ["certificates", "clients", "alpn", "names", "min"])
      if (value.entries.get("secure")?.value.kind === "map" && has(value, "secure", key))
        problems.add(
          at("secure", key),
          `${key} is of no use where TLS passes through: the upstream speaks it`,
        );
  }
  if (asked.plain_after !== undefined && (asked.mode !== "detect" || protocol === "http"))
    problems.add(
      at("secure", "plain_after"),
      protocol === "http"
        ? "over HTTP the client speaks first, so that nobody is taken for plain who says nothing"
        : "plain_after is for mode: detect: elsewhere nobody is plain",
    );
  if (protocol === "http" && asked.alpn === "mirror")
    problems.add(
      at("secure", "alpn"),
      "an http proxy speaks HTTP/1.1, whatever its upstream would: expected a list",
    );
  if (protocol === "http" && Array.isArray(asked.alpn) && asked.alpn.includes("h2"))
    problems.add(
      at("secure", "alpn"),
      "an http proxy speaks HTTP/1.1 only: leave h2 out, or use a tcp:// or tls:// upstream",
    );
}

function has(map: Located, ...steps: readonly string[]): boolean {
  let node: Located | undefined = map;
  for (const step of steps) node = node?.kind === "map" ? node.entries.get(step)?.value : undefined;
  return node !== undefined;
}
