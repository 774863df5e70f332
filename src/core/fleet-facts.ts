/** What a daemon tells of the fleet that it is a member of. */
export type FleetFact =
  | {
      /** The engine of the fleet answers, for the first time or again. */
      readonly kind: "fleet_connected";
      readonly engine: string;
    }
  | {
      /** It does not: what the fleet has on here goes on, and ends in time. */
      readonly kind: "fleet_disconnected";
      readonly engine: string;
      readonly why: string;
    }
  | {
      /** This daemon has taken over a plan of the fleet. */
      readonly kind: "fleet_applied";
      readonly serial: number;
      /** Who wrote it; empty where there is no plan. */
      readonly by: string;
      readonly reason: string | null;
      /** Those that are meant for this daemon: on by now, or to begin when it is time. */
      readonly activations: readonly string[];
      /** When the first of those begins that are not on yet, by the engine's clock, ISO 8601; null if none is to come. */
      readonly starts_at: string | null;
    }
  | {
      /** It cannot, or may not: nothing of the fleet is on here. */
      readonly kind: "fleet_refused";
      readonly serial: number;
      readonly why: string;
    }
  | {
      /** The engine has older data than it had, or other ones: of its plan only what was on already is taken. */
      readonly kind: "fleet_rewound";
      readonly serial: number;
      readonly was: number;
    }
  | {
      /** Somebody ended or replaced what the fleet had on, by this daemon's own admin port. */
      readonly kind: "fleet_healed_here";
      readonly serial: number;
    }
  | {
      /** Another daemon goes by this one's name; told once for as long as one does. */
      readonly kind: "fleet_namesake";
      readonly name: string;
      /** Its life. */
      readonly other: string;
      /** Where its admin API is, as it says; null if it does not. */
      readonly admin: string | null;
    }
  | {
      /** None does any more. */
      readonly kind: "fleet_namesake_gone";
      readonly name: string;
    };
