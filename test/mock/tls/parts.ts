/** A CA for tests, and a way to a server over TLS that does something wrong with each further connection. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { onTestFinished } from "vitest";
import type { AlertName, CertificateProblem } from "../../../src/faults/contract/index.js";
import { plainAlert } from "../../../src/tls/alert.js";
import { openAuthority, type Authority } from "../../../src/tls/authority.js";
import { Contexts } from "../../../src/tls/contexts.js";

const HOUR = 3_600_000;

const clock = { wallTime: () => Date.now() };

export const newAuthority = (): Promise<Authority> => openAuthority({ source: "memory", clock });

/** One for all that do not change it. */
export const authority = await newAuthority();

export const NAMES = ["localhost", "127.0.0.1"];

/** Files that go with the test. */
export function files(texts: Readonly<Record<string, string>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "squall-mock-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  for (const [name, text] of Object.entries(texts)) writeFileSync(at(name), text);
  return at;
}

export function pair(names: readonly string[] = NAMES, of: Authority = authority) {
  const { cert, key } = of.present(names, null);
  return { cert, key };
}

export type TlsMisdeed =
  | { readonly problem: CertificateProblem }
  /** In place of a ServerHello. */
  | { readonly alert: AlertName }
  /** Takes the hello, and never answers. */
  | "silent"
  | "nothing wrong"
  | "close"
  | "reset";

export interface TlsWay {
  readonly url: string;
  /** One for each further connection; what follows is right. */
  readonly plan: TlsMisdeed[];
  readonly connections: number;
  /** Handshakes that came to an end, as the server sees it. */
  readonly secured: number;
  /** The certificate of each client that showed one. */
  readonly shown: string[];
}

/** Hands on plain bytes to `server`; `clientCa` is the CA whose certificates clients must show. */
export async function tlsWay(
  server: string,
  plan: TlsMisdeed[],
  { of = authority, clientCa }: { of?: Authority; clientCa?: () => string } = {},
): Promise<TlsWay> {
  const { port } = new URL(server);
  const contexts = new Contexts(of, clock);
  const seen = { connections: 0, secured: 0, shown: [] as string[] };
  const open = new Set<net.Socket>();
  const way = net.createServer((socket) => {
    seen.connections++;
    open.add(socket);
    socket.on("error", () => undefined).on("close", () => open.delete(socket));
    const misdeed = plan.shift();
    if (misdeed === "reset") return void socket.once("data", () => socket.resetAndDestroy());
    if (misdeed === "close") return void socket.once("data", () => socket.end());
    if (misdeed === "silent") return void socket.resume();
    if (typeof misdeed === "object" && "alert" in misdeed)
      return void socket.once("data", () => socket.end(plainAlert(misdeed.alert)));
    const recipe = typeof misdeed === "object" ? { problem: misdeed.problem, by: HOUR } : null;
    const clients = clientCa === undefined ? {} : { clients: { id: clientCa(), ca: clientCa() } };
    const { context } = contexts.minted(NAMES, recipe, clients);
    const secured = new tls.TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      requestCert: clientCa !== undefined,
    });
    secured.on("error", () => undefined);
    secured.on("secure", () => {
      const certificate = secured.getPeerX509Certificate();
      if (clientCa !== undefined && certificate?.verify(new X509Certificate(clientCa()).publicKey) !== true)
        return void secured.destroy();
      if (certificate !== undefined) seen.shown.push(certificate.subject);
      seen.secured++;
      const onward = net.connect(Number(port), "127.0.0.1");
      onward.on("error", () => undefined).on("close", () => secured.destroy());
      secured.on("close", () => onward.destroy());
      secured.pipe(onward).pipe(secured);
    });
  });
  await new Promise<void>((resolve) => way.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    way.close();
  });
  const address = way.address();
  const at = address !== null && typeof address === "object" ? address.port : 0;
  return Object.assign(seen, { url: `https://127.0.0.1:${at}`, plan });
}
