/**
 * What this runtime can do of what Squall needs and Node's documentation does not promise, or not everything that stands in for Node has:
 * found out by a handshake with itself, in memory, before the first client is there. All versions of Node from 20 on can do all of it.
 */
import type { Server } from "node:net";
import { Duplex } from "node:stream";
import {
  connect,
  createSecureContext,
  TLSSocket,
  type ConnectionOptions,
  type SecureContext,
  type TLSSocketOptions,
} from "node:tls";
import type { RuntimeNeed } from "../faults/contract/runtime.js";
import type { Presented } from "./presented.js";
import { staplerOf } from "./stapler.js";
import { verdictOn } from "./verdict.js";

/** Why it cannot do a thing, in a sentence of its own; null if it can. */
export type Lacks = Readonly<Record<RuntimeNeed, string | null>>;

/** What is tried; tests put in its place what a runtime would do that lacks it. */
export interface Ways {
  readonly tellSecrets: (engine: TLSSocket, heard: () => void) => unknown;
  readonly verdictOn: typeof verdictOn;
  readonly staplerOf: (context: SecureContext, ocsp: Buffer) => Server;
}

const OURS: Ways = {
  tellSecrets: (engine, heard) => engine.on("keylog", heard),
  verdictOn,
  staplerOf,
};

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

/** What both sides show: any certificate, which nobody trusts. */
export type Shown = Pick<Presented, "cert" | "key">;

let answer: Promise<Lacks> | null = null;

/** Asked once in the life of a process; takes some milliseconds. */
export function lacksOfRuntime(shown: Shown): Promise<Lacks> {
  answer ??= probe(shown);
  return answer;
}

/** Whoever asks for a stapled response gets whatever was stapled. */
const STAPLED = Buffer.from("squall");

/** Never rejects: where the handshake fails, the runtime can do nothing of it. */
export async function probe({ cert, key }: Shown, ways: Ways = OURS): Promise<Lacks> {
  const [ours, theirs] = [new Half(), new Half()];
  ours.other = theirs;
  theirs.other = ours;
  const context = createSecureContext({ cert, key });
  const engine = new TLSSocket(ours, {
    isServer: true,
    secureContext: context,
    server: ways.staplerOf(context, STAPLED),
    requestCert: true,
    rejectUnauthorized: false,
  });
  // Node's types know it of a socket, and not of connect(), which hands it on.
  const asking: ConnectionOptions & TLSSocketOptions = {
    socket: theirs,
    cert,
    key,
    requestOCSP: true,
    rejectUnauthorized: false,
  };
  const client = connect(asking);
  let secrets = false;
  let stapled = false;
  ways.tellSecrets(engine, () => (secrets = true));
  client.on("OCSPResponse", (response: Buffer | null) => (stapled = response?.equals(STAPLED) === true));
  try {
    return await new Promise<Lacks>((resolve) => {
      const failed = (error?: Error): void => {
        const why = `a TLS handshake of this runtime with itself fails: ${error?.message ?? "it is closed"}`;
        resolve({ secrets: why, stapling: why, verdicts: why });
      };
      engine.once("secure", () => {
        const isSeen = (ways.verdictOn(engine) ?? null) !== null;
        resolve({
          secrets: secrets ? null : "this runtime tells no secrets of TLS connections (the keylog event)",
          stapling: stapled
            ? null
            : "this runtime staples no OCSP response where each client has a context of its own",
          verdicts: isSeen
            ? null
            : "this runtime does not tell what is wrong with the certificate of a client (verifyError)",
        });
      });
      engine.on("error", failed).on("_tlsError", failed).on("close", failed);
      client.on("error", failed);
    });
  } finally {
    engine.destroy();
    client.destroy();
  }
}
