/** What somebody asks to be switched on, checked and compiled into what the plan takes. */
import { randomInt } from "node:crypto";
import type { Library } from "../config/library.js";
import { toPlain, type Located } from "../config/located.js";
import { SquallError } from "../core/errors.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { ActivationRequest } from "../plan/activation.js";
import { compileFaults, compileProfile } from "../plan/compile.js";
import { INLINE } from "../plan/value.js";
import type { Targets } from "./targets.js";

/** How many can be on at once. */
export const ACTIVATIONS_MAX = 100;

export interface ActivationInput {
  /** The name of a profile, or faults of its own. */
  readonly what: { readonly profile: string } | { readonly faults: Located };
  readonly params?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Milliseconds. */
  readonly ttl?: number;
  readonly proxies?: readonly string[];
  readonly mode?: "inject" | "observe";
}

export class Requests {
  readonly #library: Library;
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  readonly #targets: Targets;
  readonly #seed: number | null;

  constructor(parts: {
    readonly library: Library;
    readonly types: ReadonlyMap<string, AnyFaultType>;
    readonly targets: Targets;
    /** Of requests that bring none; drawn for each if null. */
    readonly seed: number | null;
  }) {
    this.#library = parts.library;
    this.#types = parts.types;
    this.#targets = parts.targets;
    this.#seed = parts.seed;
  }

  /** Those that are to begin now, together: each must have proxies to act on, and a profile can be on only once. */
  fresh(inputs: readonly ActivationInput[]): ActivationRequest[] {
    const requests = inputs.map((input) => this.sound(input));
    const names = requests.map((request) => request.profile).filter((name) => name !== INLINE);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      throw new SquallError(
        "SQ_INVALID_ACTIVATION",
        `the profile ${JSON.stringify(twice)} is asked for twice`,
      );
    }
    return requests;
  }

  /** One that has proxies to act on; of the daemon's own profiles, or another library's. */
  sound(input: ActivationInput, library = this.#library): ActivationRequest {
    const request = this.compiled(input, library);
    for (const name of input.proxies ?? []) this.#targets.checkName(name, "proxies");
    this.#targets.checkSeams(request.compiled, request.proxies);
    return request;
  }

  /** One that may have begun when there were other proxies. */
  compiled(
    { what, params = {}, seed, ttl, proxies, mode = "inject" }: ActivationInput,
    library = this.#library,
  ): ActivationRequest {
    const compiled =
      "profile" in what
        ? compileProfile(what.profile, library, params, this.#types)
        : compileFaults(what.faults, this.#types).compiled;
    this.#targets.checkEngines(compiled, proxies ?? null, mode);
    return {
      profile: compiled.profile,
      compiled,
      written: "faults" in what ? asList(toPlain(what.faults)) : null,
      given: params,
      seed: seed ?? this.#seed ?? randomInt(2 ** 32),
      seeded: (seed ?? this.#seed) !== null,
      proxies: proxies === undefined || proxies.length === 0 ? null : proxies,
      mode,
      ttl: ttl ?? null,
    };
  }
}

function asList(faults: unknown): readonly unknown[] {
  return Array.isArray(faults) ? faults : [faults];
}
