/** The upstreams of one proxy: who is up, who is chosen, and what faults make of that. One upstream is a pool too. */
import type { Clock, Timer } from "../../core/clock.js";
import type { Facts } from "../../core/events.js";
import type { ArmedFault } from "../../pipeline/armed.js";
import type { Asking, Guest } from "../../pipeline/party.js";
import { UpstreamsFaults, type Existing, type Reach } from "../../pipeline/upstreams.js";
import type { Balance } from "../../config/pool.js";
import { AddressBook } from "./address-book.js";
import { Balancer, type Choice } from "./balance.js";
import type { Endpoint } from "./dial.js";

export interface PoolMember extends Endpoint {
  readonly name: string;
}

export interface HealthSpec {
  /** What is asked for over HTTP; null for a connection that is opened and closed. */
  readonly path: string | null;
  /** Milliseconds. */
  readonly interval: number;
  readonly timeout: number;
  /** So many failures in a row take it out, so many successes bring it back. */
  readonly fall: number;
  readonly rise: number;
}

/** Passive: so many failures in a row of what clients asked for take it out for so many milliseconds. */
export interface EjectSpec {
  readonly failures: number;
  readonly for: number;
}

export interface PoolSpec {
  readonly members: readonly PoolMember[];
  readonly balance: Balance;
  readonly health: HealthSpec | null;
  readonly eject: EjectSpec | null;
  /** Of the draws of `balance: random`. */
  readonly seed: number;
}

/** The name of an upstream that was given none. */
export const ONLY_UPSTREAM = "main";

export class Member implements Choice {
  readonly name: string;
  readonly index: number;
  readonly endpoint: Endpoint;
  /** Shared by clients and health checks: what one of them learns of an address serves all. */
  readonly book: AddressBook;
  /** How many connections clients have had dialled: each begins with another of its addresses. */
  dialled = 0;
  busy = 0;
  selected = 0;
  /** What health checks say. */
  healthy = true;
  failures = 0;
  ejectedUntil = -Infinity;
  /** What was told last: whether it is up. */
  told = true;

  constructor({ name, host, port }: PoolMember, index: number, clock: Clock) {
    this.book = new AddressBook(clock);
    this.name = name;
    this.index = index;
    this.endpoint = { host, port };
  }
}

export interface PoolParts {
  readonly proxy: string;
  readonly spec: PoolSpec;
  readonly clock: Clock;
  readonly facts: Facts;
  /** What faults say of upstreams may be something else now: ask `existing` of what is open. */
  readonly changed: () => void;
}

export class Pool {
  readonly spec: PoolSpec;
  readonly members: readonly Member[];
  readonly #proxy: string;
  readonly #clock: Clock;
  readonly #facts: Facts;
  readonly #faults: UpstreamsFaults;
  readonly #balancer: Balancer;
  readonly #waiting = new Set<() => void>();
  /** When those that are ejected come back. */
  readonly #backs = new Map<Member, Timer>();

  constructor({ proxy, spec, clock, facts, changed }: PoolParts) {
    this.spec = spec;
    this.#proxy = proxy;
    this.#clock = clock;
    this.#facts = facts;
    this.members = spec.members.map((member, index) => new Member(member, index, clock));
    this.#balancer = new Balancer(spec.balance, spec.seed, proxy);
    this.#faults = new UpstreamsFaults(
      clock,
      this.members,
      () => {
        changed();
        this.#wake();
      },
      (error) => {
        facts.tell({ kind: "mistake", where: `pool of ${proxy}`, error });
      },
    );
  }

  /** Whether there is anything to balance: a proxy with one upstream behaves as if it were that upstream. */
  get balances(): boolean {
    return this.members.length > 1;
  }

  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void {
    this.#faults.set(faults, assigned);
  }

  /** The next one for whoever asks, or null if nobody is up. Its `busy` is to be given back. */
  choose(guest: Guest): Member | null {
    const chosen = this.#choose(guest);
    if (chosen !== null) {
      chosen.selected++;
      chosen.busy++;
    }
    return chosen;
  }

  #choose(guest: Guest): Member | null {
    const [only] = this.members;
    if (this.members.length === 1 && only !== undefined && this.#faults.none && this.isUp(only)) return only;
    const up = this.members.filter((member) => this.isUp(member));
    const left = this.#faults.candidates(up, guest);
    const choices = left.flatMap(({ name }) => this.members.find((member) => member.name === name) ?? []);
    if (this.spec.balance !== "sni") return this.#balancer.pick(choices, guest);
    const meant = this.#meantBy(guest.peer?.sni ?? null);
    return choices.find((member) => member === meant) ?? null;
  }

  /** The one that is called as the server's name says that a client of TLS asks for, or has it as its host; the first for all others. */
  #meantBy(sni: string | null): Member | undefined {
    const [first] = this.members;
    if (sni === null) return first;
    return (
      this.members.find(({ name, endpoint }) => name === sni || endpoint.host.toLowerCase() === sni) ?? first
    );
  }

  /** Whether somebody would be up if faults had not left nobody to choose. */
  get emptiedByFaults(): boolean {
    return !this.#faults.none && this.members.some((member) => this.isUp(member));
  }

  isUp(member: Member): boolean {
    // Most have never been ejected, and need not know what time it is.
    return member.healthy && (member.ejectedUntil === -Infinity || member.ejectedUntil <= this.#clock.now());
  }

  reach(member: Member, asking: Asking): Reach {
    return this.#faults.reach(member, asking);
  }

  existing(member: Member, guest: Guest): Existing {
    return this.#faults.existing(member, guest);
  }

  /** Calls back when what faults say may have changed, once; answers how to stop waiting. */
  whenChanged(then: () => void): () => void {
    this.#waiting.add(then);
    return () => this.#waiting.delete(then);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const then of waiting) then();
  }

  /** A client's attempt to use it went well, or did not; null where that is not known. */
  used(member: Member, well: boolean | null): void {
    const { eject } = this.spec;
    if (eject === null || well === null) return;
    member.failures = well ? 0 : member.failures + 1;
    if (member.failures < eject.failures) return;
    member.failures = 0;
    member.ejectedUntil = this.#clock.now() + eject.for;
    this.#tell(member, `ejected for ${eject.for} ms after ${eject.failures} failures in a row`);
    this.#backs.get(member)?.cancel();
    this.#backs.set(
      member,
      this.#clock.exactly(member.ejectedUntil, () => {
        this.#backs.delete(member);
        this.#tell(member, `${eject.for} ms after it was ejected`);
      }),
    );
  }

  /** A health check has changed its mind. */
  healthChanged(member: Member, healthy: boolean, why: string): void {
    member.healthy = healthy;
    this.#tell(member, why);
  }

  /** Tells what has become of it, unless it is as it was: one that is ejected is not up for being healthy. */
  #tell(member: Member, why: string): void {
    const up = this.isUp(member);
    if (up === member.told) return;
    member.told = up;
    this.#facts.tell({ kind: "upstream_changed", proxy: this.#proxy, upstream: member.name, up, why });
  }

  stop(): void {
    for (const back of this.#backs.values()) back.cancel();
    this.#backs.clear();
    this.#faults.stop();
    this.#waiting.clear();
  }
}
