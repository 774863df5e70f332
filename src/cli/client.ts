/** The admin API as the command line uses it. */
import { CommandError, EXIT, type Io } from "./io.js";

export interface ClientOptions {
  readonly admin?: string | undefined;
  readonly token?: string | undefined;
}

export const ADMIN_DEFAULT = "http://127.0.0.1:8474";
const ANSWER_TIMEOUT_MS = 10_000;

export class AdminClient {
  readonly base: string;
  readonly #headers: Record<string, string>;

  constructor(options: ClientOptions, io: Pick<Io, "env">) {
    const given = options.admin ?? io.env["SQUALL_ADMIN"] ?? ADMIN_DEFAULT;
    this.base = (
      given.includes("://") ? given : `http://${given.startsWith(":") ? `127.0.0.1${given}` : given}`
    ).replace(/\/+$/u, "");
    const token = options.token ?? io.env["SQUALL_ADMIN_TOKEN"];
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await this.#send(path, {
      method,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { ...this.#headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    });
    const text = await response.text();
    if (!response.ok) throw new CommandError(exitFor(response.status), problemText(text, response.status));
    if (text === "") return null;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new CommandError(EXIT.failed, `${this.base} does not answer like Squall: ${text.slice(0, 80)}`);
    }
  }

  /** The data of each server-sent event, for as long as the daemon sends. */
  async *events(path: string, signal?: AbortSignal): AsyncGenerator<string> {
    const response = await this.#send(path, {
      headers: this.#headers,
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok || response.body === null) {
      throw new CommandError(exitFor(response.status), problemText(await response.text(), response.status));
    }
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of response.body) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true });
      const events = rest.split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const data = event
          .split("\n")
          .filter((line) => line.startsWith("data:"))
          .map((line) => line.slice(5).trimStart());
        if (data.length > 0) yield data.join("\n");
      }
    }
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.base}${path}`, init);
    } catch (error) {
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new CommandError(
        EXIT.unreachable,
        `no Squall answers at ${this.base} (${cause}). Is it running? Start it with: squall serve`,
      );
    }
  }
}

function exitFor(status: number): number {
  return status === 422 || status === 400 ? EXIT.invalid : EXIT.failed;
}

interface ErrorAnswer {
  readonly error?: unknown;
  readonly hint?: unknown;
  readonly details?: readonly {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly path: string;
    readonly message: string;
    readonly hint?: string;
  }[];
}

function problemText(text: string, status: number): string {
  try {
    const { error, hint, details } = JSON.parse(text) as ErrorAnswer;
    const whole = `${String(error)}${typeof hint === "string" ? ` (${hint})` : ""}`;
    const mistakes = (details ?? []).map(
      ({ file, line, column, path, message, hint: one }) =>
        `${file}:${line}:${column} ${path === "" ? "" : `${path}: `}${message}${one === undefined ? "" : ` (${one})`}`,
    );
    // One mistake alone is the whole error already.
    return [whole, ...mistakes.filter((mistake) => mistake !== whole).map((mistake) => `  ${mistake}`)].join(
      "\n",
    );
  } catch {
    return `the daemon answered ${status}: ${text.slice(0, 200)}`;
  }
}
