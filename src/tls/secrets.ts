/** The secrets of one connection, as its engine tells them in lines of a key log (draft-ietf-tls-keylogfile). */

export type SecretLabel =
  /** The master secret before TLS 1.3. */
  "CLIENT_RANDOM" | "SERVER_HANDSHAKE_TRAFFIC_SECRET" | "SERVER_TRAFFIC_SECRET_0";

const LABELS: ReadonlySet<string> = new Set<SecretLabel>([
  "CLIENT_RANDOM",
  "SERVER_HANDSHAKE_TRAFFIC_SECRET",
  "SERVER_TRAFFIC_SECRET_0",
]);

export interface Secret {
  readonly clientRandom: Buffer;
  readonly secret: Buffer;
}

export class Secrets {
  readonly #known = new Map<string, Secret>();

  /** One line: a label, the random of the ClientHello and the secret, in hexadecimal. */
  learn(line: Buffer): void {
    const [label = "", clientRandom = "", secret = ""] = line.toString("latin1").trim().split(" ");
    if (!LABELS.has(label)) return;
    this.#known.set(label, {
      clientRandom: Buffer.from(clientRandom, "hex"),
      secret: Buffer.from(secret, "hex"),
    });
  }

  get(label: SecretLabel): Secret | null {
    return this.#known.get(label) ?? null;
  }

  forget(): void {
    this.#known.clear();
  }
}
