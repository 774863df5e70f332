/**
 * What is on, compiled before the files that it comes from are in force: one activation at a time, with turns for others
 * between them, where all at once would hold up all traffic. Whoever puts the files in force takes what still fits.
 */
import type { ProfileView } from "../config/extends.js";
import type { ProfileSource } from "../config/profile.js";
import type { ActivationValue, CompiledProfile } from "../plan/value.js";

interface Ahead {
  readonly given: ActivationValue["given"];
  readonly lineage: readonly (ProfileSource | undefined)[];
  readonly compiled: CompiledProfile;
}

export class CompiledAhead {
  readonly #byActivation = new Map<string, Ahead>();

  note(
    { id, given }: ActivationValue,
    source: ProfileSource,
    view: ProfileView,
    compiled: CompiledProfile,
  ): void {
    this.#byActivation.set(id, { given, lineage: lineageOf(source, view), compiled });
  }

  /** Null if it was not compiled, or is to be made of something else by now. */
  find({ id, given }: ActivationValue, source: ProfileSource, view: ProfileView): CompiledProfile | null {
    const ahead = this.#byActivation.get(id);
    if (ahead?.given !== given) return null;
    const lineage = lineageOf(source, view);
    const fits =
      lineage.length === ahead.lineage.length && lineage.every((one, at) => one === ahead.lineage[at]);
    return fits ? ahead.compiled : null;
  }

  clear(): void {
    this.#byActivation.clear();
  }
}

/** A profile and all that it inherits, in a fixed order; undefined for a parent that nobody knows. */
function lineageOf(source: ProfileSource, view: ProfileView): (ProfileSource | undefined)[] {
  const seen = new Set<ProfileSource>();
  const lineage: (ProfileSource | undefined)[] = [];
  const visit = (one: ProfileSource | undefined): void => {
    lineage.push(one);
    if (one === undefined || seen.has(one)) return;
    seen.add(one);
    for (const name of one.extends) visit(view.parent(one, name));
  };
  visit(source);
  return lineage;
}
