/** A client of beanstalkd's protocol, as plain as real ones are: one command at a time, and a connection that is silent for too long is given up. */
import { connect, type Socket } from "node:net";

/** Longer than any command waits by itself. */
const PATIENCE_MS = 1_500;

export class Beanstalk {
  readonly #socket: Socket;
  #unread = Buffer.alloc(0);
  #error: Error | null = null;
  #waiting: (() => void) | null = null;

  constructor(port: number) {
    this.#socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#socket.on("data", (chunk) => {
      this.#unread = Buffer.concat([this.#unread, chunk]);
      this.#waiting?.();
    });
    const over = (error?: Error): void => {
      this.#error ??= error ?? new Error("the connection is closed");
      this.#socket.destroy();
      this.#waiting?.();
    };
    this.#socket.on("error", over);
    this.#socket.on("timeout", () => {
      over(new Error("no answer in time"));
    });
    this.#socket.on("close", () => {
      over();
    });
  }

  /** Sends a command and answers the first line of what comes back. */
  async ask(command: string, body?: string): Promise<readonly string[]> {
    if (this.#error !== null) throw this.#error;
    this.#socket.setTimeout(PATIENCE_MS);
    this.#socket.write(`${command}\r\n${body === undefined ? "" : `${body}\r\n`}`);
    const end = await this.#until(() => this.#unread.indexOf("\r\n"));
    return this.#take(end + 2)
      .trim()
      .split(" ");
  }

  /** The body that a line has announced. */
  async body(bytes: number): Promise<string> {
    this.#socket.setTimeout(PATIENCE_MS);
    await this.#until(() => (this.#unread.length >= bytes + 2 ? 0 : -1));
    return this.#take(bytes + 2).trim();
  }

  async #until(found: () => number): Promise<number> {
    for (;;) {
      const at = found();
      if (at >= 0) {
        this.#socket.setTimeout(0);
        return at;
      }
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  #take(bytes: number): string {
    const taken = this.#unread.subarray(0, bytes).toString();
    this.#unread = this.#unread.subarray(bytes);
    return taken;
  }

  close(): void {
    this.#socket.destroy();
  }
}
