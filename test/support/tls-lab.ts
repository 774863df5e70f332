/** A TLS server of one context and a client of Node's, and how the client took it. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import type { Served } from "../../src/tls/contexts.js";

export interface Taken {
  /** The error that the client ended with, by its text if it has no code; or "accepted". */
  readonly took: string;
  readonly version: string | null;
  readonly cipher: string | null;
  /** The chain's leaf as DER. */
  readonly leaf: Buffer | null;
  /** What was stapled. */
  readonly ocsp: Buffer | null;
  readonly resumed: boolean;
  readonly session: Buffer | null;
}

/** What certificates are made by and checked by: the machine's. */
export const wallClock = { now: (): number => Date.now(), wallTime: (): number => Date.now() };

/** One handshake over loopback. The client says "hello", the server the same, and both end. */
export async function handshake(served: Served, client: tls.ConnectionOptions): Promise<Taken> {
  const server = net.createServer((carrier) => {
    const { context: secureContext, stapler } = served;
    const socket = new tls.TLSSocket(carrier, {
      isServer: true,
      secureContext,
      ...(stapler === null ? {} : { server: stapler }),
    });
    socket.on("error", () => carrier.destroy());
    carrier.on("error", () => undefined);
    socket.once("data", (data) => socket.end(data));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await connect({ ...client, port, host: "127.0.0.1" });
  } finally {
    server.close();
  }
}

function connect(options: tls.ConnectionOptions): Promise<Taken> {
  return new Promise((resolve) => {
    const taken: { -readonly [K in keyof Taken]: Taken[K] } = {
      took: "closed",
      version: null,
      cipher: null,
      leaf: null,
      ocsp: null,
      resumed: false,
      session: null,
    };
    const socket = tls.connect(options);
    socket.on("OCSPResponse", (response: Buffer | null) => (taken.ocsp = response));
    socket.on("session", (session: Buffer) => (taken.session = session));
    socket.once("secureConnect", () => {
      taken.version = socket.getProtocol();
      taken.cipher = socket.getCipher().name;
      taken.leaf = socket.getPeerX509Certificate()?.raw ?? null;
      taken.resumed = socket.isSessionReused();
      socket.write("hello");
    });
    socket.once("data", () => (taken.took = "accepted"));
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      taken.took = code === undefined || code === "UNSPECIFIED" ? message : code;
    });
    socket.once("close", () => resolve(taken));
  });
}
