/**
 * The secrets of TLS connections in the form that Wireshark reads (NSS key log, RFC 9850). Whoever has the file reads all that was
 * sent: it is closed to others, and written only where the configuration names it.
 */
import { createWriteStream, type WriteStream } from "node:fs";

const MODE = 0o600;

export class KeyLog {
  readonly file: string;
  readonly #failed: (error: Error) => void;
  #stream: WriteStream | null = null;
  #isLost = false;

  /** `failed` is told once that it cannot be written; connections go on. */
  constructor(file: string, failed: (error: Error) => void) {
    this.file = file;
    this.#failed = failed;
  }

  /** One line as the `keylog` event of a TLS socket has it, with its end. */
  write(line: Buffer): void {
    if (this.#isLost) return;
    this.#stream ??= this.#open();
    this.#stream.write(line);
  }

  /** Resolves when all that was written is in the file. */
  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = null;
    if (stream === null || stream.destroyed) return;
    await new Promise<void>((resolve) => stream.once("close", resolve).end());
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.file, { flags: "a", mode: MODE });
    stream.on("error", (error) => {
      if (this.#isLost) return;
      this.#isLost = true;
      this.#failed(error);
    });
    return stream;
  }
}
