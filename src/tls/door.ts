/** The one CA of a daemon, opened when something first needs it: by then for all proxies that speak TLS with their clients. */
import { invariant } from "../core/invariant.js";
import { openAuthority, type Authority, type AuthorityOptions } from "./authority.js";
import { Contexts } from "./contexts.js";
import type { KeyLog } from "./key-log.js";

/** Where certificates come from that are made here. */
export interface AuthorityDoor {
  /** Null as long as it is not open. */
  readonly opened: Contexts | null;
  /** Where the secrets of connections are written, if anywhere. */
  readonly keyLog?: KeyLog | null;
  open(): Promise<Contexts>;
}

export interface DoorOptions extends AuthorityOptions {
  readonly keyLog?: KeyLog | null;
  /** Told once, when it has been opened. */
  readonly tell?: (authority: Authority) => void;
}

export class Door implements AuthorityDoor {
  readonly keyLog: KeyLog | null;
  readonly #options: DoorOptions;
  #opening: Promise<Contexts> | null = null;
  opened: Contexts | null = null;
  /** Null as long as it is not open. */
  authority: Authority | null = null;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.keyLog = options.keyLog ?? null;
  }

  /** Throws SQ_INVALID_CA; then it can be tried again. */
  open(): Promise<Contexts> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  /** For whoever wants to trust it. Throws SQ_INVALID_CA. */
  async trusted(): Promise<Authority> {
    await this.open();
    const { authority } = this;
    invariant(authority !== null, "an authority that was opened is not there");
    return authority;
  }

  async #open(): Promise<Contexts> {
    const authority = await openAuthority(this.#options);
    this.authority = authority;
    this.opened = new Contexts(authority, this.#options.clock);
    this.#options.tell?.(authority);
    return this.opened;
  }
}
