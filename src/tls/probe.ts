/**
 * Whether this runtime tells the secrets of a server's connections, which encrypted alerts need: found out by a handshake with itself,
 * in memory and with a shared key in place of certificates. All versions of Node from 20 on do; what stands in for Node may not.
 */
import { Duplex } from "node:stream";
import { connect, TLSSocket, type TLSSocketOptions } from "node:tls";

/** Each reads what the other writes. */
class Half extends Duplex {
  other: Half | null = null;

  override _read(): void {
    // What is written to the other comes by itself.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.other?.push(chunk);
    done();
  }
}

let answer: Promise<string | null> | null = null;

/** Null, or why alerts cannot be encrypted. Asked once in the life of a process; takes some milliseconds. */
export function lackOfSecrets(): Promise<string | null> {
  answer ??= probe((engine, heard) => engine.on("keylog", heard));
  return answer;
}

/** `listen` is told of a secret by `heard`. */
export async function probe(
  listen: (engine: TLSSocket, heard: () => void) => unknown,
): Promise<string | null> {
  const [ours, theirs] = [new Half(), new Half()];
  ours.other = theirs;
  theirs.other = ours;
  const shared = { psk: Buffer.alloc(16, 1), identity: "probe" };
  // OpenSSL derives the master secret before TLS 1.3, and logs it, as it logs those of 1.3.
  const common = { ciphers: "PSK-AES128-GCM-SHA256", minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
  // Node's types know it of servers and of clients, and not of a server's socket, which takes it as well.
  const options: TLSSocketOptions & { readonly pskCallback: () => Buffer } = {
    ...common,
    isServer: true,
    pskCallback: () => shared.psk,
  };
  const engine = new TLSSocket(ours, options);
  const client = connect({
    ...common,
    socket: theirs,
    pskCallback: () => shared,
    checkServerIdentity: () => undefined,
  });
  try {
    return await new Promise<string | null>((resolve) => {
      let told = false;
      const failed = (error?: Error): void => {
        resolve(`a handshake of this runtime with itself fails: ${error?.message ?? "it is closed"}`);
      };
      listen(engine, () => (told = true));
      engine.once("secure", () => {
        resolve(told ? null : "this runtime tells no secrets of TLS connections (the keylog event)");
      });
      engine.on("error", failed).on("_tlsError", failed).on("close", failed);
      client.on("error", failed);
    });
  } finally {
    engine.destroy();
    client.destroy();
  }
}
