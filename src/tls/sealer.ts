/**
 * Makes encrypted records in a server's name, behind those that its engine has made: with the same keys, and the number that comes next.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  type CipherGCM,
  type CipherGCMTypes,
  type DecipherGCM,
} from "node:crypto";
import type { Bytes } from "../core/units.js";
import { trafficKeys, type ServerWriteKeys } from "./key-schedule.js";
import { RECORD, type RecordHead } from "./records.js";
import type { Suite } from "./suite.js";

export interface Sealer {
  /** One record of that type and content, the `sequence`th under these keys, from 0. */
  seal(sequence: number, type: number, content: Buffer): Buffer;
}

/** Of TLS 1.3, where the type is hidden with the content (RFC 8446, section 5.2). */
export class Sealer13 implements Sealer {
  readonly #suite: Suite;
  readonly #key: Buffer;
  readonly #iv: Buffer;

  constructor(suite: Suite, secret: Buffer) {
    this.#suite = suite;
    ({ key: this.#key, iv: this.#iv } = trafficKeys(suite, secret));
  }

  seal(sequence: number, type: number, content: Buffer): Buffer {
    const inner = Buffer.concat([content, Buffer.from([type])]);
    const header = recordHeader(RECORD.application_data, TLS_1_2, inner.length + this.#suite.tagBytes);
    const nonce = nonceOf(this.#iv, sequence);
    return Buffer.concat([header, encrypt(this.#suite, this.#key, nonce, header, inner)]);
  }

  /** What a record holds, its type last, as it stands; null if it was not made with these keys and this number. */
  open(sequence: number, head: RecordHead, payload: Buffer): Buffer | null {
    const { tagBytes, cipher } = this.#suite;
    const end = payload.length - tagBytes;
    if (end < 1) return null;
    const decipher = createDecipheriv(cipher as CipherGCMTypes, this.#key, nonceOf(this.#iv, sequence), {
      authTagLength: tagBytes,
    }) as DecipherGCM;
    decipher.setAuthTag(payload.subarray(end));
    decipher.setAAD(recordHeader(head.type, head.version, head.length), {
      plaintextLength: end,
    });
    try {
      const inner = decipher.update(payload.subarray(0, end));
      decipher.final();
      return inner;
    } catch {
      return null;
    }
  }
}

/** AEAD before TLS 1.3 (RFC 5246, section 6.2.3.3; RFC 5288, 6655 and 7905). */
export class AeadSealer12 implements Sealer {
  readonly #suite: Suite;
  readonly #keys: ServerWriteKeys;

  constructor(suite: Suite, keys: ServerWriteKeys) {
    this.#suite = suite;
    this.#keys = keys;
  }

  seal(sequence: number, type: number, content: Buffer): Buffer {
    // OpenSSL counts up from a random number: another one of 64 bits meets none of those.
    const explicit = this.#suite.explicitNonce ? randomBytes(8) : Buffer.alloc(0);
    const { key, iv } = this.#keys;
    const nonce = this.#suite.explicitNonce ? Buffer.concat([iv, explicit]) : nonceOf(iv, sequence);
    const aad = Buffer.concat([sequenceBytes(sequence), recordHeader(type, TLS_1_2, content.length)]);
    const sealed = encrypt(this.#suite, key, nonce, aad, content);
    return Buffer.concat([recordHeader(type, TLS_1_2, explicit.length + sealed.length), explicit, sealed]);
  }
}

export interface CbcWay {
  readonly version: number;
  /** RFC 7366: the MAC covers what is encrypted. */
  readonly encryptThenMac: boolean;
  /** The end of the payload before, or null if there was none: its last block is the IV of TLS 1.0 (RFC 2246, section 6.2.3.2). */
  readonly before: Buffer | null;
}

/** CBC with an HMAC (RFC 5246, section 6.2.3.2). */
export class CbcSealer implements Sealer {
  readonly #suite: Suite;
  readonly #keys: ServerWriteKeys;
  readonly #way: CbcWay;

  constructor(suite: Suite, keys: ServerWriteKeys, way: CbcWay) {
    this.#suite = suite;
    this.#keys = keys;
    this.#way = way;
  }

  seal(sequence: number, type: number, content: Buffer): Buffer {
    const { version, encryptThenMac, before } = this.#way;
    const explicit = version > TLS_1_0;
    const iv = explicit
      ? randomBytes(BLOCK_BYTES)
      : before === null
        ? this.#keys.iv
        : this.#lastBlock(before);
    const mac = (bytes: Buffer): Buffer =>
      createHmac(this.#suite.hash, this.#keys.mac)
        .update(sequenceBytes(sequence))
        .update(recordHeader(type, version, bytes.length))
        .update(bytes)
        .digest();
    const padded = pad(encryptThenMac ? content : Buffer.concat([content, mac(content)]));
    const cipher = createCipheriv(this.#suite.cipher, this.#keys.key, iv).setAutoPadding(false);
    const sealed = Buffer.concat([explicit ? iv : Buffer.alloc(0), cipher.update(padded), cipher.final()]);
    const payload = encryptThenMac ? Buffer.concat([sealed, mac(sealed)]) : sealed;
    return Buffer.concat([recordHeader(type, version, payload.length), payload]);
  }

  /** The MAC of RFC 7366 stands behind it. */
  #lastBlock(payload: Buffer): Buffer {
    const end = payload.length - (this.#way.encryptThenMac ? this.#keys.mac.length : 0);
    return payload.subarray(end - BLOCK_BYTES, end);
  }
}

const TLS_1_0 = 0x0301;
const TLS_1_2 = 0x0303;
/** Of AES, ARIA and Camellia. */
const BLOCK_BYTES = 16;
/** What of a payload tells the IV of the next record in TLS 1.0: a block, and a MAC of SHA-384 at most. */
export const CHAIN_BYTES = BLOCK_BYTES + 48;

/** At least one byte, and each says how many there are besides the last. */
function pad(content: Buffer): Buffer {
  const more = BLOCK_BYTES - (content.length % BLOCK_BYTES);
  return Buffer.concat([content, Buffer.alloc(more, more - 1)]);
}

function encrypt(suite: Suite, key: Buffer, nonce: Buffer, aad: Buffer, content: Buffer): Buffer {
  // Node's types know one name for each kind of AEAD; all of them take the same.
  const cipher = createCipheriv(suite.cipher as CipherGCMTypes, key, nonce, {
    authTagLength: suite.tagBytes,
  }) as CipherGCM;
  cipher.setAAD(aad, { plaintextLength: content.length });
  return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** RFC 8446, section 5.3; RFC 7905, section 2. */
function nonceOf(iv: Buffer, sequence: number): Buffer {
  const nonce = Buffer.from(iv);
  const number = sequenceBytes(sequence);
  const offset = nonce.length - number.length;
  for (let at = 0; at < number.length; at++)
    nonce[offset + at] = (nonce[offset + at] ?? 0) ^ (number[at] ?? 0);
  return nonce;
}

function sequenceBytes(sequence: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sequence));
  return bytes;
}

export function recordHeader(type: number, version: number, length: Bytes): Buffer {
  return Buffer.from([type, version >> 8, version & 255, length >> 8, length & 255]);
}
