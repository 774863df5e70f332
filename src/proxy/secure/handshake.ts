/**
 * The server's part of one TLS handshake, from the engine's first byte to its last: stops where a fault stops it, goes on when that lets
 * it, and tells what the client does meanwhile.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../core/clock.js";
import type { AlertName } from "../../faults/contract/index.js";
import type { Carrier } from "../../tls/carrier.js";
import { closeSoon, resetSoon } from "../partings.js";
import type { CipherFaults } from "./cipher-faults.js";
import { engineOn, type Engine } from "./engine.js";
import type { Choice, Front } from "./front.js";
import type { Final, HandshakeFaults, Stalling } from "./handshake-faults.js";

/** Whose handshake it is. */
export interface HandshakeHost {
  readonly clock: Clock;
  readonly front: Front;
  readonly faults: HandshakeFaults;
  readonly cipher: CipherFaults;
  /** Both sides are through, and nothing stops ours. */
  secured(socket: TLSSocket): void;
  /** A fault has stopped it: what time it takes is the fault's affair. */
  stopped(): void;
  goesOn(): void;
  /** A fault ends it. */
  concluded(verdict: Final): void;
  /** The client has ended its side. */
  ended(): void;
  broke(error: Error): void;
  closed(): void;
  /** No alert could be sent, and why. */
  silent(problem: string): void;
  /** So many bytes of data have been sent to the client. */
  sent(bytes: number): void;
  guarded(run: () => void): void;
}

export class Handshake {
  readonly #of: HandshakeHost;
  readonly #carrierSocket: Socket;
  readonly #engine: Engine;
  /** The client was asked for a certificate. */
  readonly asked: boolean;
  /** A fault holds our part. */
  #stalled = false;
  /** We hold it, until it is known whether the client's certificate is taken. */
  #withheld = false;
  #isSecure = false;
  #ending = false;

  /** Begins with the client's first byte: whoever has read it has put it back. */
  constructor(of: HandshakeHost, socket: Socket, choice: Choice) {
    this.#of = of;
    this.#carrierSocket = socket;
    const { front, faults, cipher, clock } = of;
    const { clients } = front.spec;
    const asks = faults.demands() || clients !== null;
    this.asked = asks;
    const stall = faults.stall();
    const carries = asks || faults.wantEngine || !cipher.none;
    this.#engine = engineOn(
      socket,
      choice,
      asks,
      carries
        ? {
            clock,
            lane: cipher.none ? null : cipher.lane,
            sent: faults.countBytes
              ? () => {
                  of.guarded(() => {
                    if (this.#isSecure) of.sent(this.socket.bytesWritten);
                  });
                }
              : null,
            ending: () => faults.end(),
          }
        : null,
    );
    const { carrier } = this.#engine;
    this.#listen();
    if (carrier === null) return;
    if (stall !== null) this.#stallAt(carrier, stall);
    // Before our Finished, so that a refusal is one of the handshake (RFC 5246, 7.4.6).
    else if (asks)
      carrier.stallAt({ at: "finished" }, () => {
        this.#withheld = true;
      });
  }

  /** Plain bytes, once it is secure. */
  get socket(): TLSSocket {
    return this.#engine.socket;
  }

  #listen(): void {
    const { socket } = this.#engine;
    this.#of.front.logged(socket);
    (socket as Shaken)[HANDSHAKE] = this;
    socket
      .on("secure", onSecure)
      .on("error", onError)
      // Node's "error" tells of TLS that breaks behind the handshake only where its own server made the socket: others stand still.
      .on("_tlsError", onTlsError)
      .on("end", onEnd)
      .on("close", onClose);
  }

  get host(): HandshakeHost {
    return this.#of;
  }

  /** Both sides are through. */
  secure(): void {
    this.#isSecure = true;
    if (!this.#stalled && !this.#ending) this.#of.secured(this.socket);
  }

  /** A fault stops our part, and says what comes of that. */
  #stallAt(carrier: Carrier, { stall, fault }: Stalling): void {
    const of = this.#of;
    carrier.stallAt(stall, () => {
      this.#stalled = true;
      of.stopped();
      of.faults.through(
        (one) => (one === fault ? one.stalled?.() : undefined),
        (outcome) => {
          of.guarded(() => {
            if (!this.#stalled) return;
            if (outcome.do === "pass") this.#goOn(carrier);
            else of.concluded(outcome);
          });
        },
      );
    });
    // The engine, which has stopped reading, would hear of it behind all that it has not read.
    this.#carrierSocket.once("end", () => {
      of.guarded(() => {
        if (this.#stalled) of.ended();
      });
    });
  }

  #goOn(carrier: Carrier): void {
    this.#stalled = false;
    carrier.goOn();
    if (this.#isSecure) this.#of.secured(this.socket);
    else this.#of.goesOn();
  }

  /** Whoever goes on with its socket is told what becomes of that, and nobody else. */
  forget(): void {
    (this.socket as Shaken)[HANDSHAKE] = undefined;
  }

  /** Nobody refuses it: what is left of our part goes out. */
  finish(): void {
    this.#withheld = false;
    this.#engine.carrier?.goOn();
  }

  /** Ends our side with an alert, behind what was sent; false where none can be sent. */
  alert(name: AlertName): boolean {
    const { carrier } = this.#engine;
    carrier?.sendAlert(name, (problem) => {
      if (problem !== null) this.#of.silent(problem);
    });
    return carrier !== null;
  }

  /** Nothing comes of it. False if it has closed already. */
  end(how: "close" | "reset"): boolean {
    this.#ending = true;
    const isHeld = this.#stalled || this.#withheld;
    this.#stalled = false;
    const { socket } = this;
    if (isHeld) {
      this.leave(how);
      return true;
    }
    socket.on("error", () => undefined);
    if (socket.destroyed) return false;
    if (how === "reset") resetSoon(socket, this.#of.clock, null);
    else closeSoon(socket, this.#of.clock, null, () => false);
    return true;
  }

  /** What the engine has to say stays unsaid: the client sees our side end where it stopped. */
  leave(how: "close" | "reset"): void {
    const { clock } = this.#of;
    const carrierSocket = this.#carrierSocket;
    this.#engine.mute();
    this.#endWithCarrier();
    if (carrierSocket.destroyed) this.socket.destroy();
    else if (how === "reset") resetSoon(carrierSocket, clock, null);
    else closeSoon(carrierSocket, clock, null, () => false);
  }

  #endWithCarrier(): void {
    this.#carrierSocket.on("error", () => undefined).once("close", () => this.socket.destroy());
  }

  /** A turn later: within a callback of OpenSSL's nothing may be taken away from under it. */
  destroy(): void {
    this.#ending = true;
    setImmediate(() => {
      this.socket.destroy();
      this.#carrierSocket.destroy();
    });
  }
}

/** Handlers are shared by all clients: whose socket it is says a property of it. */
const HANDSHAKE = Symbol("handshake");

type Shaken = TLSSocket & { [HANDSHAKE]?: Handshake | undefined };

function onSecure(this: TLSSocket): void {
  tell(this, (handshake) => {
    handshake.secure();
  });
}

function onError(this: TLSSocket, error: Error): void {
  tell(this, ({ host }) => {
    host.broke(error);
  });
}

function onTlsError(this: TLSSocket, error: Error): void {
  this.destroy(error);
}

function onEnd(this: TLSSocket): void {
  tell(this, ({ host }) => {
    host.ended();
  });
}

/** Node keeps its engine, and so the socket, until the next full collection of garbage: nothing else is to be kept with it. */
function onClose(this: TLSSocket): void {
  tell(this, ({ host }) => {
    host.closed();
  });
  (this as Shaken)[HANDSHAKE] = undefined;
}

function tell(socket: TLSSocket, run: (handshake: Handshake) => void): void {
  const handshake = (socket as Shaken)[HANDSHAKE];
  if (handshake === undefined) return;
  handshake.host.guarded(() => {
    run(handshake);
  });
}
