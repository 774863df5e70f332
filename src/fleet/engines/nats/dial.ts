/**
 * One connection to one server of NATS. The client library is asked for that much and no more: it would begin again by itself, and then
 * send late what was meant for the time before.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type * as Nats from "@nats-io/transport-node";
import type { Authenticator, MsgHdrs, NatsConnectionImpl } from "@nats-io/transport-node";
import type * as Transport from "@nats-io/transport-node/lib/node_transport.js";
import type { EngineOptions } from "../../contract/engine.js";
import type { EngineAddress } from "../address.js";
import type { Dialled } from "../way.js";
import type { FleetNames } from "./names.js";

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

/** Loads the library, and throws its absence. The command in one file is a script, which cannot import while it runs. */
export function natsClient(options: EngineOptions, names: FleetNames): NatsClient {
  const load = createRequire(import.meta.url);
  const nats = load("@nats-io/transport-node") as typeof Nats;
  const transport = "@nats-io/transport-node/lib/node_transport.js";
  const { NodeTransport, nodeResolveHost } = load(transport) as typeof Transport;
  nats.setTransportFactory({ factory: () => new NodeTransport(), dnsResolveFn: nodeResolveHost });
  const { file, user, password, token } = options.credentials;

  const authenticators = async (address: EngineAddress): Promise<Authenticator[]> => {
    if (file !== null) return [nats.credsAuthenticator(await readFile(file))];
    if (token !== null) return [nats.tokenAuthenticator(token)];
    const name = user ?? address.user;
    if (name === null) return [];
    const secret = password ?? address.password;
    // As all clients of NATS read `nats://token@host`.
    return secret === null
      ? [nats.tokenAuthenticator(name)]
      : [nats.usernamePasswordAuthenticator(name, secret)];
  };

  const headers = (values: Readonly<Record<string, string>>): MsgHdrs => {
    const made = nats.headers();
    for (const [name, value] of Object.entries(values)) made.set(name, value);
    return made;
  };

  const dial = async (address: EngineAddress): Promise<Dialled<NatsConnectionImpl>> => {
    const host = address.host.includes(":") ? `[${address.host}]` : address.host;
    const settings = nats.parseOptions({
      servers: [`${host}:${address.port ?? PORT}`],
      name: `squall ${options.client}`,
      authenticator: await authenticators(address),
      inboxPrefix: names.inbox,
      reconnect: false,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      timeout: CONNECT_MAX_MS,
      pingInterval: PING_EVERY_MS,
      maxPingOut: PINGS_OUT,
      ...(options.tls === null && address.scheme !== "tls" ? {} : { tls: tlsOf(options) }),
    });
    // What its `connect` does, in two steps: it would keep what it dials with to itself, and leave the socket open when the time is up.
    const connection = Reflect.construct(nats.NatsConnectionImpl, [settings]) as NatsConnectionImpl;
    const protocol = new nats.ProtocolHandler(connection.options, connection);
    connection.protocol = protocol;
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
    protocol.dial = (server) => (dropped ? Promise.reject(new Error("closed")) : dialOne(server));
    const connected = protocol.dialLoop().then(
      () => connection,
      (error: unknown) => {
        drop();
        throw error;
      },
    );
    return { connected, drop };
  };

  return { dial, headers };
}

function tlsOf({ tls }: EngineOptions): Record<string, string | boolean> {
  if (tls === null) return {};
  return {
    ...(tls.ca === null ? {} : { caFile: tls.ca }),
    ...(tls.cert === null ? {} : { certFile: tls.cert }),
    ...(tls.key === null ? {} : { keyFile: tls.key }),
    ...(tls.servername === null ? {} : { servername: tls.servername }),
    ...(tls.insecure ? { rejectUnauthorized: false } : {}),
  };
}
