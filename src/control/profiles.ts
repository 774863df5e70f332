/** The profiles that can be switched on: what there is to know of them, and changes of the library under what is on. */
import { mergeProfile } from "../config/extends.js";
import type { Layer, Library, ProfileFile, ReadFiles } from "../config/library.js";
import { tellLeftOut } from "../config/places.js";
import { Problems } from "../config/problems.js";
import { paramInfo, type ParamInfo, type ProfileSource } from "../config/profile.js";
import { SquallError, type Problem } from "../core/errors.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import { compileProfile } from "../plan/compile.js";
import { writeOut } from "../plan/fault-text.js";
import { explainProfile } from "../plan/explain.js";
import type { LivePlan } from "../plan/live.js";
import { INLINE, type ActivationValue, type CompiledProfile } from "../plan/value.js";
import { CompiledAhead } from "./compiled-ahead.js";
import { pictureOf, type CoursePicture } from "../plan/picture.js";
import type { Planned, Targets } from "./targets.js";

export interface ProfileSummary {
  readonly name: string;
  readonly summary: string;
  readonly breaks: string;
  readonly survives: string;
  readonly tags: readonly string[];
  readonly params: readonly ParamInfo[];
  readonly source: string;
  readonly origin: Layer;
  readonly shadows: boolean;
  readonly active: boolean;
}

export interface ProfileDetail extends ProfileSummary {
  readonly text: string;
  /** One sentence for each fault; null while a param must be given first. */
  readonly explanation: readonly string[] | null;
  /** When each fault is there, with the defaults of all params; null while one must be given first. */
  readonly course: CoursePicture | null;
}

export class Profiles {
  readonly #library: Library;
  readonly #plan: LivePlan;
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  readonly #targets: Targets;
  readonly #changed: () => void;
  readonly #ahead = new CompiledAhead();

  constructor(parts: {
    readonly library: Library;
    readonly plan: LivePlan;
    readonly types: ReadonlyMap<string, AnyFaultType>;
    readonly targets: Targets;
    /** Called after each `put` and `delete`. */
    readonly changed: () => void;
  }) {
    this.#library = parts.library;
    this.#plan = parts.plan;
    this.#types = parts.types;
    this.#targets = parts.targets;
    this.#changed = parts.changed;
  }

  list(): ProfileSummary[] {
    const active = new Set(this.#plan.value.activations.map((activation) => activation.profile));
    return this.#library.entries.map(({ source, layer, shadows }) => ({
      name: source.name,
      summary: source.summary,
      breaks: source.breaks,
      survives: source.survives,
      tags: source.tags,
      // Those of its parents too: whoever switches it on must know what to give.
      params: [...mergeProfile(source, this.#library, new Problems()).params.values()].map(paramInfo),
      source: source.file,
      origin: layer,
      shadows,
      active: active.has(source.name),
    }));
  }

  /** What to say of files that were found, not named, and left out. */
  leftOut(): readonly Problem[] {
    return tellLeftOut(this.#library.leftOut);
  }

  /** Throws SQ_PROFILE_NOT_FOUND. */
  find(name: string): ProfileDetail {
    const { text } = this.#library.find(name);
    const summary = this.list().find((profile) => profile.name === name);
    if (summary === undefined)
      throw new SquallError("SQ_PROFILE_NOT_FOUND", `no profile is called ${JSON.stringify(name)}`);
    const needs = summary.params.some((param) => param.required);
    if (needs) return { ...summary, text, explanation: null, course: null };
    const compiled = compileProfile(name, this.#library, {}, this.#types);
    return {
      ...summary,
      text,
      explanation: explainProfile(compiled, this.#types),
      course: pictureOf(compiled),
    };
  }

  /** Adds or replaces a profile in memory; where it is on, it goes on with the new text. */
  put(name: string, text: string): ProfileDetail {
    this.#change((library) => {
      library.put(text, name);
    });
    return this.find(name);
  }

  /** Takes one out of memory; where it is on and none lies underneath, it ends. */
  delete(name: string): void {
    this.#change((library) => {
      library.delete(name);
    });
  }

  #change(change: (library: Library) => void): void {
    this.tried(change)();
    this.#changed();
  }

  /** Reads files in pieces, for a change that puts them in place of all others. */
  async read(files: readonly ProfileFile[], pause: () => Promise<void>): Promise<ReadFiles> {
    const read = await this.#library.read(files, pause);
    await this.#compileAhead(read, pause);
    return read;
  }

  /** What the files will make of what is on. Changes nothing; what is wrong is for whoever tries the change to say. */
  async #compileAhead(read: ReadFiles, pause: () => Promise<void>): Promise<void> {
    this.#ahead.clear();
    const candidate = this.#library.fork();
    try {
      candidate.install(read);
      for (const activation of this.#plan.value.activations) {
        const { profile, given } = activation;
        const source = candidate.get(profile);
        if (!isOfLibrary(activation) || source === undefined) continue;
        if (this.#isSame(this.#library.get(profile), source, candidate)) continue;
        await pause();
        const compiled = compileProfile(profile, candidate, given, this.#types);
        writeOut(compiled);
        this.#ahead.note(activation, source, candidate, compiled);
      }
    } catch (error) {
      if (!(error instanceof SquallError)) throw error;
    }
    await pause();
  }

  /** Nothing more comes of the files that were read last. */
  forgetRead(): void {
    this.#ahead.clear();
  }

  /**
   * Tries a change on a copy, with all that is on, before anything changes. Answers how to carry it out, which
   * in turn answers the names of the profiles whose text it changed.
   */
  tried(change: (library: Library) => void): () => string[] {
    const before = this.#texts();
    const candidate = this.#library.fork();
    change(candidate);
    const recompiled = this.#recompiled(candidate);
    return () => {
      this.#library.adopt(candidate);
      this.#plan.end(
        (activation) => isOfLibrary(activation) && this.#library.get(activation.profile) === undefined,
        "profile deleted",
      );
      this.#plan.recompile(({ id }) => recompiled.get(id) ?? null);
      const after = this.#texts();
      return [...new Set([...before.keys(), ...after.keys()])].filter(
        (name) => before.get(name) !== after.get(name),
      );
    };
  }

  #texts(): ReadonlyMap<string, string> {
    return new Map(this.#library.names().map((name) => [name, this.#library.get(name)?.text ?? ""]));
  }

  #compiled(activation: ActivationValue, source: ProfileSource, library: Library): CompiledProfile {
    const { profile, given, compiled } = activation;
    if (this.#isSame(this.#library.get(profile), source, library)) return compiled;
    return (
      this.#ahead.find(activation, source, library) ?? compileProfile(profile, library, given, this.#types)
    );
  }

  /** Whether it says what it said, and so do those that it extends. */
  #isSame(
    before: ProfileSource | undefined,
    after: ProfileSource | undefined,
    candidate: Library,
    seen = new Set<ProfileSource>(),
  ): boolean {
    if (before === undefined || after === undefined) return before === after;
    if (before.text !== after.text) return false;
    if (seen.has(after)) return true;
    seen.add(after);
    return after.extends.every((name) =>
      this.#isSame(this.#library.parent(before, name), candidate.parent(after, name), candidate, seen),
    );
  }

  #recompiled(library: Library): Map<string, CompiledProfile> {
    const result = new Map<string, CompiledProfile>();
    const planned: Planned[] = [];
    let grows = false;
    for (const activation of this.#plan.value.activations) {
      const { id, profile, proxies, mode, compiled: before } = activation;
      if (!isOfLibrary(activation)) {
        planned.push({ compiled: before, proxies });
        continue;
      }
      const source = library.get(profile);
      if (source === undefined) continue;
      const compiled = this.#compiled(activation, source, library);
      this.#targets.checkEngines(compiled, proxies, mode);
      result.set(id, compiled);
      planned.push({ compiled, proxies });
      grows ||= faultsOf(compiled) > faultsOf(before);
    }
    if (grows) this.#targets.checkArmed(planned, this.#plan.armedToxics);
    return result;
  }
}

/** Its faults are what the library says, and change with it. The fleet brings its texts along, and they never change. */
function isOfLibrary({ profile, fleet }: ActivationValue): boolean {
  return profile !== INLINE && fleet === undefined;
}

function faultsOf({ faults, phases }: Pick<CompiledProfile, "faults" | "phases">): number {
  return phases.reduce((sum, phase) => sum + phase.faults.length, faults.length);
}
