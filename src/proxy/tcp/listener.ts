/**
 * A listening socket that can go away and come back: `down` closes it, healing binds it again on the
 * same port, as often as it takes if somebody else has taken the port meanwhile.
 */
import { createServer, isIP, type Server, type Socket } from "node:net";
import type { Timer } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";
import type { PlaneContext } from "../context.js";
import { ResolveError } from "../upstream/resolver.js";

export interface ListenAddress {
  readonly host: string;
  /** 0 lets the system choose; the chosen one is kept when the listener comes back. */
  readonly port: number;
}

/** The kernel cuts this to net.core.somaxconn. */
const BACKLOG = 4096;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;

export class Listener {
  readonly #name: string;
  readonly #context: PlaneContext;
  readonly #onConnection: (socket: Socket) => void;
  readonly #configured: ListenAddress;
  #bound: ListenAddress | null = null;
  #server: Server | null = null;
  #binding: Promise<void> | null = null;
  #wanted = false;
  #started = false;
  #retry: Timer | null = null;
  #retryAfter = RETRY_MIN_MS;

  constructor(parts: {
    readonly name: string;
    readonly address: ListenAddress;
    readonly context: PlaneContext;
    readonly onConnection: (socket: Socket) => void;
  }) {
    this.#name = parts.name;
    this.#configured = parts.address;
    this.#context = parts.context;
    this.#onConnection = parts.onConnection;
  }

  get bound(): ListenAddress | null {
    return this.#bound;
  }

  get state(): "listening" | "closed by fault" | "cannot listen" {
    if (!this.#wanted) return "closed by fault";
    return this.#server?.listening === true ? "listening" : "cannot listen";
  }

  /**
   * Binds for the first time, and throws if that cannot be done. With `wanted` false the address is
   * tried and given up again, so that a mistake in it shows at once and port 0 becomes a real one.
   */
  async start(wanted: boolean): Promise<void> {
    this.#started = true;
    this.#wanted = true;
    try {
      // What was under way before it was stopped would be in its own way.
      await this.#binding?.catch(() => undefined);
      if (this.#server === null) await this.#bind();
    } catch (error) {
      this.#started = false;
      throw error;
    }
    if (!wanted) this.want(false);
    else this.#reopen();
  }

  /** Whether anybody should be let in from now on. Takes effect at once when closing. */
  want(wanted: boolean): void {
    if (!this.#started || wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) {
      this.#retryAfter = RETRY_MIN_MS;
      this.#reopen();
    } else {
      this.#close();
      this.#context.facts.tell({ kind: "listener_closed", proxy: this.#name, why: "a fault is in force" });
    }
  }

  stop(): void {
    this.#started = false;
    this.#wanted = false;
    this.#close();
  }

  /** Comes back after `stop` on the address that it had: later, if somebody has taken it. */
  async resume(wanted: boolean): Promise<void> {
    this.#retryAfter = RETRY_MIN_MS;
    try {
      await this.start(wanted);
    } catch (error) {
      this.#started = true;
      this.#failed(error);
    }
  }

  #close(): void {
    this.#retry?.cancel();
    this.#retry = null;
    this.#server?.close();
    this.#server = null;
  }

  #reopen(): void {
    if (!this.#started || !this.#wanted || this.#server !== null || this.#binding !== null) return;
    this.#bind().then(
      () => {
        this.#retryAfter = RETRY_MIN_MS;
        if (!this.#wanted) {
          this.#close();
          return;
        }
        if (this.#server === null) {
          // It was not wanted just when it was bound, and is again.
          this.#reopen();
          return;
        }
        this.#context.facts.tell({ kind: "listener_opened", proxy: this.#name, listen: this.#text });
      },
      (error: unknown) => {
        this.#failed(error);
      },
    );
  }

  #failed(error: unknown): void {
    if (!this.#started || !this.#wanted) return;
    const reason = error instanceof Error ? error.message : String(error);
    this.#context.facts.tell({ kind: "listen_failed", proxy: this.#name, listen: this.#text, reason });
    const { clock } = this.#context;
    this.#retry = clock.at(clock.now() + this.#retryAfter, () => {
      this.#retry = null;
      this.#reopen();
    });
    this.#retryAfter = Math.min(this.#retryAfter * 2, RETRY_MAX_MS);
  }

  get #text(): string {
    const { host, port } = this.#bound ?? this.#configured;
    return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  }

  #bind(): Promise<void> {
    const binding = this.#resolveAndListen().finally(() => {
      this.#binding = null;
    });
    this.#binding = binding;
    return binding;
  }

  async #resolveAndListen(): Promise<void> {
    const { host, port } = this.#bound ?? this.#configured;
    await this.#listen(host === "" || isIP(host) !== 0 ? host : await this.#addressOf(host), port);
  }

  /** One address of a name, IPv4 if it has one: a socket listens on one only. */
  async #addressOf(name: string): Promise<string> {
    try {
      const [first] = await this.#context.resolver.resolve(name);
      return first?.address ?? name;
    } catch (error) {
      const why = error instanceof ResolveError ? error.reason : String(error);
      throw new SquallError("SQ_LISTEN_FAILED", `listen tcp: lookup ${name}: ${why}`, { cause: error });
    }
  }

  #listen(host: string, port: number): Promise<void> {
    // noDelay: small exchanges would otherwise wait for delayed ACKs. pauseOnConnect: no byte is read before the gate.
    const server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
      this.#onConnection,
    );
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        reject(
          new SquallError("SQ_LISTEN_FAILED", `listen tcp ${this.#text}: ${reasonOf(error)}`, {
            cause: error,
          }),
        );
      });
      // Without a host it listens on all addresses, of both families where there are both.
      server.listen({ port, backlog: BACKLOG, ...(host === "" ? {} : { host }) }, () => {
        server.removeAllListeners("error");
        server.on("error", (error) => {
          this.#context.facts.tell({
            kind: "listen_failed",
            proxy: this.#name,
            listen: this.#text,
            reason: error.message,
          });
        });
        const address = server.address();
        if (address !== null && typeof address === "object")
          this.#bound = { host: address.address, port: address.port };
        if (this.#started && this.#wanted) {
          this.#server = server;
        } else {
          server.close();
        }
        resolve();
      });
    });
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "address already in use";
    case "EACCES":
      return "permission denied";
    case "EADDRNOTAVAIL":
      return "cannot assign requested address";
    default:
      return error.message;
  }
}
