/** What the admin API is given of a fleet: the member that this daemon is, and what it may do to the others. */
import { SquallError } from "../core/errors.js";
import type { EngineError } from "../fleet/contract/engine.js";
import type { FleetJournal, ShippingView } from "../fleet/contract/journal.js";
import type { FleetOrder, FleetOutcome, MemberView } from "../fleet/contract/member.js";
import type { FleetTargets } from "../fleet/contract/plan.js";
import type { Heard } from "../fleet/contract/presence.js";

/** One profile for the fleet, by its name in this daemon's library. */
export interface FleetWish {
  readonly profile: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Milliseconds. */
  readonly ttl: number;
  readonly proxies?: readonly string[];
  readonly mode?: "inject" | "observe";
  readonly targets: FleetTargets;
}

export type FleetRequest = Omit<FleetOrder, "activations"> & { readonly activations: readonly FleetWish[] };

export interface FleetSwitched extends FleetOutcome {
  /** For people: what will not be as whoever switched may think. */
  readonly warnings: readonly string[];
}

export interface HealRequest {
  readonly by: string;
  readonly why: string | null;
  readonly id?: string;
  readonly wait: number;
}

export interface AdminFleet {
  /** Of the fleet. */
  readonly name: string;
  /** Of this daemon in it. */
  readonly daemon: string;
  /** Of the engine, for people; without credentials. */
  readonly engine: string;
  /** Whether this daemon may switch the others. */
  readonly control: boolean;
  /** Whether calls that are passed on carry the caller's token. */
  readonly passToken: boolean;
  /** Certificates (PEM) that are trusted where another daemon's admin API is spoken to over TLS. */
  trusted(): readonly string[];
  view(): MemberView;
  /** The engine's clock, in milliseconds since 1970; null before it is known. */
  engineTime(): number | null;
  /** One for each life, also where several go by one name. Rejects with an `EngineError`. */
  members(): Promise<readonly Heard[]>;
  /** The journals of all daemons. */
  readonly journal: FleetJournal;
  /** How this daemon's own gets there. */
  shipping(): ShippingView;
  /** Rejects with a SquallError or an `EngineError`. */
  activate(request: FleetRequest): Promise<FleetSwitched>;
  /** Rejects with a SquallError or an `EngineError`. */
  heal(request: HealRequest): Promise<FleetSwitched>;
}

/** Throws SQ_NO_FLEET. */
export function fleetOf({ fleet }: { readonly fleet?: AdminFleet | null }): AdminFleet {
  if (fleet !== null && fleet !== undefined) return fleet;
  throw new SquallError("SQ_NO_FLEET", "this daemon belongs to no fleet", {
    hint: "fleet in squall.yaml says which engine it shares with others",
  });
}

/** Throws SQ_NO_FLEET, or SQ_FLEET_FORBIDDEN where this daemon only follows. */
export function controllingFleetOf(house: { readonly fleet?: AdminFleet | null }): AdminFleet {
  const fleet = fleetOf(house);
  if (fleet.control) return fleet;
  throw new SquallError(
    "SQ_FLEET_FORBIDDEN",
    `the daemon ${fleet.daemon} may not switch the fleet ${fleet.name}`,
    { hint: "fleet: { control: true } lets its admin API do that; or ask a daemon that has it" },
  );
}

/** What an engine could not do, as an error of the admin API; every other error as it is. */
export async function translated<T>(fleet: AdminFleet, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw isEngineError(error) ? squallErrorOf(error, fleet) : error;
  }
}

/** By its looks: a daemon without a fleet does not load the class. */
function isEngineError(error: unknown): error is EngineError {
  return error instanceof Error && error.name === "EngineError" && "failure" in error;
}

export function squallErrorOf(cause: EngineError, { engine }: Pick<AdminFleet, "engine">): SquallError {
  const { failure, message } = cause;
  switch (failure) {
    case "away":
      return new SquallError("SQ_FLEET_AWAY", `${engine} does not answer: ${message}`, {
        hint: "what was asked for may have been done all the same: GET /fleet tells when the engine is back",
        cause,
      });
    case "conflict":
      return new SquallError("SQ_FLEET_CONFLICT", message, {
        hint: "look at GET /fleet, and ask again",
        cause,
      });
    case "forbidden":
      return new SquallError(
        "SQ_FLEET_FORBIDDEN",
        `the credentials of this daemon may not do that: ${message}`,
        {
          hint: `they are in fleet.credentials, and what they may do is said at ${engine}`,
          cause,
        },
      );
    case "failed":
      return new SquallError("SQ_FLEET_FAILED", `${engine} refused: ${message}`, { cause });
  }
}
