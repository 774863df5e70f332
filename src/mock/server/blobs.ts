/**
 * Large bodies as files. What arrives is written to a part file as it comes, never held in memory; a part
 * that is whole and has the right digest is renamed into place, so a body is there altogether or not at all.
 * The part of an upload that broke off stays, and the next attempt goes on behind it.
 *
 *     <folder>/<id>           a whole body; ids are never used twice
 *     <folder>/<key>.part     what has arrived so far
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, readdirSync, rmSync, statSync } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Bytes } from "../../core/units.js";
import { makeFolder } from "../../core/make-folder.js";
import type { Span, SentSpan } from "./ranges.js";
import { Refusal } from "./refusal.js";

/** A whole body. */
export interface Blob {
  readonly id: string;
  readonly bytes: Bytes;
  /** SHA-256 in base64. */
  readonly digest: string;
}

export interface BlobLimits {
  /** Of one body. */
  readonly blobMax: Bytes;
  /** Of all bodies together. */
  readonly totalMax: Bytes;
}

export interface Upload {
  /** Names the part file: who sends on after an interruption comes with the same key. */
  readonly key: string;
  readonly source: Readable;
  readonly span: SentSpan;
  /** What the sender says the whole has; null if it does not say. */
  readonly digest: string | null;
}

/** Of what has arrived and is not in its file yet. */
const WAITING_MAX = 1_048_576;

export class BlobStore {
  readonly #folder: string;
  readonly #limits: BlobLimits;
  /** Keys of the uploads that are not whole. */
  readonly #parts = new Set<string>();
  readonly #active = new Map<string, { source: Readable; over: Promise<unknown> }>();
  #bytes: Bytes = 0;

  /** `isKnown` tells the bodies that a job still refers to; others, left by a crash, are removed. */
  constructor(folder: string, limits: BlobLimits, isKnown: (id: string) => boolean) {
    this.#folder = folder;
    this.#limits = limits;
    makeFolder(folder);
    for (const file of readdirSync(folder)) {
      const id = file.replace(/\.part$/u, "");
      if (isKnown(id)) {
        this.#bytes += statSync(join(folder, file)).size;
        if (id !== file) this.#parts.add(id);
      } else rmSync(join(folder, file), { force: true });
    }
  }

  /** All bodies and parts together. */
  get bytes(): Bytes {
    return this.#bytes;
  }

  /** How much of an upload has arrived. */
  async offset(key: string): Promise<Bytes> {
    return (await stat(this.#part(key)).catch(() => null))?.size ?? 0;
  }

  /** Takes in what is sent. Null if it was a piece in the middle, which arrived, but more has to follow. */
  async receive(upload: Upload): Promise<Blob | null> {
    const arrived = asFarAsItComes(upload.source);
    // The sender has given up the attempt before, even if its connection does not know that yet.
    for (let other; (other = this.#active.get(upload.key)); await other.over.catch(() => undefined))
      other.source.destroy();
    const over = this.#receive(upload, arrived);
    this.#active.set(upload.key, { source: upload.source, over });
    try {
      return await over;
    } finally {
      this.#active.delete(upload.key);
      // What is not wanted any more must not be in the way of the next request.
      upload.source.unpipe(arrived).resume();
      arrived.destroy();
    }
  }

  /** Ends all uploads whose keys begin so: nobody will go on with them. */
  async dropAll(prefix: string): Promise<void> {
    for (const key of this.#parts) {
      if (!key.startsWith(prefix)) continue;
      const active = this.#active.get(key);
      active?.source.destroy();
      await active?.over.catch(() => undefined);
      await this.drop(key);
    }
  }

  /** Ends an upload for good. */
  async drop(key: string): Promise<void> {
    this.#parts.delete(key);
    this.#bytes -= await this.offset(key);
    await rm(this.#part(key), { force: true });
  }

  read(blob: Blob, span: Span | null): Readable {
    return createReadStream(join(this.#folder, blob.id), { ...span, highWaterMark: 256 * 1024 });
  }

  /** Who is reading it still gets all of it. */
  remove(blob: Blob): void {
    this.#bytes -= blob.bytes;
    rmSync(join(this.#folder, blob.id), { force: true });
  }

  async #receive({ key, source, span, digest }: Upload, arrived: Readable): Promise<Blob | null> {
    const had = await this.offset(key);
    if (span.start !== 0 && span.start !== had)
      throw new Refusal("range_not_satisfiable", `${had} bytes of it have arrived so far.`, {
        headers: { "upload-offset": String(had) },
      });
    this.#demandRoom(span);
    const hash = createHash("sha256");
    if (span.start === 0) await this.drop(key);
    else for await (const chunk of createReadStream(this.#part(key))) hash.update(chunk as Buffer);

    this.#parts.add(key);
    let size = span.start;
    const room = (bytes: Bytes): Refusal | null => this.#overflow(size, bytes);
    const meter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const refusal = room(chunk.length);
        if (refusal) return done(refusal);
        hash.update(chunk);
        size += chunk.length;
        this.#bytes += chunk.length;
        done(null, chunk);
      },
    });
    try {
      await pipeline(
        arrived,
        meter,
        createWriteStream(this.#part(key), { flags: span.start === 0 ? "w" : "a" }),
      );
    } catch (error) {
      // What was counted and did not get to the file any more.
      this.#bytes -= size - (await this.offset(key));
      if (error instanceof Refusal) {
        await this.drop(key);
        throw error;
      }
      throw await this.#endedEarly(key);
    }
    if (!source.readableEnded) throw await this.#endedEarly(key);
    if (span.total !== null && size < span.total) return null;
    const actual = hash.digest("base64");
    if (digest !== null && actual !== digest) {
      await this.drop(key);
      throw new Refusal("digest_mismatch", `The body has the SHA-256 ${actual}, not ${digest}.`);
    }
    const blob = { id: randomUUID(), bytes: size, digest: actual };
    this.#parts.delete(key);
    await rename(this.#part(key), join(this.#folder, blob.id));
    return blob;
  }

  async #endedEarly(key: string): Promise<Refusal> {
    return new Refusal("bad_request", "The body ended early.", {
      headers: { "upload-offset": String(await this.offset(key)) },
    });
  }

  #demandRoom({ start, length, total }: SentSpan): void {
    const refusal = this.#overflow(start, Math.max(length ?? 0, (total ?? 0) - start));
    if (refusal) throw refusal;
  }

  #overflow(size: Bytes, coming: Bytes): Refusal | null {
    const { blobMax, totalMax } = this.#limits;
    // What the client still sends is not worth reading.
    const headers = { connection: "close" };
    if (size + coming > blobMax)
      return new Refusal("too_large", `The body is larger than ${blobMax} bytes.`, { headers });
    if (this.#bytes + coming > totalMax)
      return new Refusal("no_room", `The server keeps no more than ${totalMax} bytes of bodies.`, {
        headers,
      });
    return null;
  }

  #part(key: string): string {
    return join(this.#folder, `${key}.part`);
  }
}

/**
 * All that comes from a source until it ends or breaks off. A stream that breaks off throws away what nobody has read, so it is read from
 * this turn on, whatever has to be done before.
 */
function asFarAsItComes(source: Readable): PassThrough {
  const arrived = new PassThrough({ highWaterMark: WAITING_MAX });
  const over = (): void => void arrived.end();
  if (source.destroyed) over();
  source
    .once("close", over)
    .on("error", () => undefined)
    .pipe(arrived);
  return arrived;
}
