/** CAs and certificates of theirs in files of a folder, for servers and clients of others: the right ones, and some that are over. */
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pemOf } from "../../src/tls/pem.js";
import { certify, nameOf, signerOf, type Signer } from "../../src/tls/x509.js";

const DAY = 86_400_000;

/** Paths. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Statement {
  readonly names: readonly string[];
  readonly usage?: "server" | "client";
  /** Days from now. */
  readonly from?: number;
  readonly until?: number;
}

export class FolderCA {
  /** Path of its certificate. */
  readonly cert: string;
  readonly #folder: string;
  readonly #signer: Signer;

  constructor(folder: string, name: string) {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#folder = folder;
    this.#signer = signerOf(name, pair);
    this.cert = join(folder, `${name}.pem`);
    const { name: subject, publicKey } = this.#signer;
    const [from, until] = [Date.now() - 100 * DAY, Date.now() + 100 * DAY];
    writeFileSync(this.cert, pemOf(certify({ subject, publicKey, from, until, usage: null }, this.#signer)));
  }

  /** `FILE.pem` and `FILE.key`, in place of those that are there. */
  issue(file: string, { names, usage = "server", from = -2, until = 2 }: Statement): Issued {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const issued = { cert: join(this.#folder, `${file}.pem`), key: join(this.#folder, `${file}.key`) };
    const leaf = certify(
      {
        subject: nameOf(names[0] ?? "nobody"),
        publicKey: pair.publicKey,
        from: Date.now() + from * DAY,
        until: Date.now() + until * DAY,
        names,
        usage,
        digest: "sha256",
      },
      this.#signer,
    );
    writeFileSync(issued.cert, pemOf(leaf));
    writeFileSync(issued.key, pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    return issued;
  }
}
