/** How a cipher suite protects records, found by its name in the registry of IANA: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`. */
import { getCiphers, getHashes } from "node:crypto";
import type { Bytes } from "../core/units.js";

export interface Suite {
  /** As Node's crypto names it. */
  readonly cipher: string;
  readonly mode: "aead" | "cbc";
  readonly keyBytes: Bytes;
  /** Behind each record, of an AEAD. */
  readonly tagBytes: Bytes;
  /** Whether a nonce is partly chosen anew for each record and stands before it; TLS 1.2 alone does so (RFC 5288, RFC 6655). */
  readonly explicitNonce: boolean;
  /** Of the pseudorandom function, and of the HMAC of CBC. */
  readonly hash: string;
}

/** Null for suites whose records are not known here: those without encryption, and such as Node does not have either. */
export function suiteOf(name: string): Suite | null {
  const [, what = ""] = /^TLS_(?:\w+_WITH_)?(\w+)$/u.exec(name) ?? [];
  if (what.startsWith("CHACHA20_POLY1305")) {
    return {
      cipher: "chacha20-poly1305",
      mode: "aead",
      keyBytes: 32,
      tagBytes: 16,
      explicitNonce: false,
      hash: "sha256",
    };
  }
  const [, family = "", bits = "", mode = "", short, hash = "SHA256"] =
    /^(AES|ARIA|CAMELLIA)_(128|256)_(GCM|CCM|CBC)(_8)?(?:_(SHA(?:256|384)?))?$/u.exec(what) ?? [];
  const suite: Suite = {
    cipher: `${family}-${bits}-${mode}`.toLowerCase(),
    mode: mode === "CBC" ? "cbc" : "aead",
    keyBytes: Number(bits) / 8,
    tagBytes: short === undefined ? 16 : 8,
    explicitNonce: mode !== "CBC",
    hash: hash === "SHA" ? "sha1" : hash.toLowerCase(),
  };
  return getCiphers().includes(suite.cipher) && getHashes().includes(suite.hash) ? suite : null;
}
