/**
 * A port that is listened on, whatever the protocol, and that can go away and come back: `down` closes it and keeps it from
 * others where the system lets us, healing binds it again where it was, as often as it takes if somebody has it all the same.
 */
import { isIP } from "node:net";
import type { Timer } from "../core/clock.js";
import { SquallError } from "../core/errors.js";
import type { PlaneContext } from "./context.js";
import type { ListenAddress } from "./sockets/bind.js";
import type { Hold } from "./sockets/hold.js";
import { ownerOf } from "./sockets/owner.js";
import { ResolveError } from "./upstream/resolver.js";
import type { Keepalive } from "../core/stream-options.js";

export type { ListenAddress } from "./sockets/bind.js";

export interface PortParts {
  /** The proxy's. */
  readonly name: string;
  readonly address: ListenAddress;
  readonly context: PlaneContext;
}

/** A socket that is bound. */
export interface Bound {
  readonly address: ListenAddress;
  readonly open: boolean;
  close(): void;
}

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;

export abstract class Port {
  readonly #name: string;
  readonly #context: PlaneContext;
  readonly #configured: ListenAddress;
  #bound: ListenAddress | null = null;
  #socket: Bound | null = null;
  #binding: Promise<void> | null = null;
  /** What keeps the port while it is not listened on. */
  #hold: Hold | null = null;
  /** Who had it when it could not be bound; undefined while that has not been asked. */
  #owner: string | null | undefined;
  #wanted = false;
  /** What is being bound at the moment should be another socket by now. */
  #stale = false;
  #started = false;
  #retry: Timer | null = null;
  #retryAfter = RETRY_MIN_MS;

  constructor({ name, address, context }: PortParts) {
    this.#name = name;
    this.#configured = address;
    this.#context = context;
  }

  /** What the system calls it, for messages. */
  protected abstract readonly network: "tcp" | "udp";

  /** Binds that address; no host stands for all addresses of the machine. `trouble` is told what goes wrong later. */
  protected abstract open(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound>;

  /** Keeps that address from others while nobody listens on it; null where that cannot be done. */
  protected abstract hold(address: ListenAddress): Hold | null;

  protected get keepalive(): Keepalive {
    return this.#context.keepalive;
  }

  get bound(): ListenAddress | null {
    return this.#bound;
  }

  get state(): "listening" | "closed by fault" | "cannot listen" {
    if (!this.#wanted) return "closed by fault";
    return this.#socket?.open === true ? "listening" : "cannot listen";
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
      if (this.#socket === null) await this.#bind();
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
      this.#keep();
      this.closed("a fault is in force");
    }
  }

  stop(): void {
    this.#started = false;
    this.#wanted = false;
    this.#close();
    this.#release();
  }

  /** The same for one that is to come back: nobody else is to have the port meanwhile. */
  rest(): void {
    this.stop();
    this.#keep();
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
    this.#socket?.close();
    this.#socket = null;
  }

  #keep(): void {
    if (this.#bound !== null) this.#hold ??= this.hold(this.#bound);
  }

  #release(): void {
    this.#hold?.release();
    this.#hold = null;
  }

  #reopen(): void {
    if (!this.#started || !this.#wanted || this.#socket !== null || this.#binding !== null) return;
    this.#bind().then(
      () => {
        this.#retryAfter = RETRY_MIN_MS;
        if (!this.#wanted) {
          this.#close();
          return;
        }
        if (this.#socket === null) {
          // It was not wanted just when it was bound, and is again.
          this.#reopen();
          return;
        }
        this.opened();
      },
      (error: unknown) => {
        this.#failed(error);
      },
    );
  }

  /** Gives the address up and binds it again, as another kind of socket. */
  protected rebind(): void {
    if (!this.#started || !this.#wanted) return;
    this.#stale = true;
    this.#close();
    this.#keep();
    this.#reopen();
  }

  /** What was bound is gone, and nobody here has closed it: it is bound again after a while. */
  protected lost(error: Error): void {
    if (!this.#started || !this.#wanted) return;
    this.#close();
    this.#failed(error);
  }

  /** It is bound again, after it was given up. */
  protected opened(): void {
    this.#context.facts.tell({ kind: "listener_opened", proxy: this.#name, listen: this.#text });
  }

  protected closed(why: string): void {
    this.#context.facts.tell({ kind: "listener_closed", proxy: this.#name, why });
  }

  #failed(error: unknown): void {
    if (!this.#started || !this.#wanted) return;
    const hint = error instanceof SquallError && error.hint !== undefined ? ` (${error.hint})` : "";
    this.#tellFailure(`${error instanceof Error ? error.message : String(error)}${hint}`);
    const { clock } = this.#context;
    this.#retry = clock.at(clock.now() + this.#retryAfter, () => {
      this.#retry = null;
      this.#reopen();
    });
    this.#retryAfter = Math.min(this.#retryAfter * 2, RETRY_MAX_MS);
  }

  #tellFailure(reason: string): void {
    this.#context.facts.tell({ kind: "listen_failed", proxy: this.#name, listen: this.#text, reason });
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
      throw new SquallError("SQ_LISTEN_FAILED", `listen ${this.network}: lookup ${name}: ${why}`, {
        cause: error,
      });
    }
  }

  async #listen(host: string, port: number): Promise<void> {
    let socket: Bound;
    this.#stale = false;
    try {
      socket = await this.#openHeld({ host, port }, (error) => {
        this.#tellFailure(error.message);
      });
    } catch (error) {
      const owner = await this.#ownerOf(error as NodeJS.ErrnoException, port);
      const reason = reasonOf(error as NodeJS.ErrnoException);
      throw new SquallError("SQ_LISTEN_FAILED", `listen ${this.network} ${this.#text}: ${reason}`, {
        ...(owner === null ? {} : { hint: owner }),
        cause: error,
      });
    }
    this.#owner = undefined;
    this.#bound = socket.address;
    if (this.#started && this.#wanted && !this.#stale) {
      this.#socket = socket;
      this.#release();
      return;
    }
    socket.close();
    if (this.#started) this.#keep();
  }

  /** Beside what holds the port, so that nobody comes between; without it where the system has them both only one by one. */
  async #openHeld(address: ListenAddress, trouble: (error: Error) => void): Promise<Bound> {
    this.#hold?.makeRoom();
    try {
      return await this.open(address, trouble);
    } catch (error) {
      if (this.#hold === null || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      this.#release();
      return this.open(address, trouble);
    }
  }

  /** Who has it, if somebody has: asked once for each time that it is away, since it is tried again and again. */
  async #ownerOf({ code }: NodeJS.ErrnoException, port: number): Promise<string | null> {
    if (code !== "EADDRINUSE") return null;
    if (this.#owner === undefined) this.#owner = await ownerOf(this.network, port);
    return this.#owner;
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "address already in use";
    case "EACCES":
      return "permission denied";
    case "EAFNOSUPPORT":
      return "this machine has no addresses of that family";
    case "EADDRNOTAVAIL":
      return "cannot assign requested address";
    default:
      return error.message;
  }
}

/** Who a peer is to people: an IPv4 client of a dual-stack socket arrives as ::ffff:a.b.c.d. */
export function clientAddress(remote: string): string {
  return remote.startsWith("::ffff:") ? remote.slice(7) : remote;
}
