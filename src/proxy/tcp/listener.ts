/**
 * A listening socket that can go away and come back: `down` closes it, healing binds it again on the
 * same port, as often as it takes if somebody else has taken the port meanwhile.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { Timer } from "../../core/clock.js";
import { SquallError } from "../../core/errors.js";
import type { PlaneContext } from "../context.js";

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
  #binding = false;
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
      await this.#bind();
    } catch (error) {
      this.#started = false;
      throw error;
    }
    if (!wanted) this.want(false);
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

  #close(): void {
    this.#retry?.cancel();
    this.#retry = null;
    this.#server?.close();
    this.#server = null;
  }

  #reopen(): void {
    if (!this.#started || !this.#wanted || this.#server !== null || this.#binding) return;
    this.#bind().then(
      () => {
        this.#retryAfter = RETRY_MIN_MS;
        if (!this.#wanted) {
          this.#close();
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
    const { host, port } = this.#bound ?? this.#configured;
    // noDelay: small exchanges would otherwise wait for delayed ACKs. pauseOnConnect: no byte is read before the gate.
    const server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
      this.#onConnection,
    );
    this.#binding = true;
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        this.#binding = false;
        reject(
          new SquallError("SQ_LISTEN_FAILED", `listen tcp ${this.#text}: ${reasonOf(error)}`, {
            cause: error,
          }),
        );
      });
      server.listen({ host: host === "" ? "::" : host, port, backlog: BACKLOG }, () => {
        this.#binding = false;
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
