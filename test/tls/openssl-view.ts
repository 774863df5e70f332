/** How OpenSSL takes a hello, by Node's server: what it answers, and which name it finds. */
import { createSecureContext, TLSSocket, type SecureContext } from "node:tls";
import { CERTIFICATE, KEY } from "../support/certificate.js";
import { duplexPair } from "./duplex-pair.js";

export interface OpensslView {
  /** Whether it goes on with a ServerHello. */
  readonly answers: boolean;
  /** Undefined where it does not get as far as to ask for a certificate; false where there is no name. */
  readonly name: string | false | undefined;
  readonly alert: number | null;
}

let context: SecureContext | null = null;

export async function opensslView(bytes: Buffer): Promise<OpensslView> {
  context ??= createSecureContext({
    cert: CERTIFICATE,
    key: KEY,
    minVersion: "TLSv1",
    ciphers: "ALL:@SECLEVEL=0",
  });
  const [ours, theirs] = duplexPair();
  let name: string | false | undefined;
  const engine = new TLSSocket(theirs, {
    isServer: true,
    secureContext: context,
    SNICallback: (servername, done) => {
      name = servername === "" ? false : servername;
      done(null);
    },
  });
  const answer = await new Promise<Buffer>((resolve) => {
    const parts: Buffer[] = [];
    ours.on("data", (chunk: Buffer) => parts.push(chunk));
    ours.once("end", () => {
      resolve(Buffer.concat(parts));
    });
    ours.on("error", () => undefined);
    engine.on("error", () => engine.destroy());
    engine.on("end", () => engine.destroy());
    engine.resume();
    engine.on("close", () => ours.push(null));
    // The end tells an engine that waits for more of the hello that there is none.
    ours.end(bytes);
  });
  engine.destroy();
  ours.destroy();
  return { answers: answer[0] === 22, name, alert: answer[0] === 21 ? (answer[6] ?? null) : null };
}
