/** A client's bytes that are no HTTP, or that could be read in two ways: they are passed on unread, or go to nobody. */
import type { ConnectionFailure } from "../../core/events.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Member } from "../upstream/pool.js";
import type { Book } from "./book.js";
import type { Exchange } from "./exchange.js";
import { REFUSALS, refusing } from "./refusal.js";
import { Relay, type RelayHost } from "./relay.js";
import type { RequestSide } from "./request-side.js";
import type { Refusal } from "./sink.js";
import { UNSPEAKABLE, type Unspeakable } from "./unspeakable.js";
import type { Verdicts } from "./verdicts.js";

/** What it needs of its connection. */
export interface ForeignHost extends RelayHost {
  readonly requests: RequestSide;
  readonly verdicts: Verdicts;
  report(reason: ConnectionFailure, text: string): void;
  readonly book: Book;
  /** From here on its bytes pass unread; null without an exchange that has led to it. */
  becomesOpaque(protocol: string, exchange: Exchange | null): void;
  /** Whether a head is being read may have changed. */
  watchHead(): void;
  regulate(): void;
  /** Whether what the client says may begin anything; if not, it has been told the end. */
  admitsMore(): boolean;
  readonly clientEnd: {
    /** The client said the rest of what it had begun. */
    closeIfTold(over: boolean): void;
  };
}

export class Foreign {
  readonly #of: ForeignHost;
  /** What becomes of the client's bytes once they are no HTTP; null before that, and in an agreed tunnel. */
  #relay: Relay | null = null;
  /** Or they go to nobody, since they were refused. */
  #unheard = false;

  constructor(of: ForeignHost) {
    this.#of = of;
  }

  /** Both directions are bytes, or will be. */
  get relays(): boolean {
    return this.#relay !== null;
  }

  get open(): boolean {
    return this.#relay?.open === true;
  }

  /** It waits for an upstream, or for answers that are still to come. */
  get waits(): boolean {
    return this.#relay?.open === false;
  }

  get unheard(): boolean {
    return this.#unheard;
  }

  choose(): Member | null {
    return this.#relay?.choose() ?? null;
  }

  /** What came first is another protocol. */
  spoken(protocol: "tls" | "h2"): void {
    if (this.#isBehindEnd()) return;
    if (this.#of.host.spec.tls !== null) this.#refuse(UNSPEAKABLE[protocol]);
    else this.#passOn(protocol);
  }

  /** A request's head could not be read, or could be read in two ways. */
  refused({ reason, offset }: Refusal): void {
    if (this.#isBehindEnd()) return;
    const { status, text } = REFUSALS[reason];
    const where = `${text}, at byte ${offset} of what the client sent`;
    if (this.#of.host.spec.ambiguous === "relay") {
      this.#of.report("client_protocol", `relayed: ${where}`);
      this.#passOn("ambiguous");
      return;
    }
    this.#of.report("client_protocol", refusing(where));
    this.#unheard = true;
    this.#of.verdicts.refuse(this.#of.requests.receiving, status);
  }

  /** An answer is relayed unread, and so is everything else from here on, in both directions. */
  relayBoth(exchange: Exchange): void {
    const of = this.#of;
    of.becomesOpaque("ambiguous", exchange);
    of.verdicts.cancel();
    of.upstream.cancel();
    of.upstream.dropParked();
    // Faults on exchanges have no more to do with what is under way, and are to give back what they keep for it.
    for (const { faults } of of.book.open) faults?.release();
    for (const open of of.book.open) open.tunnel = true;
    of.requests.relay();
    this.#relay?.join();
    of.flush("upstream");
    of.departure.tellUpstream();
    of.watchHead();
    of.regulate();
  }

  bytes(chunk: Buffer): void {
    if (this.#unheard) return;
    if (this.waits) this.#relay?.keep(chunk);
    else if (this.#of.link !== null) this.#of.up(chunk, "wire");
  }

  hit(armed: ArmedFault): void {
    this.#relay?.hit(armed);
  }

  lose(removed: ReadonlySet<ArmedFault>): void {
    this.#relay?.lose(removed);
  }

  finished(): void {
    this.#relay?.finished();
  }

  /** Nothing new begins behind the end that the client was told, whatever it is; the rest of what it had begun is over here. */
  #isBehindEnd(): boolean {
    if (this.#of.admitsMore()) return false;
    this.#unheard = true;
    this.#of.clientEnd.closeIfTold(false);
    return true;
  }

  #refuse({ goodbye, why }: Unspeakable): void {
    this.#of.report("client_protocol", why);
    this.#unheard = true;
    this.#of.verdicts.concludeWith(goodbye);
  }

  /** From here on both directions are bytes, for good. */
  #passOn(protocol: string): void {
    this.#of.becomesOpaque(protocol, null);
    this.#relay = new Relay(this.#of);
    this.#relay.start();
  }
}
