/** The daemon under a member: its plan, its proxies and its fault types, as the member sees them. */
import type { Library } from "../config/library.js";
import type { FleetControl, FleetInput } from "../control/fleet.js";
import { BoundedMap } from "../core/lru.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { Ground, Wanted } from "./contract/member.js";
import type { FleetTargets } from "./contract/plan.js";
import { identityOf } from "./identity.js";
import { invalid } from "./plan-format.js";
import { libraryOf } from "./text-format.js";

/** As many as a plan can have. */
const LIBRARIES_KEPT = 100;

export class DaemonGround implements Ground {
  readonly #control: FleetControl;
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  /** By the name of the text, which never changes. */
  readonly #libraries = new BoundedMap<string, Library>(LIBRARIES_KEPT);

  constructor(parts: { readonly control: FleetControl; readonly types: ReadonlyMap<string, AnyFaultType> }) {
    this.#control = parts.control;
    this.#types = parts.types;
  }

  check(wanted: readonly Wanted[]): void {
    this.#control.checked(wanted.map((one) => this.#inputOf(one)));
  }

  apply(wanted: readonly Wanted[]): void {
    this.#control.apply(this.#control.checked(wanted.map((one) => this.#inputOf(one))));
  }

  hits(): number {
    return this.#control.hits();
  }

  onHealedHere(hear: () => void): void {
    this.#control.onEndedHere(hear);
  }

  #inputOf(wanted: Wanted): FleetInput {
    const { activation, startsAt, endsAt } = wanted;
    const { id, profile, params, seed, mode, proxies, targets, starts_at, ends_at } = activation;
    return {
      id,
      input: { what: { profile }, params, seed, mode, ...(proxies === null ? {} : { proxies }) },
      library: this.#libraryOf(wanted),
      mark: {
        identity: identityOf(activation),
        lasts: Date.parse(ends_at) - Date.parse(starts_at),
        words: wordsOf(targets),
      },
      startsAt,
      endsAt,
    };
  }

  #libraryOf({ activation: { profile, text: name }, text }: Wanted): Library {
    const known = this.#libraries.get(name);
    if (known !== undefined) return known;
    if (text.profile !== profile) throw invalid(`the text of ${profile} is one of ${text.profile}`);
    const library = libraryOf(text, this.#types);
    this.#libraries.set(name, library);
    return library;
  }
}

/** As `squall use` takes them. */
function wordsOf({ daemons, labels, percent }: FleetTargets): readonly string[] {
  return [
    "--fleet",
    ...daemons.flatMap((name) => ["--daemons", name]),
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
    ...(percent === 100 ? [] : ["--percent", String(percent)]),
  ];
}
