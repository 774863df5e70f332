/** `tls` of squall.yaml: the CA whose certificates bots are shown, and where the secrets of connections are written. */
import { z } from "zod";
import { constraintOf } from "../core/certificate-names.js";
import { choice, shown } from "../faults/params.js";
import { oneOrMany, text } from "./shapes.js";

const path = (): z.ZodString => text().min(1, { error: 'expected a path, got ""' });

/** A CA may be confined to so many. */
const NAMES_MAX = 100;

function constraint(): z.ZodType<string, string> {
  const expected = "expected a host name, an address or a subnet such as jobs.example or 10.0.0.0/8";
  const error = (issue: { readonly input?: unknown }): string => `${expected}, got ${shown(issue.input)}`;
  return z.string({ error }).refine((name) => constraintOf(name) !== null, { error });
}

export const authorityShape = z.strictObject({
  ca: z
    .union([path(), z.strictObject({ cert: path(), key: path() })], {
      error: (issue) =>
        `expected a folder, or files such as { cert: ./ca.pem, key: ./ca.key }, got ${shown(issue.input)}`,
    })
    .optional()
    .describe(
      "a folder for a CA of Squall's own, made at first need; or files (PEM) of yours; without it there is a CA of this process only, in memory",
    ),
  share: path()
    .optional()
    .describe(
      "a folder into which ca.pem and bundle.pem are written at the start, for bots that must not reach the key",
    ),
  names: oneOrMany(constraint(), "a host name")
    .refine((names) => names.length <= NAMES_MAX, { error: `expected at most ${NAMES_MAX} names` })
    .prefault([])
    .describe("what a CA that is made may sign for, names below these among it; everything if left out"),
  key: choice(["ec", "rsa"]).default("ec").describe("keys of what is made: P-256, or RSA-2048"),
  keylog: path()
    .optional()
    .describe(
      "a file for the secrets of connections, for Wireshark: whoever has it can read all that is sent",
    ),
});

/** Paths are absolute if the file's folder is known. */
export interface AuthorityConfig {
  readonly source: { readonly folder: string } | { readonly cert: string; readonly key: string } | "memory";
  readonly share: string | null;
  readonly names: readonly string[];
  readonly key: "ec" | "rsa";
  readonly keylog: string | null;
}

export function authorityOf(
  { ca, share, names, key, keylog }: z.output<typeof authorityShape>,
  resolve: (written: string) => string,
): AuthorityConfig {
  const source =
    ca === undefined
      ? "memory"
      : typeof ca === "string"
        ? { folder: resolve(ca) }
        : { cert: resolve(ca.cert), key: resolve(ca.key) };
  const pathOf = (written: string | undefined): string | null =>
    written === undefined ? null : resolve(written);
  return { source, share: pathOf(share), names, key, keylog: pathOf(keylog) };
}
