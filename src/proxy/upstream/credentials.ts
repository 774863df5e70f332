/** What an upstream's certificate is held against and what it is shown, read again when the files change: connections that are open stay. */
import type { Clock } from "../../core/clock.js";
import type { WatchedFiles } from "../../tls/watched-files.js";
import { CertificateFiles, trustedIn, type TrustedCertificates } from "../secure/certificate-files.js";
import type { PlaneContext } from "../context.js";
import { tellReread, type RereadFile } from "../secure/reread.js";
import type { TlsOptions } from "./attempt.js";

export class Credentials {
  readonly #ca: WatchedFiles<TrustedCertificates> | null;
  readonly #own: CertificateFiles | null;
  /** The same object for as long as nothing changes. */
  #current: TlsOptions;

  /** Throws SQ_INVALID_CONFIG if a file cannot be used. `changed` hears which file was read again, or why it could not be. */
  constructor(tls: TlsOptions, clock: Clock, changed: (file: RereadFile, trouble: string | null) => void) {
    const { ca = null, own = null } = tls.files ?? {};
    this.#current = tls;
    this.#ca =
      ca === null
        ? null
        : trustedIn(ca, clock, (trouble) => {
            changed({ file: ca, use: "trusted" }, trouble);
          });
    this.#own =
      own === null
        ? null
        : new CertificateFiles(own, clock, (trouble) => {
            changed({ file: own.cert, use: "shown" }, trouble);
          });
  }

  get current(): TlsOptions {
    const ca = this.#ca?.current.ca;
    const own = this.#own?.current;
    const { ca: oldCa, own: oldOwn } = this.#current;
    if (ca !== undefined && ca !== oldCa) this.#current = { ...this.#current, ca };
    if (own !== undefined && (own.cert !== oldOwn?.cert || own.key !== oldOwn.key))
      this.#current = { ...this.#current, own: { cert: own.cert, key: own.key } };
    return this.#current;
  }
}

/** Of a proxy; null where its upstreams speak no TLS. Throws SQ_INVALID_CONFIG. */
export function credentialsOf(
  { name, tls = null }: { readonly name: string; readonly tls?: TlsOptions | null },
  context: Pick<PlaneContext, "clock" | "facts">,
): Credentials | null {
  if (tls === null) return null;
  return new Credentials(tls, context.clock, (file, trouble) => {
    tellReread(context, name, file, trouble);
  });
}
