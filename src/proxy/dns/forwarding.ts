/**
 * One question to the servers that may know: one after the other, the next one soon after the one before says nothing, and at
 * once where it is not there or says that it cannot help. What is learnt of a server on the way serves the questions to come.
 */
import type { Clock, Millis, Timer } from "../../core/clock.js";
import { isLocalLack } from "../local-lacks.js";
import type { AddressBook } from "../upstream/address-book.js";
import { Race } from "../upstream/race.js";
import type { Asking, NoReply, Outcome, ServerAddress } from "./channel.js";
import { rcodeOf } from "./codec.js";
import type { Servers } from "./servers.js";

export interface ForwardingHost {
  readonly clock: Clock;
  readonly servers: Servers;
  /** Which servers failed lately. */
  readonly book: AddressBook;
}

/** When the next of several servers is asked as well: before the least patient of clients, at one second, asks again. */
const NEXT: Millis = 500;
/** How often a name is asked for again while all of its addresses keep silent. */
const ASK_AGAIN: Millis = 1_000;
/** How long a question that nobody has answered waits for other addresses. */
const PATIENCE: Millis = 250;
const SERVERS_MAX = 3;
/** SERVFAIL, NOTIMP, REFUSED: another server may know, as resolvers have it (resolv.conf(5)). */
const HELPLESS: ReadonlySet<number> = new Set([2, 4, 5]);

export class Forwarding implements Asking {
  readonly #host: ForwardingHost;
  readonly #turn: number;
  readonly #done: (outcome: Outcome) => void;
  readonly #race: Race<ServerAddress, Buffer, Outcome>;
  /** The answer of a server that could not help, for when no other can. */
  #helpless: Buffer | null = null;
  #failure: NoReply | null = null;
  #renewing = false;
  #patience: Timer | null = null;
  /** Others are still to come, of a name. */
  #awaiting = false;
  /** All that there were have failed. */
  #exhausted = false;
  #over = false;

  constructor(
    host: ForwardingHost,
    turn: number,
    askOne: (server: ServerAddress, then: (outcome: Outcome) => void) => Asking,
    done: (outcome: Outcome) => void,
  ) {
    this.#host = host;
    this.#turn = turn;
    this.#done = done;
    this.#race = new Race({
      clock: host.clock,
      delay: NEXT,
      again: ASK_AGAIN,
      keyOf: ({ address, port }) => `${address} ${port}`,
      start: (server, runner) => {
        const asking = askOne(server, (outcome) => {
          if (typeof outcome === "string" || HELPLESS.has(rcodeOf(outcome))) runner.lost(outcome);
          else runner.won(outcome);
        });
        return () => {
          asking.cancel();
        };
      },
      won: (reply, { address }) => {
        host.book.worked(address);
        this.#finish(reply);
      },
      lost: (outcome, { address }) => {
        this.#lost(outcome, address);
      },
      silent: ({ address }) => {
        this.#doubt(address);
      },
      wanting: (keepSilent) => {
        this.#wanting(keepSilent);
      },
    });
  }

  begin(servers: readonly ServerAddress[]): void {
    if (this.#over) return;
    if (servers.length === 0) this.#finish("refused");
    else this.#add(servers);
    this.#awaitLate();
  }

  /** Answers whether there is a new one among them. */
  #add(servers: readonly ServerAddress[]): boolean {
    const more = this.#race.add(this.#ordered(servers));
    if (more) this.#exhausted = false;
    return more;
  }

  #awaitLate(): void {
    const late = this.#over ? null : (this.#host.servers.late?.() ?? null);
    if (late === null) return;
    this.#awaiting = true;
    void late.then((servers) => {
      this.#awaiting = false;
      if (!this.#add(servers) && this.#exhausted) this.#wanting(false);
    });
  }

  #ordered(servers: readonly ServerAddress[]): readonly ServerAddress[] {
    const { book, servers: all } = this.#host;
    const addresses = servers.map(({ address }) => address);
    const ordered = all.spread ? book.ordered(addresses, this.#turn) : book.failedLast(addresses);
    return ordered
      .flatMap((wanted) => servers.find(({ address }) => address === wanted) ?? [])
      .slice(0, SERVERS_MAX);
  }

  #lost(outcome: Outcome, address: string): void {
    if (typeof outcome === "string") {
      // That nobody answered is graver than that nobody was there, and what this machine lacks is not theirs.
      if (this.#failure === null || this.#failure === "refused") this.#failure = outcome;
      if (!isLocalLack(outcome)) this.#doubt(address);
      return;
    }
    this.#helpless ??= outcome;
    this.#wait(NEXT);
  }

  #doubt(address: string): void {
    this.#host.book.failed(address);
    this.#renew();
  }

  #wanting(keepSilent: boolean): void {
    if (this.#over) return;
    this.#exhausted = !keepSilent;
    if (keepSilent) this.#renew();
    else if (this.#awaiting) return;
    else if (this.#renewing) this.#wait(PATIENCE);
    else this.#failed();
  }

  #wait(millis: Millis): void {
    const { clock } = this.#host;
    this.#patience ??= clock.at(clock.now() + millis, () => {
      this.#failed();
    });
  }

  #renew(): void {
    const renewed = this.#renewing ? undefined : this.#host.servers.renew?.();
    if (renewed === undefined) return;
    this.#renewing = true;
    const over = (servers: readonly ServerAddress[]): void => {
      this.#renewing = false;
      const waited = this.#patience !== null && this.#helpless === null;
      if (waited) {
        this.#patience?.cancel();
        this.#patience = null;
      }
      if (!this.#add(servers) && waited) this.#failed();
    };
    renewed.then(over, () => {
      over([]);
    });
  }

  #failed(): void {
    this.#finish(this.#helpless ?? this.#failure ?? "timeout");
  }

  #finish(outcome: Outcome): void {
    if (this.#over) return;
    this.cancel();
    this.#done(outcome);
  }

  cancel(): void {
    this.#over = true;
    this.#patience?.cancel();
    this.#race.cancel();
  }
}
