/**
 * The profile library: what files hold, and on top of it what the API made, which lives in memory only
 * and shadows files until it is deleted. Every change is checked as a whole first and then happens whole.
 */
import { SquallError, type Problem } from "../core/errors.js";
import { formatSize } from "../core/units.js";
import { mergeProfile, type ProfileView } from "./extends.js";
import { SourceText, under } from "./located.js";
import { Problems } from "./problems.js";
import { paramInfo, readProfile, unknownProfile, type ParamInfo, type ProfileSource } from "./profile.js";
import { checkProfile, type Types } from "./resolve.js";
import { READ_LIMITS, REQUEST_LIMITS, type ReadLimits } from "./scan.js";
import { readDocuments } from "./source.js";

export const PROFILES_MAX = 10_000;
/** Characters of all profiles that the API made: in memory each takes several times its text. */
export const MEMORY_TEXT_MAX = 2 ** 23;

export type Layer = "file" | "memory";

export interface LibraryEntry {
  readonly source: ProfileSource;
  readonly layer: Layer;
  /** With those it inherits. */
  readonly params: readonly ParamInfo[];
  /** Whether a file has a profile of that name underneath. */
  readonly shadows: boolean;
}

export interface ProfileLibrary extends ProfileView {
  readonly entries: readonly LibraryEntry[];
}

/** A file as it was read, before anybody looked inside. */
export interface ProfileFile {
  readonly file: string;
  readonly text: string;
}

type Sources = ReadonlyMap<string, ProfileSource>;

export class Library implements ProfileLibrary {
  readonly #types: Types;
  #files: Sources = new Map();
  #memory: Sources = new Map();
  #warnings: ReadonlyMap<string, readonly Problem[]> = new Map();

  constructor(types: Types) {
    this.#types = types;
  }

  get(name: string): ProfileSource | undefined {
    return this.#memory.get(name) ?? this.#files.get(name);
  }

  /** Sorted, since people read them. */
  names(): readonly string[] {
    return [...new Set([...this.#files.keys(), ...this.#memory.keys()])].sort();
  }

  get entries(): readonly LibraryEntry[] {
    return this.names().flatMap((name): LibraryEntry[] => {
      const made = this.#memory.get(name);
      const source = made ?? this.#files.get(name);
      if (source === undefined) return [];
      const params = [...mergeProfile(source, this, new Problems()).params.values()].map(paramInfo);
      const layer = made ? "memory" : "file";
      return [{ source, layer, params, shadows: made !== undefined && this.#files.has(name) }];
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
    const { message, hint } = unknownProfile(name, this.names());
    throw new SquallError("SQ_PROFILE_NOT_FOUND", message, hint === undefined ? {} : { hint });
  }

  /** Puts these files in place of all others; what the API made stays. Throws, and changes nothing, on any mistake. */
  replaceFiles(files: readonly ProfileFile[]): void {
    const problems = new Problems();
    const sources = readAll(files, problems);
    this.#install(sources, this.#memory, null, problems);
  }

  /** The same, one file at a time: `pause` lets others have their turn in between. */
  async replaceFilesSlowly(files: readonly ProfileFile[], pause: () => Promise<void>): Promise<void> {
    const problems = new Problems();
    const sources = new Map<string, ProfileSource>();
    for (const file of files) {
      readInto(sources, file, problems);
      await pause();
    }
    this.#install(sources, this.#memory, null, problems);
  }

  /** Adds or replaces one profile in memory. */
  put(text: string, expected?: string, file = "request"): ProfileSource {
    const problems = new Problems();
    const sources = readAll([{ file, text }], problems, REQUEST_LIMITS);
    const [source, second] = sources.values();
    if (problems.count === 0) {
      const at = { place: (second ?? source)?.tree.place ?? noPlace(file), path: "" };
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
    const memory = new Map(this.#memory).set(source.name, source);
    this.#install(this.#files, memory, source.name, problems);
    return source;
  }

  /** Adds or replaces all of these in memory, one profile in each text; together, since they may need each other. */
  putAll(texts: readonly string[], file = "request"): void {
    const problems = new Problems();
    const memory = new Map(this.#memory);
    for (const text of texts) {
      for (const [name, source] of readAll([{ file, text }], problems)) memory.set(name, source);
    }
    this.#install(this.#files, memory, null, problems);
  }

  /** Takes a profile out of memory again; one that a file holds underneath comes back. */
  delete(name: string): void {
    if (!this.#memory.has(name)) {
      this.find(name);
      throw new SquallError(
        "SQ_PROFILE_IN_FILE",
        `the profile ${JSON.stringify(name)} belongs to ${this.find(name).file}`,
        {
          hint: "delete or change it there",
        },
      );
    }
    const memory = new Map(this.#memory);
    memory.delete(name);
    this.#install(this.#files, memory, name, new Problems());
  }

  /** A copy to try a change on, so that what hangs on the library can be checked before it changes. */
  fork(): Library {
    const copy = new Library(this.#types);
    copy.adopt(this);
    return copy;
  }

  /** Becomes what that copy is. */
  adopt(other: Library): void {
    this.#files = other.#files;
    this.#memory = other.#memory;
    this.#warnings = other.#warnings;
  }

  /** Checks what is new, or what hangs on `changed`; only then are the layers swapped. */
  #install(files: Sources, memory: Sources, changed: string | null, problems: Problems): void {
    const view = viewOf(files, memory);
    if (view.names().length > PROFILES_MAX) {
      throw new SquallError("SQ_TOO_MANY", `there would be more than ${PROFILES_MAX} profiles`);
    }
    const length = [...memory.values()].reduce((sum, { text }) => sum + text.length, 0);
    if (length > MEMORY_TEXT_MAX) {
      const most = formatSize(MEMORY_TEXT_MAX);
      throw new SquallError("SQ_TOO_MANY", `there would be more than ${most} of profiles in memory`, {
        hint: "profiles in files do not count",
      });
    }
    const warnings = new Map<string, readonly Problem[]>();
    for (const name of view.names()) {
      const source = view.get(name);
      if (source === undefined) continue;
      const touched = changed === null || name === changed || reaches(source, changed, view, new Set());
      if (!touched) {
        warnings.set(name, this.#warnings.get(name) ?? []);
        continue;
      }
      const checked = checkProfile(source, view, this.#types);
      problems.absorb(checked.problems);
      warnings.set(name, checked.warnings.list());
    }
    problems.throwIfAny("SQ_INVALID_PROFILE");
    this.#files = files;
    this.#memory = memory;
    this.#warnings = warnings;
  }
}

function noPlace(file: string): ProfileSource["tree"]["place"] {
  return { text: new SourceText(file, null), offset: 0 };
}

function viewOf(files: Sources, memory: Sources): ProfileView {
  const all = new Map([...files, ...memory]);
  const names = [...all.keys()].sort();
  return { get: (name) => all.get(name), names: () => names };
}

function reaches(source: ProfileSource, name: string, view: ProfileView, seen: Set<string>): boolean {
  if (seen.has(source.name)) return false;
  seen.add(source.name);
  return source.extends.some((parent) => {
    if (parent === name) return true;
    const next = view.get(parent);
    return next !== undefined && reaches(next, name, view, seen);
  });
}

/** All profiles of these files. */
function readAll(
  files: readonly ProfileFile[],
  problems: Problems,
  limits: ReadLimits = READ_LIMITS,
): Map<string, ProfileSource> {
  const sources = new Map<string, ProfileSource>();
  for (const file of files) readInto(sources, file, problems, limits);
  return sources;
}

/** Adds the profiles of a file; the same name twice is a mistake that names both places. */
function readInto(
  sources: Map<string, ProfileSource>,
  { file, text }: ProfileFile,
  problems: Problems,
  limits: ReadLimits = READ_LIMITS,
): void {
  for (const document of readDocuments(text, file, problems, limits)) {
    const source = readProfile(document.tree, document.text, problems);
    if (source === null) continue;
    const twin = sources.get(source.name);
    const name = source.tree.entries.get("profile")?.value ?? source.tree;
    if (twin !== undefined) {
      const { place } = twin.tree.entries.get("profile")?.value ?? twin.tree;
      const { line, column } = place.text.at(place.offset);
      problems.add(
        name,
        `the profile ${JSON.stringify(source.name)} exists already, in ${twin.file}:${line}:${column}`,
      );
    } else {
      sources.set(source.name, source);
    }
  }
}
