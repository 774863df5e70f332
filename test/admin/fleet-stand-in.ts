/** A fleet as the admin API sees it, with an engine whose state a test sets, and whose last request it reads. */
import type { AdminFleet, FleetRequest, FleetSwitched, HealRequest } from "../../src/admin/fleet-house.js";
import { EngineError, type EngineFailure } from "../../src/fleet/contract/engine.js";
import type { FleetJournal, ShippingView } from "../../src/fleet/contract/journal.js";
import type { FleetOutcome, MemberView } from "../../src/fleet/contract/member.js";
import type { FleetActivation } from "../../src/fleet/contract/plan.js";
import type { Heard, Namesake, Presence } from "../../src/fleet/contract/presence.js";
import { MergedJournal } from "../../src/fleet/journal/merged.js";
import { VirtualClock } from "../../src/core/clock.js";
import { batch } from "../fleet/journal/batch.js";
import { KeptStream } from "../fleet/journal/kept-stream.js";
import { presenceOf } from "../support/fleet/presence.js";

/** What the engine says to whatever is asked of it; up: it does it. */
export type EngineState = "up" | EngineFailure;

export const TEXT = `sha256:${"0123456789abcdef".repeat(4)}`;

/** Of a daemon that has plan 12 on. */
export const memberPresence = (daemon: string, more: Partial<Presence> = {}): Presence =>
  presenceOf(daemon, {
    serial: 12,
    state: "applied",
    offset_ms: 0.5,
    error_ms: 1.25,
    hits: 40,
    ends_at: "2026-03-01T14:33:07.120Z",
    journal_seq: 7,
    ...more,
  });

/** Of two daemons, one of which had too much to tell. */
function journals(): KeptStream {
  const engine = new KeptStream();
  void engine.append(batch("node-1", [[1, 0]], { offset_ms: 0.5 }));
  void engine.append(batch("node-7", [[1261, 2]], { offset_ms: -3, lost: 57, after: 1260 }));
  return engine;
}

export class FleetStandIn implements AdminFleet {
  readonly name = "staging";
  readonly daemon = "node-1";
  readonly engine = "nats://nats-1:4222";
  control = true;
  passToken = false;
  state: EngineState = "up";
  joined = true;
  problem: string | null = null;
  /** Others of the fleet. */
  others: Heard[] = [
    { presence: memberPresence("node-3", { state: "refused", why: 'no proxy "jobs"' }), age: 4_200 },
    { presence: memberPresence("node-2"), age: 900 },
  ];
  asked: FleetRequest | null = null;
  journal: FleetJournal = new MergedJournal({
    engine: journals(),
    clock: new VirtualClock(),
    engineNow: () => null,
  });
  healed: HealRequest | null = null;
  warnings: readonly string[] = [];
  /** Of this one. */
  namesakes: readonly Namesake[] = [];
  #on: FleetActivation[] = [];

  view(): MemberView {
    const away = this.state === "away";
    return {
      presence: memberPresence(this.daemon, { namesakes: this.namesakes }),
      connected: !away,
      problem: away ? "connect ECONNREFUSED" : this.problem,
      plan: {
        format: "squall-fleet/1",
        epoch: "6f1c",
        by: "ci@build-7",
        why: "nightly",
        activations: this.#on,
      },
      planAge: 1_500,
      joined: this.joined,
    };
  }

  /** Why its journal is not sent. */
  unsent: string | null = null;

  shipping(): ShippingView {
    if (this.unsent !== null) return { state: "away", upto: 7, unsent: 3, lost: 0, problem: this.unsent };
    return { state: "idle", upto: 7, unsent: 0, lost: 0, problem: null };
  }

  engineTime(): number | null {
    return Date.UTC(2026, 2, 1, 14, 3, 7, 120);
  }

  trusted(): readonly string[] {
    return [];
  }

  async members(): Promise<readonly Heard[]> {
    await this.#answer();
    return [...this.others, { presence: memberPresence(this.daemon), age: 100 }];
  }

  async activate(request: FleetRequest): Promise<FleetSwitched> {
    this.asked = request;
    await this.#answer();
    const now = this.engineTime() ?? 0;
    const fresh = request.activations.map(
      ({ profile, params, seed = 7, ttl, proxies = null, mode = "inject", targets }): FleetActivation => ({
        id: profile,
        profile,
        text: TEXT,
        params,
        seed,
        mode,
        proxies,
        targets,
        starts_at: new Date(now + request.startsIn).toISOString(),
        ends_at: new Date(now + request.startsIn + ttl).toISOString(),
      }),
    );
    this.#on = request.how === "add" ? [...this.#on, ...fresh] : fresh;
    return { ...this.#outcome(13, request.require !== "all", fresh), warnings: this.warnings };
  }

  async heal(request: HealRequest): Promise<FleetSwitched> {
    this.healed = request;
    await this.#answer();
    this.#on = this.#on.filter(({ id }) => request.id !== undefined && id !== request.id);
    return { ...this.#outcome(14, true, this.#on), healed: true, warnings: this.warnings };
  }

  #outcome(serial: number, met: boolean, activations: readonly FleetActivation[]): FleetOutcome {
    return {
      serial,
      met,
      healed: false,
      daemons: [
        { daemon: "node-1", life: "life-1", state: "applied", why: null },
        { daemon: "node-2", life: "life-1", state: "silent", why: "it has read no plan after 12" },
        { daemon: "node-3", life: "life-1", state: "refused", why: 'no proxy "jobs"' },
      ],
      activations,
    };
  }

  async #answer(): Promise<void> {
    await Promise.resolve();
    if (this.state !== "up") throw new EngineError(this.state, `the engine is ${this.state}`);
  }
}
