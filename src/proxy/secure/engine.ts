/**
 * The TLS engine of one client: on its socket, which is Node's own short way, or on a carrier where a fault, or a certificate that may
 * have to be refused, needs its records.
 */
import type { Server, Socket } from "node:net";
import { TLSSocket, type SecureContext } from "node:tls";
import type { Clock } from "../../core/clock.js";
import type { Alert, TlsEnd } from "../../faults/contract/index.js";
import { alpnWire } from "../../tls/alpn.js";
import { Carrier } from "../../tls/carrier.js";
import { straight, type MakeLane } from "../../tls/lane.js";
import { closeSoon } from "../partings.js";
import { carry } from "../upstream/reader.js";

export interface EngineParts {
  readonly context: SecureContext;
  readonly stapler: Server | null;
  readonly alpn: readonly string[];
}

/** What a carrier is for. */
export interface CarrierParts {
  readonly clock: Clock;
  /** Where ciphertext is acted on; null where it is not. */
  readonly lane: MakeLane | null;
  /** Something was sent to the client. */
  readonly sent: (() => void) | null;
  /** Our side is about to end in order: how. */
  readonly ending: () => TlsEnd | Alert | null;
}

export interface Engine {
  readonly socket: TLSSocket;
  readonly carrier: Carrier | null;
  /**
   * Nothing that the engine says goes out any more, so its own end is not asked for: a close_notify behind a write that is under way
   * would be a mistake to Node.
   */
  mute(): void;
}

/** `asks`: the client is asked for a certificate. */
export function engineOn(
  socket: Socket,
  { context, stapler, alpn }: EngineParts,
  asks: boolean,
  carrying: CarrierParts | null,
): Engine {
  const options: Options = {
    isServer: true,
    secureContext: context,
    requestCert: asks,
    // Who shows none, or a wrong one, is refused by us: OpenSSL lets wrong ones in, and Node would say nothing to the client.
    rejectUnauthorized: false,
  };
  if (stapler !== null) options.server = stapler;
  if (alpn.length > 0) options.ALPNProtocols = alpnWire(alpn);
  if (carrying === null) {
    const engine = new TLSSocket(socket, options);
    carry(engine, socket);
    return { socket: engine, carrier: null, mute: silently };
  }
  const { clock, lane, sent, ending } = carrying;
  const carrier = new Carrier(socket, {
    lane: sent === null ? (lane ?? straight) : heard(lane ?? straight, sent),
    leave: (left) => {
      closeSoon(left, clock, null, () => false);
    },
  });
  const engine = new EndingSocket(carrier, options, () => {
    const how = ending();
    if (typeof how === "string") carrier.endsWith(how);
    else if (how !== null) carrier.sendAlert(how.alert);
  });
  carrier.carry(engine);
  carry(engine, socket);
  // Whoever has listened to it before has stopped it.
  socket.resume();
  const mute = (): void => {
    engine.muted = true;
  };
  return { socket: engine, carrier, mute };
}

const silently = (): void => undefined;

/** The same lane, that tells of what is sent to the client. */
function heard(lane: MakeLane, sent: () => void): MakeLane {
  return (parts) => {
    const inner = lane(parts);
    if (parts.direction === "from_client") return inner;
    return {
      data: (chunk) => {
        inner.data(chunk);
        sent();
      },
      end: (how) => {
        inner.end(how);
      },
      drained: () => {
        inner.drained();
      },
      sinkLost: () => {
        inner.sinkLost();
      },
    };
  };
}

type Options = NonNullable<ConstructorParameters<typeof TLSSocket>[1]>;

/** Asks how it ends before it does. */
class EndingSocket extends TLSSocket {
  readonly #before: () => void;
  muted = false;

  constructor(carrier: Carrier, options: Options, before: () => void) {
    // Any stream will do (Node's documentation of tls.TLSSocket); the types know sockets only.
    super(carrier as unknown as Socket, options);
    this.#before = before;
  }

  override end(...said: unknown[]): this {
    if (this.muted) return this;
    if (!this.writableEnded) this.#before();
    return super.end(...(said as []));
  }
}
