/** Where a UDP proxy's upstream is: its name, resolved for the first flow and looked up again as its TTL runs out. */
import { isIP } from "node:net";
import type { Clock, Millis } from "../../core/clock.js";
import type { ConnectionFailure } from "../../core/events.js";
import { wordsOfLack, type LocalLack } from "../local-lacks.js";
import type { Dialling, Endpoint, LookUp, LookUpTimer } from "../upstream/dial.js";
import { AddressBook } from "../upstream/address-book.js";
import type { FaultedNames } from "../upstream/faulted-names.js";
import type { Named } from "../upstream/intercepted.js";
import { ResolveError, type Resolver } from "../upstream/resolver.js";

/** The resolver keeps answers for their TTL; how often it is asked whether it has another. */
const LOOK_AGAIN: Millis = 1_000;

/** Datagrams wait for as long as a look-up takes, there is no dialling to time out. */
const NO_TIMER: LookUpTimer = { pause: () => undefined, resume: () => undefined };

/** Why there is no address to send to. */
export interface Problem {
  readonly reason: Extract<ConnectionFailure, "upstream_unresolved" | LocalLack>;
  readonly text: string;
}

/** `misled`: it is what faults made of the name, and so is what comes of it. */
export type Found = ({ readonly address: string } | { readonly problem: Problem }) & {
  readonly misled: boolean;
};

export interface TargetParts {
  readonly clock: Clock;
  readonly resolver: Resolver;
  readonly names: FaultedNames;
}

export class Target {
  readonly endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #resolver: Resolver;
  readonly #names: FaultedNames;
  readonly #book: AddressBook;
  #addresses: readonly string[] = [];
  #problem: Problem | null = null;
  /** Of the view of names that both were found in, and whether there were faults in it. */
  #edition = -1;
  #faulted = false;
  #misled = false;
  #looked: Millis = -Infinity;
  #renewed: Millis = -Infinity;
  /** How many addresses have been given out. */
  #turn = 0;
  #looking: Dialling | null = null;
  #waiting: ((found: Found) => void)[] = [];

  constructor(endpoint: Endpoint, { clock, resolver, names }: TargetParts) {
    this.endpoint = endpoint;
    this.#clock = clock;
    this.#resolver = resolver;
    this.#names = names;
    this.#book = new AddressBook(clock);
  }

  /** Calls back with the address to send to, of several the next: at once if they are known, and later if they must be looked up first. */
  find(done: (found: Found) => void): void {
    this.look();
    const [address] = this.#current && !this.#failed ? this.#book.ordered(this.#addresses, this.#turn) : [];
    if (address !== undefined) {
      this.#turn++;
      done({ address, misled: this.#misled });
    } else if (this.#looking !== null) this.#waiting.push(done);
    else done({ problem: this.#problem ?? this.#unresolved("it has no address"), misled: this.#misled });
  }

  get #current(): boolean {
    return this.#edition === this.#names.edition;
  }

  /** What was known before is better than nothing; but where a fault fails the look-up, new flows are to meet that. */
  get #failed(): boolean {
    return this.#faulted && this.#problem !== null;
  }

  /** Whether that address is still one of its own. */
  has(address: string): boolean {
    return this.#addresses.includes(address);
  }

  /** Asks again if it is time to, or if other faults are in force than when it asked last. */
  look(): void {
    if (this.#looking !== null) return;
    const now = this.#clock.now();
    if (this.#current && now - this.#looked < LOOK_AGAIN) return;
    // Where a fault has sent flows they do not stay without it.
    if (!this.#current && this.#faulted) this.#addresses = [];
    const { edition, lookUp } = this.#names;
    if (lookUp !== undefined) this.#lookUp(lookUp, edition);
    else if (isIP(this.endpoint.host) === 0) this.#resolve(edition);
    else {
      this.#known([this.endpoint.host], null, edition, false);
      this.#looked = Infinity;
    }
  }

  #resolve(edition: number): void {
    let cancelled = false;
    this.#looking = { cancel: () => (cancelled = true) };
    this.#resolver.resolve(this.endpoint.host).then(
      (found) => {
        const addresses = found.map(({ address }) => address);
        if (cancelled) return;
        this.#done(addresses, null, edition, false);
        this.#awaitLate(edition);
      },
      (error: unknown) => {
        if (!cancelled) this.#done(this.#addresses, this.#problemOf(error), edition, false);
      },
    );
  }

  /** Takes the family of addresses that was not waited for when it comes. */
  #awaitLate(edition: number): void {
    void this.#resolver.late(this.endpoint.host)?.then(() => {
      if (this.#edition !== edition) return;
      this.#looked = -Infinity;
      this.look();
    });
  }

  #lookUp(lookUp: LookUp, edition: number): void {
    this.#looking = lookUp(this.endpoint.host, null, NO_TIMER, (named: Named) => {
      if ("error" in named) {
        this.#done(this.#addresses, this.#problemOf(named.error), edition, true, named.misled);
      } else if ("verdict" in named) {
        // There is no connection to end, and nobody who would understand an answer.
        this.#done(this.#addresses, this.#unresolved("failed by a fault"), edition, true, true);
      } else {
        this.#done(named.addresses, null, edition, true, named.misled);
      }
    });
  }

  #problemOf(error: unknown): Problem {
    if (!(error instanceof ResolveError)) return this.#unresolved(String(error));
    const lack = error.code === "descriptor_limit" ? error.code : null;
    return lack === null ? this.#unresolved(error.reason) : { reason: lack, text: wordsOfLack(lack) };
  }

  #unresolved(why: string): Problem {
    return { reason: "upstream_unresolved", text: `cannot resolve ${this.endpoint.host}: ${why}` };
  }

  /** Nobody listens there: others are tried before it, and it may have moved. Answers whether there are others. */
  refused(address: string): boolean {
    this.#book.failed(address);
    this.#renew();
    return this.#addresses.some((one) => one !== address);
  }

  answered(address: string): void {
    this.#book.worked(address);
  }

  /** Has DNS asked again, and takes what it says. */
  #renew(): void {
    const now = this.#clock.now();
    const { host } = this.endpoint;
    if (isIP(host) !== 0 || now - this.#renewed < LOOK_AGAIN) return;
    this.#renewed = now;
    this.#resolver.renew(host).then(
      () => {
        this.#looked = -Infinity;
        this.look();
      },
      () => undefined,
    );
  }

  /** Nobody waits for an answer any more. */
  cancel(): void {
    this.#looking?.cancel();
    this.#looking = null;
    this.#waiting = [];
    this.#edition = -1;
  }

  #known(
    addresses: readonly string[],
    problem: Problem | null,
    edition: number,
    faulted: boolean,
    misled = false,
  ): void {
    this.#addresses = addresses;
    this.#problem = problem;
    this.#edition = edition;
    this.#faulted = faulted;
    this.#misled = misled;
  }

  #done(
    addresses: readonly string[],
    problem: Problem | null,
    edition: number,
    faulted: boolean,
    misled = false,
  ): void {
    this.#looking = null;
    // From now on, or a look-up that took longer than that would be repeated without end.
    this.#looked = this.#clock.now();
    this.#known(addresses, problem, edition, faulted, misled);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) this.find(done);
  }
}
