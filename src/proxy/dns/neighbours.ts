/**
 * Who may get a long answer for a short question over UDP. The address of a question can be forged, so a DNS server that answers all
 * the world is what floods are made of: strangers get no more over UDP than they sent, and the rest over TCP, as TC tells them.
 */
import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";
import type { Clock, Millis } from "../../core/clock.js";

/** Kinds of addresses that no flood over the internet can be meant for, as ipaddr.js calls them. */
const NEAR: ReadonlySet<string> = new Set([
  "loopback",
  "private",
  "linkLocal",
  "uniqueLocal",
  "carrierGradeNat",
  "benchmarking",
  "reserved",
]);
/** Interfaces come and go, and asking the system for each question would take longer than answering it. */
const KEPT: Millis = 1_000;

type Interfaces = () => readonly { readonly cidr: string | null }[];
type Subnet = [ipaddr.IPv4 | ipaddr.IPv6, number];

const systemInterfaces: Interfaces = () =>
  Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);

export class Neighbours {
  readonly #clock: Clock;
  readonly #interfaces: Interfaces;
  #subnets: readonly Subnet[] = [];
  #until: Millis = -Infinity;

  constructor(clock: Clock, interfaces: Interfaces = systemInterfaces) {
    this.#clock = clock;
    this.#interfaces = interfaces;
  }

  /** Whether an address is neither private nor on a network of this machine. */
  isStranger(text: string): boolean {
    const address = ipaddr.process(text);
    if (NEAR.has(address.range())) return false;
    return !this.#networks().some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    );
  }

  #networks(): readonly Subnet[] {
    const now = this.#clock.now();
    if (now >= this.#until) {
      this.#until = now + KEPT;
      this.#subnets = this.#interfaces().flatMap(({ cidr }) =>
        cidr === null ? [] : [ipaddr.parseCIDR(cidr)],
      );
    }
    return this.#subnets;
  }
}
