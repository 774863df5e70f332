/** What all planes share: time, facts, budgets, names. Handed in by the daemon, so that several can live in one process. */
import type { Clock } from "../core/clock.js";
import type { Facts } from "../core/events.js";
import type { Keepalive } from "../core/stream-options.js";
import type { HeldBudget } from "../pipeline/budget.js";
import type { Overdue } from "../pipeline/overdue.js";
import type { Watch } from "../pipeline/watch.js";
import type { Descriptors } from "./descriptors.js";
import type { AuthorityDoor } from "../tls/door.js";
import type { KernelPlane } from "./kernel/plane.js";
import type { FlowPlaces } from "./udp/places.js";
import type { Resolver } from "./upstream/resolver.js";
import type { ConnectionSlots } from "./slots.js";

export interface PlaneContext {
  /** Where there is `overdue`, one whose timers look there first. */
  readonly clock: Clock;
  /** What the plan should have done by now; missing where nobody carries one out. */
  readonly overdue?: Overdue;
  readonly facts: Facts;
  readonly budget: HeldBudget;
  readonly resolver: Resolver;
  readonly slots: ConnectionSlots;
  /** Of UDP. */
  readonly flows: FlowPlaces;
  /** Of both legs of every connection, and of whatever else is a stream. */
  readonly keepalive: Keepalive;
  /** What the process may open; missing where nobody looks after that. */
  readonly descriptors?: Descriptors;
  /** Makes certificates for proxies that speak TLS with their clients; missing where nobody does. */
  readonly authority?: AuthorityDoor;
  /** Whether somebody watches what is under way; missing where nobody can. */
  readonly watch?: Watch;
  /** Loses real segments; missing where nobody may ask the kernel. */
  readonly kernel?: KernelPlane;
}
