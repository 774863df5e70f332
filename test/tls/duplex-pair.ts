/** Two streams, each of which reads what the other writes, with back-pressure and with ends of their own. */
import { Duplex } from "node:stream";

class Half extends Duplex {
  other: Half | null = null;
  #taken: (() => void) | null = null;

  constructor() {
    super({ allowHalfOpen: true, autoDestroy: true });
  }

  override _read(): void {
    const taken = this.#taken;
    this.#taken = null;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const { other } = this;
    if (other === null || other.destroyed) done();
    else if (other.push(chunk)) setImmediate(done);
    else other.#taken = done;
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    if (other !== null && !other.readableEnded && !other.destroyed) other.push(null);
    done(error);
  }
}

export function duplexPair(): readonly [Duplex, Duplex] {
  const [left, right] = [new Half(), new Half()];
  left.other = right;
  right.other = left;
  return [left, right];
}
