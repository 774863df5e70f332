/**
 * A running Squall, or the Toxiproxy that TOXIPROXY_URL names, with servers and clients around it: what is
 * tested here is what both have in common, and where Squall is better.
 */
import { connect, type Socket } from "node:net";
import { Toxiproxy } from "toxiproxy-node-client";
import { startSquall, type Squall, type SquallOptions } from "../../src/index.js";
import { Lab, type Client, type ClientOptions, type Upstream } from "../support/lab.js";

export interface Answer {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** One keep-alive connection to the API, spoken to in bytes. */
export class RawHttp {
  readonly socket: Socket;
  #unread = Buffer.alloc(0);
  #waiting: (() => void) | null = null;
  #failure: Error | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(url: URL) {
    this.socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.socket.on("data", (chunk: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, chunk]);
      this.#waiting?.();
    });
    const over = (error?: Error): void => {
      this.#failure ??= error ?? new Error("the connection was closed");
      this.#waiting?.();
    };
    this.socket.on("error", over).on("close", () => {
      over();
    });
  }

  get alive(): boolean {
    return this.#failure === null;
  }

  /** Sends one request and reads its answer; further ones wait for it. */
  ask(
    method: string,
    path: string,
    body?: string | Buffer,
    headers: readonly string[] = [],
  ): Promise<Answer> {
    const answer = this.#turn.then(() => this.#ask(method, path, body, headers));
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  async #ask(
    method: string,
    path: string,
    body: string | Buffer | undefined,
    headers: readonly string[],
  ): Promise<Answer> {
    const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    this.socket.write(
      [`${method} ${path} HTTP/1.1`, "Host: localhost", ...length, ...headers, "", ""].join("\r\n"),
    );
    if (body !== undefined) this.socket.write(body);
    const head = await this.#until(() => this.#unread.indexOf("\r\n\r\n"));
    const [status = "", ...lines] = this.#take(head + 4)
      .toString("latin1")
      .trimEnd()
      .split("\r\n");
    const fields = new Map(
      lines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const bytes = method === "HEAD" ? 0 : Number(fields.get("content-length") ?? 0);
    await this.#until(() => (this.#unread.length >= bytes ? bytes : -1));
    return {
      status: Number(status.split(" ", 2)[1]),
      headers: fields,
      // 2.12 shows this one by accident.
      body: this.#take(bytes).toString("utf8").replaceAll(',"Logger":{}', ""),
    };
  }

  #take(bytes: number): Buffer {
    const taken = this.#unread.subarray(0, bytes);
    this.#unread = this.#unread.subarray(bytes);
    return taken;
  }

  async #until(found: () => number): Promise<number> {
    for (;;) {
      const at = found();
      if (at >= 0) return at;
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

export interface ProxyJson {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  readonly toxics: readonly Readonly<Record<string, unknown>>[];
}

export class CompatLab {
  readonly lab = new Lab();
  readonly url: URL;
  readonly squall: Squall | null;
  readonly client: Toxiproxy;
  readonly #raw: RawHttp[] = [];

  private constructor(url: string, squall: Squall | null) {
    this.url = new URL(url);
    this.squall = squall;
    this.client = new Toxiproxy(url);
  }

  static async open(options: SquallOptions = {}): Promise<CompatLab> {
    const external = process.env["TOXIPROXY_URL"];
    if (external !== undefined) {
      const here = new CompatLab(external, null);
      await here.clear();
      return here;
    }
    // Reading the library is most of a start, and nothing here is of it.
    const squall = await startSquall({ profiles: { library: false, paths: [] }, ...options });
    return new CompatLab(squall.adminUrl, squall);
  }

  /** Around a server that somebody else has started. */
  static at(url: string): CompatLab {
    return new CompatLab(url, null);
  }

  async clear(): Promise<void> {
    const { body } = await this.ask("GET", "/proxies");
    for (const name of Object.keys(JSON.parse(body) as object)) {
      await this.ask("DELETE", `/proxies/${encodeURIComponent(name)}`);
    }
  }

  raw(): RawHttp {
    const raw = new RawHttp(this.url);
    this.#raw.push(raw);
    return raw;
  }

  /** On one connection, kept open from test to test. */
  ask(method: string, path: string, body?: string | object, headers?: readonly string[]): Promise<Answer> {
    const raw = this.#raw[0]?.alive === true ? this.#raw[0] : this.raw();
    return raw.ask(method, path, typeof body === "object" ? JSON.stringify(body) : body, headers);
  }

  async json<T = ProxyJson>(method: string, path: string, body?: string | object): Promise<T> {
    return JSON.parse((await this.ask(method, path, body)).body) as T;
  }

  /** A proxy on a free port in front of an upstream; answers its port. */
  async proxy(name: string, upstream: number | string, more: object = {}): Promise<number> {
    const body = {
      name,
      listen: "127.0.0.1:0",
      upstream: typeof upstream === "number" ? `127.0.0.1:${upstream}` : upstream,
      ...more,
    };
    const made = await this.json("POST", "/proxies", body);
    return portOf(made);
  }

  /** Adds one, and throws if that cannot be done. */
  async toxic(proxy: string, body: object): Promise<void> {
    const { status, body: text } = await this.ask("POST", `/proxies/${proxy}/toxics`, body);
    if (status !== 200) throw new Error(text);
  }

  async untoxic(proxy: string, toxic: string): Promise<void> {
    const { status, body } = await this.ask("DELETE", `/proxies/${proxy}/toxics/${toxic}`);
    if (status !== 204) throw new Error(body);
  }

  connect(port: number, options: ClientOptions = {}): Client {
    return this.lab.client(port, options.localAddress, options);
  }

  /** A connection through a proxy, with both its ends. */
  async through(
    port: number,
    upstream: Upstream,
    options: ClientOptions = {},
  ): Promise<{ client: Client; peer: Client }> {
    const client = this.connect(port, options);
    return { client, peer: await upstream.next() };
  }

  async close(): Promise<void> {
    for (const raw of this.#raw) raw.close();
    await this.lab.close();
    await this.squall?.stop();
  }
}

export function portOf({ listen }: Pick<ProxyJson, "listen">): number {
  return Number(listen.slice(listen.lastIndexOf(":") + 1));
}
