/** Digests of bodies as HTTP writes them: `Digest: sha-256=<base64>`, RFC 3230. */
import { Refusal } from "./refusal.js";

export const digestHeader = (sha256: string): string => `sha-256=${sha256}`;

/** The base64 of the SHA-256 that the header gives, or null if there is none; other algorithms are passed by. */
export function readDigest(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  for (const each of [header].flat().join(",").split(",")) {
    const match = /^\s*sha-256=:?([A-Za-z0-9+/]{43}=):?\s*$/iu.exec(each);
    if (match) return match[1] ?? null;
    if (/^\s*sha-256=/iu.test(each))
      throw new Refusal("bad_request", "The Digest header has no SHA-256 in base64.", {
        reasons: [`digest: expected sha-256=<44 characters of base64>, got ${each.trim().slice(0, 80)}`],
      });
  }
  return null;
}
