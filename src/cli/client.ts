/** The admin API as the command line uses it. */
import { Agent } from "node:https";
import { rootCertificates } from "node:tls";
import { ASKED_ONCE, fetchAnyPort, type AnyPortRequest } from "../core/any-port.js";
import { within } from "../core/within.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { readText } from "./read-text.js";
import { reasonOf } from "./reason.js";
import { refusalText, type Naming } from "./refusal.js";

export interface ClientOptions {
  readonly admin?: string | undefined;
  readonly token?: string | undefined;
  /** A file of certificates to trust beside the usual ones. */
  readonly adminCa?: string | undefined;
  /** The name that the certificate must have, where the address has none. */
  readonly servername?: string;
  /** For each answer, milliseconds. */
  readonly timeout?: number;
}

const CERTIFICATES_MAX = 2 ** 22;

function certificates(file: string, fromEnvironment: boolean): string {
  try {
    return readText(file, CERTIFICATES_MAX);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const option = fromEnvironment ? "SQUALL_ADMIN_CA" : "--admin-ca";
    throw new CommandError(EXIT.usage, `${option}: cannot read certificates: ${why}`);
  }
}

export const ADMIN_DEFAULT = "http://127.0.0.1:8474";
const ANSWER_TIMEOUT_MS = 10_000;

export class AdminClient {
  readonly base: string;
  readonly #headers: Record<string, string>;
  /** Trusts what was named, where anything was. */
  readonly #agent: Agent | null;
  readonly #timeout: number;

  constructor(options: ClientOptions, io: Pick<Io, "env">) {
    const given = options.admin ?? io.env["SQUALL_ADMIN"] ?? ADMIN_DEFAULT;
    this.base = (
      given.includes("://") ? given : `http://${given.startsWith(":") ? `127.0.0.1${given}` : given}`
    ).replace(/\/+$/u, "");
    if (!URL.canParse(this.base) || !/^https?:/u.test(this.base))
      throw new CommandError(
        EXIT.usage,
        `${options.admin === undefined ? "SQUALL_ADMIN" : "--admin"}: expected an address such as 127.0.0.1:8474 or a URL, got ${JSON.stringify(given)}`,
      );
    const ca = options.adminCa ?? io.env["SQUALL_ADMIN_CA"];
    const { servername, timeout = ANSWER_TIMEOUT_MS } = options;
    this.#timeout = timeout;
    const trust =
      ca === undefined || ca === ""
        ? {}
        : { ca: [...rootCertificates, certificates(ca, options.adminCa === undefined)] };
    const tls = { ...trust, ...(servername === undefined ? {} : { servername }) };
    this.#agent = this.base.startsWith("https:") && Object.keys(tls).length > 0 ? new Agent(tls) : null;
    const token = options.token ?? io.env["SQUALL_ADMIN_TOKEN"];
    this.#headers = {
      ...ASKED_ONCE,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  /** `body` is sent as JSON; text as it is, which is YAML then. `naming` says a mistake by the option that it was made with. */
  async call(method: string, path: string, body?: unknown, naming?: Naming): Promise<unknown> {
    const type = typeof body === "string" ? "text/yaml" : "application/json";
    const { signal, end } = within(this.#timeout);
    const { response, text } = await this.#send(path, {
      method,
      signal,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      headers: { ...this.#headers, ...(body === undefined ? {} : { "content-type": type }) },
    }).finally(end);
    if (!response.ok) throw this.#refused(response.status, text, naming);
    if (text === "") return null;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw this.#stranger(text);
    }
  }

  /** An answer that is text. */
  async text(path: string): Promise<string> {
    const { signal, end } = within(this.#timeout);
    const { response, text } = await this.#send(path, { signal, headers: this.#headers }).finally(end);
    if (!response.ok) throw this.#refused(response.status, text);
    return text;
  }

  /** The answer, if it has that list: whoever else answers on that port has none. */
  known<T extends object>(answer: T | null, list: keyof T & string): T {
    if (answer !== null && Array.isArray(answer[list])) return answer;
    throw this.#stranger(JSON.stringify(answer));
  }

  #refused(status: number, text: string, naming?: Naming): CommandError {
    // Whoever is no Squall has errors of his own.
    if (!/"code":\s*"SQ_/u.test(text)) return this.#stranger(`${status} ${text}`);
    return new Refusal(status, refusalText(text, status, naming));
  }

  #stranger(text: string): CommandError {
    return new CommandError(
      EXIT.failed,
      `${this.base} does not answer like Squall: ${text.trim().slice(0, 80) || "nothing"}`,
    );
  }

  /** Each server-sent event, for as long as the daemon sends. */
  async *events(path: string, options: EventsOptions): AsyncGenerator<ServerEvent> {
    const { signal, begun, end } = within(this.#timeout, options.signal);
    try {
      const id = options.lastEventId;
      const headers = { ...this.#headers, ...(id === null ? {} : { "last-event-id": id }) };
      const response = await this.#fetch(path, { headers, signal });
      if (!response.ok || response.body === null) throw this.#refused(response.status, await response.text());
      const type = response.headers.get("content-type") ?? "no content type";
      if (!type.startsWith("text/event-stream")) throw this.#stranger(type);
      begun();
      options.opened();
      const decoder = new TextDecoder();
      let rest = "";
      for await (const chunk of response.body) {
        rest += decoder.decode(chunk as Uint8Array, { stream: true });
        const events = rest.split("\n\n");
        rest = events.pop() ?? "";
        for (const event of events) {
          const found = eventOf(event);
          if (found !== null) yield found;
        }
      }
    } finally {
      end();
    }
  }

  /** With the whole of what is answered: an answer that breaks off is none. */
  async #send(path: string, init: AnyPortRequest): Promise<{ response: Response; text: string }> {
    const response = await this.#fetch(path, init);
    try {
      return { response, text: await response.text() };
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #fetch(path: string, init: AnyPortRequest): Promise<Response> {
    try {
      return await fetchAnyPort(
        `${this.base}${path}`,
        this.#agent === null ? init : { ...init, agent: this.#agent },
      );
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): CommandError {
    const cause = reasonOf(error);
    return new CommandError(
      EXIT.unreachable,
      `no Squall answers at ${this.base} (${cause}). Is it running? Start it with: squall serve`,
    );
  }
}

/** The daemon has understood, and will not do it. */
export class Refusal extends CommandError {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(exitFor(status), text);
  }
}

export interface EventsOptions {
  readonly signal: AbortSignal;
  /** Where an earlier stream broke; null for none. */
  readonly lastEventId: string | null;
  /** Called as soon as the daemon has accepted it, whether or not there is anything to tell. */
  readonly opened: () => void;
}

export interface ServerEvent {
  /** Comes back as `Last-Event-ID`; null of an event without one. */
  readonly id: string | null;
  readonly data: string;
}

/** Null for a comment. */
function eventOf(text: string): ServerEvent | null {
  const values = (field: string): string[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).trimStart());
  const data = values("data");
  return data.length === 0 ? null : { id: values("id").at(-1) ?? null, data: data.join("\n") };
}

function exitFor(status: number): number {
  return status === 422 || status === 400 ? EXIT.invalid : EXIT.failed;
}
