/**
 * Follows the records of a server as its client sees them: under which keys the next one would stand, and with which number. With
 * that, and the secrets, an alert can be made that the client takes for the server's own.
 *
 *     TLS 1.3    plain -> ServerHello -> handshake keys -> Finished -> application keys -> KeyUpdate -> ...
 *     before     plain -> ChangeCipherSpec -> keys
 */
import type { AlertName, TlsVersion } from "../faults/contract/index.js";
import { alertPayload, plainAlert } from "./alert.js";
import { nextSecret, serverWriteKeys } from "./key-schedule.js";
import { ALERT_BYTES, RECORD, RecordReader, type RecordHead } from "./records.js";
import { AeadSealer12, CHAIN_BYTES, CbcSealer, Sealer13, type Sealer } from "./sealer.js";
import type { SecretLabel, Secrets } from "./secrets.js";
import { readServerHello, type ServerHello } from "./server-hello.js";
import { suiteOf, type Suite } from "./suite.js";

/** Where the server is, as its client sees it. */
type Epoch = "plain" | "handshake" | "application";

/** The record of an alert, or why there can be none. */
export type AlertRecord = { readonly record: Buffer } | { readonly reason: string };

/** What is known besides what is on the wire; asked for when it is needed. */
export interface EngineView {
  readonly secrets: Secrets;
  /** The suite's name in the registry of IANA; null before one is agreed upon. */
  suite(): string | null;
}

const TLS_1_0 = 0x0301;
const TLS_1_3 = 0x0304;
const FINISHED = 20;
const KEY_UPDATE = 24;
/** The payload of a record with a KeyUpdate: its message, its type, and the tag of the AEAD (16, or 8 of CCM_8). */
const KEY_UPDATE_BYTES: ReadonlySet<number> = new Set([5 + 1 + 16, 5 + 1 + 8]);

const VERSION_NAME: ReadonlyMap<number, TlsVersion> = new Map([
  [0x0301, "1.0"],
  [0x0302, "1.1"],
]);

export class ServerRecords {
  readonly #engine: EngineView;
  readonly #reader: RecordReader;
  #hello: ServerHello | null = null;
  #epoch: Epoch = "plain";
  /** Records so far under the keys of this epoch. */
  #sequence = 0;
  #secret: Buffer | null = null;
  #sealer: Sealer13 | null = null;
  #before: Buffer | null = null;
  /** Why nothing encrypted can be made any more. */
  #lost: string | null = null;

  constructor(engine: EngineView) {
    this.#engine = engine;
    this.#reader = new RecordReader({
      began: (head) => this.#wants(head),
      ended: (head, payload) => {
        this.#ended(head, payload);
      },
    });
  }

  /** Bytes on their way to the client, in order. */
  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** How many bytes are missing before a record of ours could stand between two of the server's, as far as is known; 0 if none. */
  get missing(): number {
    return this.#reader.missing;
  }

  get count(): number {
    return this.#reader.count;
  }

  /** How many bytes the record that began last has so far, if it may be a close_notify of the engine, or nothing else is known of it; 0 if not. */
  get lastMayBeNotify(): number {
    const { head, bytes } = this.#reader.last;
    if (head === null) return bytes;
    const hidden = this.#is13 && head.type === RECORD.application_data && ALERT_BYTES.has(head.length);
    return hidden || head.type === RECORD.alert ? bytes : 0;
  }

  /** The version that was agreed upon, by its number; null before the ServerHello. */
  get version(): number | null {
    return this.#hello?.version ?? null;
  }

  /** Whether a ServerHello, and in TLS 1.3 something encrypted behind it, has gone out. */
  get answered(): boolean {
    return (
      this.#hello !== null &&
      (this.#hello.version < TLS_1_3 || this.#sequence > 0 || this.#epoch === "application")
    );
  }

  /** One that the client takes for the next record of the server. */
  alert(name: AlertName): AlertRecord {
    if (this.#epoch === "plain") {
      const version = this.#hello === null ? undefined : VERSION_NAME.get(this.#hello.version);
      return { record: plainAlert(name, version) };
    }
    const sealer = this.#currentSealer();
    if ("reason" in sealer) return sealer;
    return { record: sealer.sealer.seal(this.#sequence, RECORD.alert, alertPayload(name)) };
  }

  // -- one record after the other -----------------------------------------------------------------

  #wants(head: RecordHead): boolean {
    if (this.#epoch === "plain") return head.type === RECORD.handshake && this.#hello === null;
    if (this.#is13) return this.#epoch === "handshake" || KEY_UPDATE_BYTES.has(head.length);
    return this.#hello?.version === TLS_1_0;
  }

  #ended(head: RecordHead, payload: Buffer | null): void {
    if (this.#is13) this.#ended13(head, payload);
    else this.#endedBefore13(head, payload);
  }

  #endedBefore13(head: RecordHead, payload: Buffer | null): void {
    if (head.type === RECORD.change_cipher_spec) {
      if (this.#epoch === "application") this.#lost = "the keys were negotiated anew";
      // Behind a HelloRetryRequest, one of TLS 1.3 that means nothing comes before the ServerHello.
      if (this.#hello !== null) this.#epoch = "application";
      return;
    }
    if (this.#epoch === "application") {
      this.#sequence++;
      // Copied, since the rest of the record need not live on.
      if (payload !== null) this.#before = Buffer.from(payload.subarray(-CHAIN_BYTES));
      return;
    }
    const hello = payload === null ? null : readServerHello(payload);
    if (hello === null || hello === "retry") return;
    this.#hello = hello;
    if (this.#is13) this.#epoch = "handshake";
  }

  #ended13(head: RecordHead, payload: Buffer | null): void {
    if (head.type !== RECORD.application_data) return;
    const sequence = this.#sequence++;
    if (payload === null || this.#lost !== null) return;
    const sealer = this.#sealer13();
    if (sealer === null) return;
    const inner = sealer.open(sequence, head, payload);
    if (inner === null) {
      this.#lost = "a record of the engine does not open with the keys that the key log tells";
      return;
    }
    const isHandshake = inner[inner.length - 1] === RECORD.handshake;
    if (this.#epoch === "handshake") {
      if (isHandshake && endsWithFinished(inner, this.#finishedBytes)) this.#goOn("application", null);
    } else if (isHandshake && inner[0] === KEY_UPDATE && this.#secret !== null) {
      const suite = this.#suite();
      if (suite !== null) this.#goOn("application", nextSecret(suite, this.#secret));
    }
  }

  #goOn(epoch: Epoch, secret: Buffer | null): void {
    this.#epoch = epoch;
    this.#sequence = 0;
    this.#secret = secret;
    this.#sealer = null;
  }

  // -- keys -----------------------------------------------------------------------------------------

  get #is13(): boolean {
    return this.#hello?.version === TLS_1_3;
  }

  get #finishedBytes(): number {
    return this.#suite()?.hash === "sha384" ? 48 : 32;
  }

  #suite(): Suite | null {
    const name = this.#engine.suite();
    return name === null ? null : suiteOf(name);
  }

  #sealer13(): Sealer13 | null {
    if (this.#sealer !== null) return this.#sealer;
    const suite = this.#suite();
    const label: SecretLabel =
      this.#epoch === "handshake" ? "SERVER_HANDSHAKE_TRAFFIC_SECRET" : "SERVER_TRAFFIC_SECRET_0";
    this.#secret ??= this.#engine.secrets.get(label)?.secret ?? null;
    if (suite === null || this.#secret === null) return null;
    this.#sealer = new Sealer13(suite, this.#secret);
    return this.#sealer;
  }

  #currentSealer(): { readonly sealer: Sealer } | { readonly reason: string } {
    if (this.#lost !== null) return { reason: this.#lost };
    const suite = this.#suite();
    const name = this.#engine.suite();
    if (suite === null) return { reason: `records of ${name ?? "an unknown cipher suite"} cannot be made` };
    if (this.#is13) {
      const sealer = this.#sealer13();
      return sealer === null ? { reason: NO_SECRETS } : { sealer };
    }
    const hello = this.#hello;
    const master = this.#engine.secrets.get("CLIENT_RANDOM");
    if (hello === null || master === null) return { reason: NO_SECRETS };
    const keys = serverWriteKeys(suite, hello.version, master.secret, master.clientRandom, hello.random);
    if (suite.mode === "aead") return { sealer: new AeadSealer12(suite, keys) };
    const { version, encryptThenMac } = hello;
    return { sealer: new CbcSealer(suite, keys, { version, encryptThenMac, before: this.#before }) };
  }
}

const NO_SECRETS = "the runtime tells no secrets of this connection (the keylog event)";

/** OpenSSL gives each message a record of its own, or several to one; Finished is the last of them in any case (RFC 8446, section 4.4.4). */
function endsWithFinished(inner: Buffer, verifyBytes: number): boolean {
  const at = inner.length - 1 - verifyBytes - 4;
  return at >= 0 && inner[at] === FINISHED && inner.readUIntBE(at + 1, 3) === verifyBytes;
}
