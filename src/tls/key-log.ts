/**
 * The secrets of TLS connections in the form that Wireshark reads (NSS key log, RFC 9850). Whoever has the file reads all that was
 * sent: it is closed to others, and written only where the configuration names it.
 */
import { constants, createWriteStream, openSync, type WriteStream } from "node:fs";

const MODE = 0o600;
/** To append; of a pipe whose reader is gone or slow nothing is waited for. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);

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
    try {
      this.#stream ??= this.#open();
    } catch (error) {
      this.#lose(error instanceof Error ? error : new Error(String(error)));
      return;
    }
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
    const stream = createWriteStream(this.file, { fd: openSync(this.file, FLAGS, MODE) });
    stream.on("error", (error) => this.#lose(error));
    return stream;
  }

  #lose(error: Error): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#failed(error);
  }
}
