/** One attempt to reach an upstream at one of its addresses: connect, and speak TLS where that is asked for. */
import { isIP, type Socket } from "node:net";
import { DEFAULT_CIPHERS, type TLSSocket } from "node:tls";
import type { Millis } from "../../core/clock.js";
import type { ConnectionFailure } from "../../core/events.js";
import type { Keepalive } from "../../core/stream-options.js";
import type { TlsVersion } from "../../faults/contract/index.js";
import { alpnWire } from "../../tls/alpn.js";
import type { Descriptors } from "../descriptors.js";
import { lackOf, wordsOfLack, type LocalLack } from "../local-lacks.js";
import { dialStream } from "../sockets/stream.js";
import type { Runner } from "./race.js";
import { connectReading, secureReading, type Take } from "./reader.js";

export interface DialFailure {
  readonly reason: Extract<ConnectionFailure, `upstream_${string}`> | "no_upstream" | LocalLack;
  readonly text: string;
  /** It was a fault that brought it about. */
  readonly injected?: boolean;
}

/** How an upstream is spoken to over TLS. */
export interface TlsOptions {
  /** Certificates to trust instead of the system's, PEM; null for the system's. */
  readonly ca: string | null;
  /** Takes any certificate. */
  readonly insecure: boolean;
  /** For SNI and for checking the certificate; the upstream's own name if null. */
  readonly servername: string | null;
  /** What it is shown of ours, PEM; missing for nothing. */
  readonly own?: { readonly cert: string; readonly key: string } | null;
  /** The oldest version that is spoken; missing for the runtime's own. */
  readonly min?: TlsVersion | null;
  /** The protocols that it is offered (RFC 7301); missing for none. */
  readonly alpn?: readonly string[];
  /** Where `ca` and `own` were read, and are read again when they change; missing for neither. */
  readonly files?: {
    readonly ca: string | null;
    readonly own: { readonly cert: string; readonly key: string } | null;
  };
}

export interface AttemptParts {
  /** As it is called, for TLS and for messages. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly take: Take;
  readonly tls: TlsOptions | null;
  readonly descriptors: Descriptors | undefined;
  readonly keepalive: Keepalive;
}

/** A server that has taken the connection is computing; one that never says anything is found out all the same. */
const HANDSHAKE_DELAY: Millis = 1_000;

const REASONS: Readonly<Record<string, DialFailure["reason"]>> = {
  ECONNREFUSED: "upstream_refused",
  ETIMEDOUT: "upstream_timeout",
  EHOSTUNREACH: "upstream_unreachable",
  EHOSTDOWN: "upstream_unreachable",
  ENETUNREACH: "upstream_unreachable",
  ENETDOWN: "upstream_unreachable",
  EADDRNOTAVAIL: "upstream_unreachable",
  EAFNOSUPPORT: "upstream_unreachable",
  ECONNRESET: "upstream_reset",
};

type SocketRunner = Runner<Socket, DialFailure>;

/** Answers how to give it up. */
export function attempt(parts: AttemptParts, runner: SocketRunner): () => void {
  const one = new Attempt(parts, runner);
  return () => {
    one.giveUp();
  };
}

class Attempt {
  readonly #parts: AttemptParts;
  readonly #runner: SocketRunner;
  #socket: Socket;
  #over = false;

  constructor(parts: AttemptParts, runner: SocketRunner) {
    this.#parts = parts;
    this.#runner = runner;
    const { address, port, take, tls, descriptors, keepalive } = parts;
    const to = { host: address, port };
    const socket =
      tls === null ? connectReading(to, keepalive, take) : dialStream(to, keepalive, { allowHalfOpen: true });
    this.#socket = socket;
    const onError = (error: NodeJS.ErrnoException): void => {
      this.#lost(error);
    };
    socket.once("error", onError);
    socket.once("connect", () => {
      if (this.#over) return;
      socket.off("error", onError);
      if (tls === null) this.#won(socket);
      else this.#secure(socket, tls);
    });
    if (descriptors !== undefined) this.#keepOffReserve(socket, descriptors);
  }

  get #name(): string {
    const { host, port } = this.#parts;
    return `${host}:${port}`;
  }

  /** It has a descriptor within this turn: an upstream that is long in coming must not hold one that is kept for others. */
  #keepOffReserve(socket: Socket, descriptors: Descriptors): void {
    setImmediate(() => {
      if (!this.#over && descriptors.isReserved(socket)) {
        this.#fail("descriptor_limit", wordsOfLack("descriptor_limit"));
      }
    });
  }

  #secure(
    carrier: Socket,
    { ca, insecure, servername, own = null, min = null, alpn = [] }: TlsOptions,
  ): void {
    const { host, take } = this.#parts;
    // RFC 6066, section 3: without the dot at its end.
    const name = (servername ?? (isIP(host) === 0 ? host : null))?.replace(/\.$/u, "") ?? null;
    this.#runner.progressed(HANDSHAKE_DELAY);
    let socket: TLSSocket;
    try {
      socket = secureReading(
        carrier,
        {
          host,
          ...(name === null ? {} : { servername: name }),
          ...(ca === null ? {} : { ca }),
          rejectUnauthorized: !insecure,
          ...(own === null ? {} : own),
          // OpenSSL speaks the old ones at its lowest level of security alone.
          ...(min === "1.0" || min === "1.1" ? { ciphers: `${DEFAULT_CIPHERS}:@SECLEVEL=0` } : {}),
          ...(min === null ? {} : { minVersion: `TLSv${min === "1.0" ? "1" : min}` }),
          ...(alpn.length === 0 ? {} : { ALPNProtocols: alpnWire(alpn) }),
        },
        take,
      );
    } catch (error) {
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
      this.#won(socket);
    });
  }

  #won(socket: Socket): void {
    this.#over = true;
    this.#runner.won(socket);
  }

  #lost({ code, message }: NodeJS.ErrnoException): void {
    const lack = lackOf(code, this.#parts.address);
    if (lack === null) this.#fail(REASONS[code ?? ""] ?? "upstream_error", `${this.#name}: ${message}`);
    else if (lack === "descriptor_limit") this.#fail(lack, wordsOfLack(lack));
    else this.#fail(lack, `${wordsOfLack(lack)}: ${message}`);
  }

  #fail(reason: DialFailure["reason"], text: string): void {
    if (this.#over) return;
    this.giveUp();
    this.#runner.lost({ reason, text });
  }

  giveUp(): void {
    this.#over = true;
    // An error of a socket that nobody waits for any more must not become an uncaught one.
    this.#socket.removeAllListeners("error").on("error", () => undefined);
    this.#socket.destroy();
  }
}
