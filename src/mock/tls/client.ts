/**
 * What a client of the job server brings into a TLS handshake: whom it trusts, what it shows of itself, and the name that it expects. The
 * files are read once; whoever was refused reads them again, since certificates are exchanged under bots that run.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import * as tls from "node:tls";
import { readOnce } from "../../core/read-file.js";
import { certificatesIn } from "../../tls/pem.js";
import { UnreadableTls } from "./unreadable.js";

const SIZE_MAX = 2 ** 20;

/** Paths of files of PEM, and a name. */
export interface ClientTlsOptions {
  /** CAs that are trusted besides the roots of Node, and those of NODE_EXTRA_CA_CERTS. */
  readonly ca?: string;
  /** The client's certificate, with what leads to its CA, and the key. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server is asked for and whose certificate it must have; by default that of the URL. */
  readonly servername?: string;
}

/** For `https.Agent`, so that no connection reads certificates of its own. */
export interface AgentTls {
  readonly secureContext: tls.SecureContext;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

interface Texts {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export class ClientTls {
  readonly #options: ClientTlsOptions;
  readonly #verify: boolean;
  #texts: Texts;
  #agent: AgentTls;

  /** Throws UnreadableTls. */
  constructor(options: ClientTlsOptions, { verify = true } = {}) {
    this.#options = options;
    this.#verify = verify;
    this.#texts = readTexts(options);
    this.#agent = this.#made(this.#texts);
  }

  get agent(): AgentTls {
    return this.#agent;
  }

  /** Reads the files again. True if they say something else, and can be used; files that are just being written are left alone. */
  renew(): boolean {
    try {
      const texts = readTexts(this.#options);
      const { ca, cert, key } = this.#texts;
      if (texts.ca === ca && texts.cert === cert && texts.key === key) return false;
      this.#agent = this.#made(texts);
      this.#texts = texts;
      return true;
    } catch (error) {
      if (error instanceof UnreadableTls) return false;
      throw error;
    }
  }

  #made({ ca, cert, key }: Texts): AgentTls {
    const { servername } = this.#options;
    const secureContext = tls.createSecureContext({
      // Node's own, with what the environment adds, as long as nothing is named here.
      ...(ca !== null && { ca: [...usualRoots(), ...certificatesIn(ca)] }),
      ...(cert !== null && key !== null && { cert, key }),
    });
    return { secureContext, ...(servername && { servername }), rejectUnauthorized: this.#verify };
  }
}

function readTexts({ ca, cert, key }: ClientTlsOptions): Texts {
  const texts = { ca: textOf("ca", ca), cert: textOf("cert", cert), key: textOf("key", key) };
  if (texts.cert === null && texts.key !== null)
    throw new UnreadableTls("key", "a key needs its certificate");
  if (texts.cert !== null && texts.key === null)
    throw new UnreadableTls("cert", "a certificate needs its key");
  if (texts.ca !== null) firstOf("ca", ca, texts.ca);
  if (texts.cert !== null && texts.key !== null)
    checkPair({ cert: texts.cert, key: texts.key }, { cert, key });
  return texts;
}

/** Throws UnreadableTls. */
export function readPem(option: UnreadableTls["option"], path: string): string {
  try {
    return readOnce(path, SIZE_MAX).toString("utf8");
  } catch (error) {
    throw new UnreadableTls(option, `${path} cannot be read`, error);
  }
}

function textOf(option: UnreadableTls["option"], path: string | undefined): string | null {
  return path === undefined ? null : readPem(option, path);
}

/** OpenSSL takes a text without certificates for none, silently. Throws UnreadableTls. */
export function firstOf(
  option: UnreadableTls["option"],
  path: string | undefined,
  text: string,
): X509Certificate {
  const nothing = (): UnreadableTls => new UnreadableTls(option, `${path ?? ""} has no certificate in PEM`);
  const [first] = certificatesIn(text).map((pem) => {
    try {
      return new X509Certificate(pem);
    } catch {
      throw nothing();
    }
  });
  if (first === undefined) throw nothing();
  return first;
}

/** Throws UnreadableTls where the key cannot be read, or is another one's. */
export function checkPair(
  texts: { readonly cert: string; readonly key: string },
  paths: { readonly cert?: string | undefined; readonly key?: string | undefined },
): void {
  const certificate = firstOf("cert", paths.cert, texts.cert);
  if (!certificate.checkPrivateKey(privateKey(texts.key, paths.key)))
    throw new UnreadableTls("key", `${paths.key ?? ""} has the key of another certificate`);
}

function privateKey(text: string, path = ""): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text);
  } catch {
    throw new UnreadableTls("key", `${path} has no private key that can be read without a passphrase`);
  }
}

/** What Node trusts when it is told nothing: where CAs are named, they take the place of these. */
function usualRoots(): readonly string[] {
  // Node from 22.15 on knows them by name, those of the system as well where that was asked for.
  const { getCACertificates } = tls as { getCACertificates?: (kind: "default") => string[] };
  if (getCACertificates !== undefined) return getCACertificates("default");
  const extra = process.env["NODE_EXTRA_CA_CERTS"];
  return [...tls.rootCertificates, ...(extra === undefined ? [] : extraRoots(extra))];
}

/** Node itself warns of a file that it cannot read, and goes on. */
function extraRoots(path: string): readonly string[] {
  try {
    return certificatesIn(readOnce(path, SIZE_MAX).toString("utf8"));
  } catch {
    return [];
  }
}
