/**
 * One connection to one server of NATS. The client library is asked for that much and no more: it would begin again by itself, and then
 * send late what was meant for the time before.
 */
import { createRequire } from "node:module";
import type * as Nats from "@nats-io/transport-node";
import type { MsgHdrs, NatsConnectionImpl } from "@nats-io/transport-node";
import type * as Transports from "@nats-io/transport-node/lib/node_transport.js";
import { EngineError, type EngineOptions } from "../../contract/engine.js";
import { nameOf, type EngineAddress } from "../address.js";
import { securedOptions, tlsTrouble } from "../secured.js";
import type { Dialled } from "../way.js";
import type { FleetNames } from "./names.js";
import { watchReader } from "./reader.js";
import { userFor } from "./user.js";

/** Of one address, name resolution not counted. */
const CONNECT_MAX_MS = 3_000;
/** The third tick without an answer ends the connection: 12 s after the last sign of life at the latest. */
const PING_EVERY_MS = 4_000;
const PINGS_OUT = 2;
const PORT = 4222;

/** What is asked of the library. */
export interface NatsClient {
  readonly dial: (address: EngineAddress) => Promise<Dialled<NatsConnectionImpl>>;
  readonly headers: (values: Readonly<Record<string, string>>) => MsgHdrs;
}

/** The library has no words for a connection that is closed before the server has said a word. */
const silence = (error: unknown, address: EngineAddress): EngineError | null =>
  error instanceof Error && error.message.endsWith("undefined error")
    ? new EngineError(
        "away",
        `${nameOf(address)}: it closed the connection without a word: is it NATS, and does it begin with TLS (fleet.tls.handshake_first)?`,
        { cause: error },
      )
    : null;

/** Loads the library, and throws its absence. The command in one file is a script, which cannot import while it runs. */
export function natsClient(options: EngineOptions, names: FleetNames): NatsClient {
  const load = createRequire(import.meta.url);
  const nats = load("@nats-io/transport-node") as typeof Nats;
  const transport = "@nats-io/transport-node/lib/node_transport.js";
  const { NodeTransport, nodeResolveHost } = load(transport) as typeof Transports;
  class Transport extends NodeTransport {
    /** Whether the handshake is over for us. What the library has for it forgets with the socket. */
    isSecured = false;

    /** A server that wants TLS gets it, also where nothing here says so: then it is still held against what was dialled. */
    override async startTLS(): ReturnType<Transports.NodeTransport["startTLS"]> {
      const host = this.tlsName === "" ? (this.socket.remoteAddress ?? "") : this.tlsName;
      if (typeof this.options.tls !== "object")
        this.options = {
          ...this.options,
          tls: securedOptions({ tls: null, urls: [] }, host) as Nats.TlsOptions,
        };
      const socket = await super.startTLS();
      this.isSecured = true;
      return socket;
    }

    override async tlsFirst(
      ...to: Parameters<Transports.NodeTransport["tlsFirst"]>
    ): ReturnType<Transports.NodeTransport["tlsFirst"]> {
      const socket = await super.tlsFirst(...to);
      this.isSecured = true;
      return socket;
    }
  }
  const ours = { factory: () => new Transport(), dnsResolveFn: nodeResolveHost };
  const everybodys = { factory: () => new NodeTransport(), dnsResolveFn: nodeResolveHost };
  nats.setTransportFactory(everybodys);

  const headers = (values: Readonly<Record<string, string>>): MsgHdrs => {
    const made = nats.headers();
    for (const [name, value] of Object.entries(values)) made.set(name, value);
    return made;
  };

  const dial = async (address: EngineAddress): Promise<Dialled<NatsConnectionImpl>> => {
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    const user = userFor(options, address, nats);
    const isSecured = options.tls !== null || address.scheme === "tls";
    const secured = securedOptions(options, address.host);
    const handshakeFirst = options.tls?.handshakeFirst === true;
    const settings = nats.parseOptions({
      servers: [`${host}:${address.port ?? PORT}`],
      name: `squall ${options.client}`,
      authenticator: user.authenticators,
      inboxPrefix: names.inbox,
      reconnect: false,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      timeout: CONNECT_MAX_MS,
      pingInterval: PING_EVERY_MS,
      maxPingOut: PINGS_OUT,
      // The library passes on to `tls.connect` whatever stands there.
      ...(isSecured ? { tls: { ...secured, handshakeFirst } as Nats.TlsOptions } : {}),
    });
    // What its `connect` does, in two steps: it would keep what it dials with to itself, and leave the socket open when the time is up.
    const connection = Reflect.construct(nats.NatsConnectionImpl, [settings]) as NatsConnectionImpl;
    const protocol = new nats.ProtocolHandler(connection.options, connection);
    connection.protocol = protocol;
    const checkReader = watchReader(protocol);
    let dropped = false;
    const drop = (): void => {
      dropped = true;
      // The library would first write, and wait until that is written.
      protocol.transport?.discard();
      protocol.raceTimer?.cancel();
      protocol.heartbeats.cancel();
      // It rejects where it has not dialled yet, as while a name is looked up: there is nothing to close then.
      protocol.close().catch(() => undefined);
    };
    // A name that is found after the end is not dialled any more.
    const dialOne = protocol.dial.bind(protocol);
    protocol.dial = (server) => {
      if (dropped) return Promise.reject(new Error("closed"));
      // There is one for the whole process, in which others may use the library as well. It is asked before `dialOne` waits for anything.
      nats.setTransportFactory(ours);
      try {
        return dialOne(server);
      } finally {
        nats.setTransportFactory(everybodys);
      }
    };
    // The answer for which it waits may come together with what cannot be read.
    const dialled = protocol.dialLoop().then(checkReader);
    const connected = dialled.then(
      () => connection,
      (error: unknown) => {
        // A server that refuses a certificate in TLS 1.3 does so when the handshake is over for us; the library then says that it was closed.
        const transport = protocol.transport as Transport | undefined;
        const under = transport?.closeError ?? error;
        const dialling = {
          address,
          tls: options.tls,
          isSecured: transport?.isSecured === true,
          now: options.wallTime(),
        };
        drop();
        throw (
          user.refusal(error, dialling.now) ?? tlsTrouble(under, dialling) ?? silence(error, address) ?? error
        );
      },
    );
    return { connected, drop };
  };

  return { dial, headers };
}
