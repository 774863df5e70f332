/** Dialling an upstream: resolve, then try its addresses one after the other within one time-out. Each connection dials for itself. */
import { isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock, Timer } from "../../core/clock.js";
import type { Keepalive } from "../../core/stream_options.js";
import type { ConnectionFailure } from "../../core/events.js";
import { isExhaustion, type Descriptors } from "../descriptors.js";
import type { Named } from "./faulted_names.js";
import type { Intercepted } from "./reach.js";
import { dialStream } from "../sockets/stream.js";
import { connectReading, secureReading, type Endpoint, type Take } from "./reader.js";
import { ResolveError, type Resolver } from "./resolver.js";

export interface DialFailure {
  readonly reason: Extract<ConnectionFailure, `upstream_${string}`> | "no_upstream" | "descriptor_limit";
  readonly text: string;
}

export interface Dialling {
  cancel(): void;
}

export type { Endpoint } from "./reader.js";

/** How an upstream is spoken to over TLS. */
export interface TlsOptions {
  /** Certificates to trust instead of the system's, PEM; null for the system's. */
  readonly ca: string | null;
  /** Takes any certificate. */
  readonly insecure: boolean;
  /** For SNI and for checking the certificate; the upstream's own name if null. */
  readonly servername: string | null;
}

/** The time-out of the dialling, for a look-up that is to take as long as a fault says. */
export interface LookUpTimer {
  pause(): void;
  /** Begins anew. */
  resume(): void;
}

/** Looks a name up in the resolver's place. Calls `done` once, never from within this call, unless cancelled first. */
export type LookUp = (host: string, timer: LookUpTimer, done: (named: Named) => void) => Dialling;

export interface DialOptions {
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** Milliseconds for all addresses together. */
  readonly timeout: number;
  /** What becomes of the bytes, from the moment of the connection. */
  readonly take: Take;
  readonly tls?: TlsOptions | null;
  readonly lookUp?: LookUp | undefined;
  readonly descriptors?: Descriptors | undefined;
  readonly keepalive: Keepalive;
}

const REASONS: Readonly<Record<string, DialFailure["reason"]>> = {
  ECONNREFUSED: "upstream_refused",
  ETIMEDOUT: "upstream_timeout",
  EHOSTUNREACH: "upstream_unreachable",
  ENETUNREACH: "upstream_unreachable",
  EADDRNOTAVAIL: "upstream_unreachable",
  ECONNRESET: "upstream_reset",
};

/** Nothing that the upstream could help. */
export const NO_DESCRIPTOR = "no descriptor is left for a connection to the upstream";

/** Calls `done` with a connected socket or a failure, once, never from within this call, unless cancelled first. */
export function dial(
  to: Endpoint,
  options: DialOptions,
  done: (result: Socket | DialFailure | Intercepted) => void,
): Dialling {
  const attempt = new Dial(to, options, done);
  attempt.begin();
  return attempt;
}

class Dial implements Dialling {
  readonly #to: Endpoint;
  readonly #resolver: Resolver;
  readonly #timeout: number;
  readonly #take: Take;
  readonly #tls: TlsOptions | null;
  readonly #done: (result: Socket | DialFailure | Intercepted) => void;
  readonly #clock: Clock;
  readonly #lookUp: LookUp | undefined;
  readonly #descriptors: Descriptors | undefined;
  readonly #keepalive: Keepalive;
  #timer: Timer;
  #lookingUp: Dialling | null = null;
  #socket: Socket | null = null;
  #over = false;

  constructor(
    to: Endpoint,
    options: DialOptions,
    done: (result: Socket | DialFailure | Intercepted) => void,
  ) {
    this.#to = to;
    this.#resolver = options.resolver;
    this.#timeout = options.timeout;
    this.#take = options.take;
    this.#tls = options.tls ?? null;
    this.#done = done;
    this.#clock = options.clock;
    this.#lookUp = options.lookUp;
    this.#descriptors = options.descriptors;
    this.#keepalive = options.keepalive;
    this.#timer = this.#startTimer();
  }

  #startTimer(): Timer {
    return this.#clock.at(this.#clock.now() + this.#timeout, () => {
      this.#fail("upstream_timeout", `no connection to ${this.#name} within ${this.#timeout} ms`);
    });
  }

  get #name(): string {
    return `${this.#to.host}:${this.#to.port}`;
  }

  begin(): void {
    if (this.#lookUp !== undefined) {
      this.#lookingUp = this.#lookUp(this.#to.host, this.#lookUpTimer(), (named) => {
        this.#lookingUp = null;
        this.#named(named);
      });
      return;
    }
    if (isIP(this.#to.host) !== 0) {
      this.#try([this.#to.host]);
      return;
    }
    this.#resolver.resolve(this.#to.host).then(
      (addresses) => {
        this.#try(addresses.map(({ address }) => address));
      },
      (error: unknown) => {
        this.#unresolved(error);
      },
    );
  }

  #named(named: Named): void {
    if (this.#over) return;
    if ("verdict" in named) {
      this.cancel();
      this.#done(named);
    } else if (named instanceof ResolveError) {
      this.#unresolved(named);
    } else {
      this.#try(named);
    }
  }

  #unresolved(error: unknown): void {
    const text = error instanceof ResolveError ? error.reason : String(error);
    this.#fail("upstream_unresolved", `cannot resolve ${this.#to.host}: ${text}`);
  }

  #lookUpTimer(): LookUpTimer {
    return {
      pause: () => {
        this.#timer.cancel();
      },
      resume: () => {
        this.#timer.cancel();
        if (!this.#over) this.#timer = this.#startTimer();
      },
    };
  }

  #try(addresses: readonly string[]): void {
    if (this.#over) return;
    const [address, ...others] = addresses;
    if (address === undefined) {
      this.#fail("upstream_unresolved", `${this.#to.host} has no address`);
      return;
    }
    const { port } = this.#to;
    const socket =
      this.#tls === null
        ? connectReading({ host: address, port }, this.#keepalive, this.#take)
        : dialStream({ host: address, port }, this.#keepalive, { allowHalfOpen: true });
    this.#socket = socket;
    const onError = (error: NodeJS.ErrnoException): void => {
      if (isExhaustion(error)) this.#fail("descriptor_limit", NO_DESCRIPTOR);
      else if (others.length > 0) this.#try(others);
      else this.#fail(REASONS[error.code ?? ""] ?? "upstream_error", `${this.#name}: ${error.message}`);
    };
    socket.once("error", onError);
    socket.once("connect", () => {
      if (this.#over) return;
      socket.off("error", onError);
      if (this.#tls === null) this.#succeed(socket);
      else this.#secure(socket, this.#tls);
    });
    if (this.#descriptors !== undefined) this.#keepOffReserve(socket, this.#descriptors);
  }

  /** It has a descriptor within this turn: an upstream that is long in coming must not hold one that is kept for others. */
  #keepOffReserve(socket: Socket, descriptors: Descriptors): void {
    setImmediate(() => {
      if (!this.#over && descriptors.isReserved(socket)) this.#fail("descriptor_limit", NO_DESCRIPTOR);
    });
  }

  #secure(carrier: Socket, { ca, insecure, servername }: TlsOptions): void {
    const { host } = this.#to;
    // RFC 6066, section 3: without the dot at its end.
    const name = (servername ?? (isIP(host) === 0 ? host : null))?.replace(/\.$/u, "") ?? null;
    let socket: TLSSocket;
    try {
      socket = secureReading(
        carrier,
        {
          host,
          ...(name === null ? {} : { servername: name }),
          ...(ca === null ? {} : { ca }),
          rejectUnauthorized: !insecure,
          ALPNProtocols: ["http/1.1"],
        },
        this.#take,
      );
    } catch (error) {
      carrier.destroy();
      this.#fail("upstream_tls", `${this.#name}: ${String(error)}`);
      return;
    }
    this.#socket = socket;
    const onError = (error: Error): void => {
      this.#fail("upstream_tls", `${this.#name}: ${error.message}`);
    };
    socket.once("error", onError);
    // A peer that is no TLS server may simply close.
    const onClose = (): void => {
      this.#fail("upstream_tls", `${this.#name}: closed during the TLS handshake`);
    };
    socket.once("close", onClose);
    socket.once("secureConnect", () => {
      if (this.#over) return;
      socket.off("error", onError).off("close", onClose);
      this.#succeed(socket);
    });
  }

  #succeed(socket: Socket): void {
    this.#over = true;
    this.#timer.cancel();
    this.#done(socket);
  }

  #fail(reason: DialFailure["reason"], text: string): void {
    if (this.#over) return;
    this.cancel();
    this.#done({ reason, text });
  }

  cancel(): void {
    this.#over = true;
    this.#timer.cancel();
    this.#lookingUp?.cancel();
    // An error of a socket that nobody waits for any more must not become an uncaught one.
    this.#socket?.removeAllListeners("error").on("error", () => undefined);
    this.#socket?.destroy();
  }
}
