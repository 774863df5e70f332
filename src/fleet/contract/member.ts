/** Between the parts of a fleet within one daemon: what the member does to its daemon, and what others may ask of the member. */
import type { FleetActivation, FleetPlan, FleetTargets, FleetText } from "./plan.js";
import type { Heard, Presence } from "./presence.js";

/** One activation that is to be on here, with the moments of this process's monotonic clock. */
export interface Wanted {
  readonly activation: FleetActivation;
  readonly text: FleetText;
  /** May lie in the past: phases start where they would be by now. */
  readonly startsAt: number;
  readonly endsAt: number;
}

/** The daemon under a member. Nothing here waits. */
export interface Ground {
  /** Throws a SquallError that says why these cannot be on here, and changes nothing: no such proxy, a text that is wrong, too many. */
  check(wanted: readonly Wanted[]): void;
  /**
   * Makes these all that the fleet has on here, at once: what is the same goes on with its ordinals, what is new begins, what is
   * missing ends. What the daemon's own operator switched on stays, but for one of the same id. Throws as `check`, and changes nothing then.
   */
  apply(wanted: readonly Wanted[]): void;
  /** Hits of what the fleet has on here. */
  hits(): number;
  /** Calls back when somebody here ended or replaced what the fleet had on, by the daemon's own admin port. */
  onHealedHere(hear: () => void): void;
}

/** What a member tells about itself; the source of `/fleet`, `status`, `/readyz` and the metrics. */
export interface MemberView {
  readonly presence: Presence;
  readonly connected: boolean;
  /** Why there is no engine, or why it refuses; null if all is well. */
  readonly problem: string | null;
  /** The plan that was read last; null before that, or if it could not be understood. */
  readonly plan: FleetPlan | null;
  /** Milliseconds since the plan was last read, changed or not; Infinity before. */
  readonly planAge: number;
  /** True as soon as a plan was read and applied, or 5 s have passed without an engine. */
  readonly joined: boolean;
}

/** What a controller is asked to switch on. */
export interface FleetOrder {
  readonly activations: readonly {
    readonly profile: string;
    readonly text: FleetText;
    readonly params: Readonly<Record<string, unknown>>;
    /** Drawn if missing. */
    readonly seed?: number;
    readonly mode?: "inject" | "observe";
    readonly proxies?: readonly string[];
    readonly targets: FleetTargets;
    /** Milliseconds; required, and bounded by `max_ttl`. */
    readonly ttl: number;
  }[];
  readonly how: "replace" | "add";
  /** Milliseconds from now until all begin together; 0 for at once. */
  readonly startsIn: number;
  readonly require: "all" | "quorum" | "any" | "none";
  /** Milliseconds to wait for that. */
  readonly wait: number;
  /** Puts the plan back that was there before, if what is required does not come. */
  readonly orHeal: boolean;
  readonly by: string;
  readonly why: string | null;
}

export interface FleetOutcome {
  /** Of the plan that was written; that of the plan put back if `healed`. */
  readonly serial: number;
  readonly met: boolean;
  readonly healed: boolean;
  /** Daemons that are meant, by name. `silent`: it is there, or was a moment ago, and said nothing about this serial. */
  readonly daemons: readonly {
    readonly daemon: string;
    /** Tells those apart that go by one name. */
    readonly life: string;
    readonly state: Presence["state"] | "silent";
    readonly why: string | null;
  }[];
  /** The activations with their seeds and moments. */
  readonly activations: readonly FleetActivation[];
}

export interface FleetController {
  /** Rejects with an `EngineError`, or a SquallError where the order itself is wrong; then nothing was written. */
  activate(order: FleetOrder): Promise<FleetOutcome>;
  /** Never a conflict, and needs nobody's consent. */
  heal(order: {
    readonly by: string;
    readonly why: string | null;
    readonly id?: string;
    readonly wait: number;
  }): Promise<FleetOutcome>;
  /** One for each life, also where several go by one name. */
  members(): Promise<readonly Heard[]>;
}
