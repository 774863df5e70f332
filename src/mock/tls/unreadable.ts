/** What is wrong with a file that a command was given for TLS; by itself, so that commands without TLS load nothing of it. */

/** A file that is not there, or not what it should be; `option` is the one that names it. */
export class UnreadableTls extends Error {
  readonly option: "ca" | "cert" | "key" | "clientCa" | "caOut";

  /** `cause` is what the system says where a file cannot be read or written. */
  constructor(option: UnreadableTls["option"], message: string, cause?: unknown) {
    super(message, { cause });
    this.option = option;
  }
}
