/**
 * The one CA of a daemon, opened when something first needs it: by then for all proxies that speak TLS with their clients. Where its
 * files have changed, the next handshake is made with what is in them; connections that are open, and handshakes under way, stay.
 */
import type { Clock } from "../core/clock.js";
import { invariant } from "../core/invariant.js";
import { openAuthority, type Authority, type AuthorityOptions } from "./authority.js";
import { Contexts } from "./contexts.js";
import type { KeyLog } from "./key-log.js";
import { lacksOfRuntime, type Lacks } from "./runtime.js";
import { FileLook } from "./watched-files.js";

/** Where certificates come from that are made here. */
export interface AuthorityDoor {
  /** Null as long as it is not open. Looks whether the files of the CA have changed, at most once a second. */
  readonly opened: Contexts | null;
  /** Where the secrets of connections are written, if anywhere. */
  readonly keyLog?: KeyLog | null;
  open(): Promise<Contexts>;
}

export interface DoorOptions extends AuthorityOptions {
  readonly clock: Pick<Clock, "now" | "wallTime">;
  readonly keyLog?: KeyLog | null;
  /** Told once, when it has been opened. */
  readonly tell?: (authority: Authority) => void;
  /** Told when its files have changed: what is in force by now, and why that is not what is in them. */
  readonly changed?: (authority: Authority, trouble: string | null) => void;
}

/** In the certificate that the runtime is tried with; nobody else is shown it. */
const PROBED = "localhost";

export class Door implements AuthorityDoor {
  readonly keyLog: KeyLog | null;
  readonly #options: DoorOptions;
  #opening: Promise<Contexts> | null = null;
  #opened: { readonly authority: Authority; readonly contexts: Contexts } | null = null;
  #look: FileLook | null = null;
  #lacks: Lacks | null = null;
  /** Bots find its certificate in their files. */
  #published = Promise.resolve();
  /** What was seen of files that could not be taken: said once. */
  #refused: string | null = null;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.keyLog = options.keyLog ?? null;
  }

  get opened(): Contexts | null {
    this.#again("soon");
    return this.#opened?.contexts ?? null;
  }

  /** Null as long as it is not open. */
  get authority(): Authority | null {
    return this.#opened?.authority ?? null;
  }

  /** What the runtime cannot do; null as long as it is not open. */
  get lacks(): Lacks | null {
    return this.#lacks;
  }

  /** Throws SQ_INVALID_CA; then it can be tried again. */
  open(): Promise<Contexts> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  /** For whoever wants to trust it, as it is now. Throws SQ_INVALID_CA. */
  async trusted(): Promise<Authority> {
    await this.open();
    this.#again("now");
    await this.#published;
    const { authority } = this;
    invariant(authority !== null, "an authority that was opened is not there");
    return authority;
  }

  async #open(): Promise<Contexts> {
    const authority = await openAuthority(this.#options);
    this.#lacks = await lacksOfRuntime(authority.present([PROBED], null));
    if (authority.from.length > 0) this.#look = new FileLook(authority.from, this.#options.clock);
    this.#options.tell?.(authority);
    return this.#take(authority);
  }

  #take(authority: Authority): Contexts {
    const contexts = new Contexts(authority, this.#options.clock);
    this.#opened = { authority, contexts };
    return contexts;
  }

  #again(when: "soon" | "now"): void {
    const before = this.#opened?.authority;
    const seen = before === undefined ? null : (this.#look?.again(when) ?? null);
    if (before === undefined || seen === null || seen.refusal === this.#refused) return;
    try {
      if (seen.trouble !== null) throw new Error(seen.trouble);
      const authority = before.reread();
      this.#refused = null;
      this.#look?.taken(seen.stamp);
      this.#take(authority);
      this.#options.changed?.(authority, null);
      // Whoever put it there has done so as well, or has left it to us.
      this.#published = authority.publish().catch((error: unknown) => {
        this.#options.changed?.(authority, messageOf(error));
      });
    } catch (error) {
      this.#refused = seen.refusal;
      this.#options.changed?.(before, messageOf(error));
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
