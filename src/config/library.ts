/**
 * The profile library: what comes with Squall, on top of it what one's own files hold, and on top of that what the API made, which lives
 * in memory only and shadows the others until it is deleted. Every change is checked as a whole first and then happens whole.
 */
import { SquallError, type Problem } from "../core/errors.js";
import { formatSize } from "../core/units.js";
import { mergeProfile, type ProfileView } from "./extends.js";
import {
  isShadowing,
  LAYERS,
  layerOf,
  NO_LAYERS,
  reaches,
  viewOf,
  type Layer,
  type Layers,
} from "./layers.js";
import { under } from "./located.js";
import { Problems } from "./problems.js";
import { paramInfo, type ParamInfo, type ProfileSource } from "./profile.js";
import { Reading, readText, startOf, type ProfileFile } from "./read-profiles.js";
import { checkProfile, type Types } from "./resolve.js";
import { REQUEST_LIMITS } from "./scan.js";
import { unknownProfile, type LeftOut } from "./unknown-profile.js";

export type { Layer } from "./layers.js";
export type { ProfileFile } from "./read-profiles.js";
export type { LeftOut } from "./unknown-profile.js";

export const PROFILES_MAX = 10_000;
/** Characters of all profiles that the API made: in memory each takes several times its text. */
export const MEMORY_TEXT_MAX = 2 ** 23;

export interface LibraryEntry {
  readonly source: ProfileSource;
  readonly layer: Layer;
  /** With those it inherits. */
  readonly params: readonly ParamInfo[];
  /** Whether there is a profile of that name underneath, in a file or among those that come with Squall. */
  readonly shadows: boolean;
}

export interface ProfileLibrary extends ProfileView {
  readonly entries: readonly LibraryEntry[];
  /** Files that were found without being named, and hold something else than profiles without mistakes. */
  readonly leftOut: readonly LeftOut[];
}

type Warnings = ReadonlyMap<string, readonly Problem[]>;

/** What is wrong with profiles among each other, and what is odd. */
interface Checked {
  readonly problems: Problems;
  readonly warnings: Warnings;
}

/** Files that were read and looked at, beside what the API had made by then. */
export interface ReadFiles {
  readonly reading: Reading;
  readonly memory: Layers["memory"];
  readonly checked: Checked;
}

export class Library implements ProfileLibrary {
  readonly #types: Types;
  #layers: Layers = NO_LAYERS;
  #view: ProfileView = viewOf(NO_LAYERS);
  #warnings: Warnings = new Map();
  #leftOut: readonly LeftOut[] = [];

  constructor(types: Types) {
    this.#types = types;
  }

  get(name: string): ProfileSource | undefined {
    return this.#view.get(name);
  }

  parent(child: ProfileSource, name: string): ProfileSource | undefined {
    return this.#view.parent(child, name);
  }

  /** Sorted, since people read them. */
  names(): readonly string[] {
    return this.#view.names();
  }

  get entries(): readonly LibraryEntry[] {
    return this.names().flatMap((name): LibraryEntry[] => {
      const source = this.get(name);
      const layer = layerOf(this.#layers, name);
      if (source === undefined || layer === null) return [];
      const params = [...mergeProfile(source, this, new Problems()).params.values()].map(paramInfo);
      return [{ source, layer, params, shadows: isShadowing(this.#layers, name) }];
    });
  }

  get leftOut(): readonly LeftOut[] {
    return this.#leftOut;
  }

  /** Files whose profiles are there. */
  get files(): ReadonlySet<string> {
    const { file, library } = this.#layers;
    return new Set([...file.values(), ...library.values()].map((source) => source.file));
  }

  /** Profiles of one's own files that count in place of one that comes with Squall and is not the same. */
  get replaced(): readonly Pick<ProfileSource, "name" | "file">[] {
    const { file: files, library } = this.#layers;
    return [...files.values()].flatMap(({ name, file, text }) => {
      const below = library.get(name);
      return below === undefined || below.text.trim() === text.trim() ? [] : [{ name, file }];
    });
  }

  /** Mistakes that forbid nothing, over all profiles. */
  get warnings(): readonly Problem[] {
    return [...this.#warnings.values()].flat();
  }

  /** The profile, or an error that names the nearest one. */
  find(name: string): ProfileSource {
    const found = this.get(name);
    if (found !== undefined) return found;
    const { message, hint } = unknownProfile(name, this.names(), this.#types, this.#leftOut);
    throw new SquallError("SQ_PROFILE_NOT_FOUND", message, hint === undefined ? {} : { hint });
  }

  /** The profile, and all that it builds on, each once and with the layer in which it lies; empty for one that is not there. */
  lineage(name: string): readonly { readonly source: ProfileSource; readonly layer: Layer }[] {
    const found = new Map<ProfileSource, Layer>();
    const visit = (source: ProfileSource | undefined): void => {
      if (source === undefined || found.has(source)) return;
      const layer = LAYERS.find((one) => this.#layers[one].get(source.name) === source);
      if (layer === undefined) return;
      found.set(source, layer);
      for (const parent of source.extends) visit(this.parent(source, parent));
    };
    visit(this.get(name));
    return [...found].map(([source, layer]) => ({ source, layer }));
  }

  /** Puts these files in place of all others; what the API made stays. Throws, and changes nothing, on any mistake. */
  replaceFiles(files: readonly ProfileFile[]): void {
    this.install(finished(this.#read(files)));
  }

  /** The same, one file at a time: `pause` lets others have their turn in between. */
  async replaceFilesSlowly(files: readonly ProfileFile[], pause: () => Promise<void>): Promise<void> {
    this.install(await this.read(files, pause));
  }

  /** Reads files for `install`, and checks their profiles, one at a time. Changes nothing. */
  async read(files: readonly ProfileFile[], pause: () => Promise<void>): Promise<ReadFiles> {
    const steps = this.#read(files);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await pause();
    }
  }

  *#read(files: readonly ProfileFile[]): Generator<void, ReadFiles> {
    const reading = new Reading(new Set([...this.#layers.file.values()].map(({ file }) => file)));
    for (const file of files) {
      reading.add(file);
      yield;
    }
    yield* this.#leaveOutUnsound(reading);
    const { library, file } = reading;
    const { memory } = this.#layers;
    const checked = yield* this.#checks(viewOf({ memory, library, file }), null);
    return { reading, memory, checked };
  }

  /** Puts files that were read in place of all others, as `replaceFiles` does. */
  install({ reading, memory, checked }: ReadFiles): void {
    const { library, file, problems } = reading;
    const all = new Problems();
    all.absorb(problems);
    // What the API has made since may have changed what they inherit.
    this.#install(
      { ...this.#layers, library, file },
      null,
      all,
      memory === this.#layers.memory ? checked : null,
    );
    this.#leftOut = [...reading.leftOut].flatMap(([name, found]) => {
      const [problem] = found.list();
      return problem === undefined ? [] : [{ file: name, problem }];
    });
  }

  /** Of files that were only found, those with mistakes that show in the company of the others; then whoever builds on these. */
  *#leaveOutUnsound(reading: Reading): Generator<void, void> {
    for (let before = -1; before < reading.leftOut.size;) {
      before = reading.leftOut.size;
      const view = viewOf({ memory: new Map(), file: reading.file, library: reading.library });
      const unsound: { readonly file: string; readonly problems: Problems }[] = [];
      for (const source of reading.file.values()) {
        if (!reading.isOptional(source.file)) continue;
        const { problems } = checkProfile(source, view, this.#types);
        if (problems.count > 0) unsound.push({ file: source.file, problems });
        yield;
      }
      for (const { file, problems } of unsound) reading.leaveOut(file, problems);
    }
  }

  /** Adds or replaces one profile in memory. */
  put(text: string, expected?: string, file = "request"): ProfileSource {
    const problems = new Problems();
    const sources = readText({ file, text }, problems, REQUEST_LIMITS);
    const [source, second] = sources.values();
    if (problems.count === 0) {
      const at = { place: (second ?? source)?.tree.place ?? startOf(file), path: "" };
      if (source === undefined)
        problems.add(at, 'expected a profile (a mapping with "profile: name"), got nothing');
      else if (second !== undefined) problems.add(at, "expected one profile, got a second one");
      else if (expected !== undefined && source.name !== expected) {
        problems.add(
          { ...at, path: under("", "profile") },
          `expected the name ${JSON.stringify(expected)}, got ${JSON.stringify(source.name)}`,
        );
      }
    }
    if (source === undefined) throw problems.error("SQ_INVALID_PROFILE");
    const memory = new Map(this.#layers.memory).set(source.name, source);
    this.#install({ ...this.#layers, memory }, source.name, problems);
    return source;
  }

  /** Adds or replaces all of these in memory, one profile in each text; together, since they may need each other. */
  putAll(texts: readonly string[], file = "request"): void {
    const problems = new Problems();
    const memory = new Map(this.#layers.memory);
    for (const text of texts) {
      for (const [name, source] of readText({ file, text }, problems)) memory.set(name, source);
    }
    this.#install({ ...this.#layers, memory }, null, problems);
  }

  /** Takes a profile out of memory again; one that lies underneath comes back. */
  delete(name: string): void {
    if (!this.#layers.memory.has(name)) {
      const { file } = this.find(name);
      const isShipped = layerOf(this.#layers, name) === "library";
      throw new SquallError(
        "SQ_PROFILE_IN_FILE",
        isShipped
          ? `the profile ${JSON.stringify(name)} comes with Squall`
          : `the profile ${JSON.stringify(name)} belongs to ${file}`,
        {
          hint: isShipped
            ? 'one of your own of that name takes its place; "profiles: { library: false }" leaves all of them out'
            : "delete or change it there",
        },
      );
    }
    const memory = new Map(this.#layers.memory);
    memory.delete(name);
    this.#install({ ...this.#layers, memory }, name, new Problems());
  }

  /** A copy to try a change on, so that what hangs on the library can be checked before it changes. */
  fork(): Library {
    const copy = new Library(this.#types);
    copy.adopt(this);
    return copy;
  }

  /** Becomes what that copy is. */
  adopt(other: Library): void {
    this.#layers = other.#layers;
    this.#view = other.#view;
    this.#warnings = other.#warnings;
    this.#leftOut = other.#leftOut;
  }

  /** Checks what is new, or what hangs on `changed`; only then are the layers swapped. */
  #install(layers: Layers, changed: string | null, problems: Problems, known: Checked | null = null): void {
    const view = viewOf(layers);
    if (view.names().length > PROFILES_MAX) {
      throw new SquallError("SQ_TOO_MANY", `there would be more than ${PROFILES_MAX} profiles`);
    }
    const length = [...layers.memory.values()].reduce((sum, { text }) => sum + text.length, 0);
    if (length > MEMORY_TEXT_MAX) {
      const most = formatSize(MEMORY_TEXT_MAX);
      throw new SquallError("SQ_TOO_MANY", `there would be more than ${most} of profiles in memory`, {
        hint: "profiles in files do not count",
      });
    }
    const checked = known ?? finished(this.#checks(view, changed));
    problems.absorb(checked.problems);
    problems.throwIfAny("SQ_INVALID_PROFILE");
    this.#layers = layers;
    this.#view = view;
    this.#warnings = checked.warnings;
  }

  /** Looks at one profile in each step: at all of them, or at what hangs on `changed`. */
  *#checks(view: ProfileView, changed: string | null): Generator<void, Checked> {
    const problems = new Problems();
    const warnings = new Map<string, readonly Problem[]>();
    for (const name of view.names()) {
      const source = view.get(name);
      if (source === undefined) continue;
      const touched = changed === null || name === changed || reaches(source, changed, view);
      if (!touched) {
        warnings.set(name, this.#warnings.get(name) ?? []);
        continue;
      }
      const checked = checkProfile(source, view, this.#types);
      problems.absorb(checked.problems);
      warnings.set(name, checked.warnings.list());
      yield;
    }
    return { problems, warnings };
  }
}

function finished<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
