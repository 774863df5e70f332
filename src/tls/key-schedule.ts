/** From the secrets of a handshake to the keys of records: HKDF in TLS 1.3 (RFC 8446, section 7), the PRF before (RFC 5246, section 5). */
import { createHmac } from "node:crypto";
import type { Bytes } from "../core/units.js";
import type { Suite } from "./suite.js";

export interface TrafficKeys {
  readonly key: Buffer;
  readonly iv: Buffer;
}

const NONCE_BYTES = 12;

/** RFC 8446, section 7.3. */
export function trafficKeys(suite: Suite, secret: Buffer): TrafficKeys {
  return {
    key: expandLabel(suite.hash, secret, "key", suite.keyBytes),
    iv: expandLabel(suite.hash, secret, "iv", NONCE_BYTES),
  };
}

/** The secret behind a KeyUpdate (RFC 8446, section 7.2). */
export function nextSecret(suite: Suite, secret: Buffer): Buffer {
  return expandLabel(suite.hash, secret, "traffic upd", secret.length);
}

/** HKDF-Expand-Label with an empty context (RFC 8446, section 7.1). Node's `hkdf` also extracts, and cannot leave that out. */
function expandLabel(hash: string, secret: Buffer, label: string, length: Bytes): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([length >> 8, length & 255, name.length]), name, Buffer.from([0])]);
  let block = Buffer.alloc(0);
  const out: Buffer[] = [];
  for (let count = 1, made = 0; made < length; count++, made += block.length) {
    block = createHmac(hash, secret)
      .update(block)
      .update(info)
      .update(Buffer.from([count]))
      .digest();
    out.push(block);
  }
  return Buffer.concat(out).subarray(0, length);
}

/** What a server protects its records with before TLS 1.3. The IV is the fixed part of a nonce, or the first IV of CBC in TLS 1.0. */
export interface ServerWriteKeys extends TrafficKeys {
  readonly mac: Buffer;
}

/** RFC 5246, section 6.3; the lengths by mode. */
export function serverWriteKeys(
  suite: Suite,
  version: number,
  master: Buffer,
  clientRandom: Buffer,
  serverRandom: Buffer,
): ServerWriteKeys {
  const macBytes = suite.mode === "cbc" ? createHmac(suite.hash, "").digest().length : 0;
  const ivBytes = suite.mode === "cbc" ? 16 : suite.explicitNonce ? 4 : NONCE_BYTES;
  const { keyBytes } = suite;
  const seed = Buffer.concat([Buffer.from("key expansion"), serverRandom, clientRandom]);
  const block = prf(suite, version, master, seed, 2 * (macBytes + keyBytes + ivBytes));
  const at = (offset: number, length: Bytes): Buffer => block.subarray(offset, offset + length);
  return {
    mac: at(macBytes, macBytes),
    key: at(2 * macBytes + keyBytes, keyBytes),
    iv: at(2 * (macBytes + keyBytes) + ivBytes, ivBytes),
  };
}

const TLS_1_2 = 0x0303;

function prf(suite: Suite, version: number, secret: Buffer, seed: Buffer, length: Bytes): Buffer {
  if (version >= TLS_1_2) return pHash(suite.hash === "sha1" ? "sha256" : suite.hash, secret, seed, length);
  // RFC 2246, section 5: the halves of the secret share the middle byte of one that is odd.
  const half = Math.ceil(secret.length / 2);
  const md5 = pHash("md5", secret.subarray(0, half), seed, length);
  const sha1 = pHash("sha1", secret.subarray(secret.length - half), seed, length);
  return Buffer.from(md5.map((byte, at) => byte ^ (sha1[at] ?? 0)));
}

/** P_hash (RFC 5246, section 5). */
function pHash(hash: string, secret: Buffer, seed: Buffer, length: Bytes): Buffer {
  const hmac = (bytes: Buffer): Buffer => createHmac(hash, secret).update(bytes).digest();
  const out: Buffer[] = [];
  let chain = hmac(seed);
  for (let made = 0; made < length; chain = hmac(chain)) {
    const block = hmac(Buffer.concat([chain, seed]));
    out.push(block);
    made += block.length;
  }
  return Buffer.concat(out).subarray(0, length);
}
