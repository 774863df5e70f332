/** Proxies that speak TLS with their clients, the CA that these trust, and what a client of Node's sees of a handshake. */
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import tls from "node:tls";
import { VirtualClock } from "../../src/core/clock.js";
import type { SecureSpec } from "../../src/proxy/secure/spec.js";
import type { Authority } from "../../src/tls/authority.js";
import { Door } from "../../src/tls/door.js";
import { CERTIFICATE, KEY } from "./certificate.js";
import { HttpLab } from "./http-lab.js";
import { Client, type LabOptions, type Listening } from "./lab.js";

/** One for all tests of a process. */
export const theDoor = new Door({ source: "memory", clock: { now: () => 0, wallTime: () => Date.now() } });

export function secureSpec(rest: Partial<SecureSpec> = {}): SecureSpec {
  return {
    mode: "terminate",
    certificates: [],
    names: [],
    alpn: ["http/1.1"],
    min: "1.2",
    clients: null,
    plainAfter: null,
    helloTimeout: 60_000,
    ...rest,
  };
}

/** What a client came to see of a connection over TLS. */
export interface Seen {
  /** `secure`, or the code of the error that it ended with. */
  readonly how: string;
  readonly version: string | null;
  readonly alpn: string | null;
  /** All that it read. */
  readonly text: string;
  readonly resumed: boolean;
  readonly cn: string | null;
}

export class SecuredClient extends Client {
  readonly #carrier: Socket;

  constructor(socket: tls.TLSSocket, carrier: Socket) {
    super(socket);
    this.#carrier = carrier;
  }

  override rst(): void {
    this.#carrier.resetAndDestroy();
    this.socket.destroy();
  }
}

/** A lab on a clock that moves when told, and the clock. */
export function secureTimeLab(options: LabOptions = {}): {
  readonly lab: SecureLab;
  readonly time: VirtualClock;
} {
  const time = new VirtualClock(1_000);
  return { lab: new SecureLab({ ...options, clock: time }), time };
}

export class SecureLab extends HttpLab {
  constructor(options: LabOptions = {}) {
    super({ authority: theDoor, ...options });
  }

  /** The CA's certificate, which opens it. */
  async ca(): Promise<string> {
    await theDoor.open();
    return theDoor.authority?.ca ?? "";
  }

  authority(): Promise<Authority> {
    return theDoor.trusted();
  }

  /** A server that speaks TLS, with the certificate of the tests if no other is given; it is ended with the lab. */
  async tlsServer(
    options: tls.TlsOptions,
    onSecure: (socket: tls.TLSSocket) => void,
    port = 0,
  ): Promise<number> {
    const sockets = new Set<Socket>();
    const server = tls.createServer({ cert: CERTIFICATE, key: KEY, ...options }, (socket) => {
      socket.on("error", () => undefined);
      onSecure(socket);
    });
    server.on("connection", (socket) => sockets.add(socket)).on("tlsClientError", () => undefined);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    this.onEnd(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }

  /** A client that trusts the CA, connected or refused; it is ended with the lab. */
  async tls(proxy: Listening | number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const socket = tls.connect({
      host: "127.0.0.1",
      port: typeof proxy === "number" ? proxy : proxy.address.port,
      servername: "jobs.example",
      ca: await this.ca(),
      ...options,
    });
    this.onEnd(() => socket.destroy());
    return socket;
  }

  /** A client that keeps what it reads of its TLS, once its handshake is over. Its FIN comes behind a close_notify. */
  async secured(proxy: Listening | number, options: tls.ConnectionOptions = {}): Promise<SecuredClient> {
    const { socket: carrier } = this.client(proxy);
    const ca = await this.ca();
    const socket = tls.connect({ socket: carrier, servername: "jobs.example", ca, ...options });
    this.onEnd(() => socket.destroy());
    await once(socket, "secureConnect");
    return new SecuredClient(socket, carrier);
  }

  /** Connects, says something if there is anything to say, and reads to the end. */
  async sees(
    proxy: Listening | number,
    options: tls.ConnectionOptions = {},
    say: string | null = null,
  ): Promise<Seen> {
    const socket = await this.tls(proxy, options);
    const seen = {
      how: "closed",
      version: null as string | null,
      alpn: null as string | null,
      text: "",
      resumed: false,
      cn: null as string | null,
    };
    socket.on("secureConnect", () => {
      seen.how = "secure";
      seen.version = socket.getProtocol();
      seen.alpn = typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null;
      seen.resumed = socket.isSessionReused();
      const cn: unknown = socket.getPeerCertificate().subject?.CN;
      seen.cn = typeof cn === "string" ? cn : null;
      if (say !== null) socket.write(say);
      else socket.end();
    });
    socket.on("data", (chunk: Buffer) => (seen.text += chunk.toString("latin1")));
    socket.on("error", (error: NodeJS.ErrnoException) => (seen.how = error.code ?? error.message));
    await new Promise((closed) => socket.once("close", closed));
    return seen;
  }
}
