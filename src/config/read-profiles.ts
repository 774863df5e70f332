/**
 * Profile files -> the profiles in them, layer by layer. A mistake in a file that somebody named, or that comes with Squall, is refused; a
 * file that was only found is left out with its mistakes, unless its profiles were in use already.
 */
import { SourceText, type Place } from "./located.js";
import { Problems } from "./problems.js";
import { readProfile, type ProfileSource } from "./profile.js";
import { READ_LIMITS, type ReadLimits } from "./scan.js";
import { readDocuments } from "./source.js";

/**
 * Who is behind a file: `library`, it comes with Squall; `named`, somebody said that it holds profiles; `found`, it lies in a folder that
 * is looked into without being named, and may be something else.
 */
export type FileOrigin = "library" | "named" | "found";

/** A file as it was read, before anybody looked inside. */
export interface ProfileFile {
  readonly file: string;
  readonly text: string;
  /** `named` if not given. */
  readonly origin?: FileOrigin;
  /** A file that was found and is evidently no profile: its text was not kept. */
  readonly foreign?: boolean;
}

/** What a file of the library held when it was read last: whoever starts one daemon after the other, as tests do, reads it once. */
const libraryFiles = new Map<string, { readonly text: string; readonly sources: readonly ProfileSource[] }>();

/** What files hold, and what is wrong with those that can be done without. */
export class Reading {
  readonly library = new Map<string, ProfileSource>();
  readonly file = new Map<string, ProfileSource>();
  /** What refuses the whole. */
  readonly problems = new Problems();
  /** Files that are left out, each with its first mistake, in the order in which they were found out. */
  readonly leftOut = new Map<string, Problems>();
  /** Files that may still be left out. */
  readonly #optional = new Set<string>();
  readonly #inUse: ReadonlySet<string>;

  /** `inUse` are files whose profiles were taken the last time: they are Squall's, whatever they hold by now. */
  constructor(inUse: ReadonlySet<string> = new Set()) {
    this.#inUse = inUse;
  }

  add(file: ProfileFile): void {
    const { origin = "named" } = file;
    if (origin === "library") {
      put(this.library, this.#ofLibrary(file), this.problems);
      return;
    }
    if (origin === "named" || this.#inUse.has(file.file)) {
      readInto(this.file, file, this.problems);
      return;
    }
    const own = new Map(this.file);
    const problems = new Problems();
    if (file.foreign === true)
      problems.add(
        { place: startOf(file.file), path: "" },
        'expected a profile (a mapping with "profile: name")',
      );
    readInto(own, file, problems);
    if (problems.count > 0) {
      this.leaveOut(file.file, problems);
      return;
    }
    if (own.size === this.file.size) return;
    this.#optional.add(file.file);
    for (const [name, source] of own) this.file.set(name, source);
  }

  #ofLibrary(file: ProfileFile): readonly ProfileSource[] {
    const known = libraryFiles.get(file.file);
    if (known?.text === file.text) return known.sources;
    const before = this.problems.count;
    const sources = sourcesOf(file, this.problems);
    if (this.problems.count === before) libraryFiles.set(file.file, { text: file.text, sources });
    return sources;
  }

  isOptional(file: string): boolean {
    return this.#optional.has(file);
  }

  /** Takes the file's profiles out again. */
  leaveOut(file: string, problems: Problems): void {
    this.leftOut.set(file, problems);
    this.#optional.delete(file);
    for (const [name, source] of this.file) {
      if (source.file === file) this.file.delete(name);
    }
  }
}

/** All profiles of one text. */
export function readText(
  file: ProfileFile,
  problems: Problems,
  limits: ReadLimits = READ_LIMITS,
): Map<string, ProfileSource> {
  const sources = new Map<string, ProfileSource>();
  readInto(sources, file, problems, limits);
  return sources;
}

/** Where a file begins, for what is wrong with all of it. */
export function startOf(file: string): Place {
  return { text: new SourceText(file, null), offset: 0 };
}

/** Adds the profiles of a file; the same name twice is a mistake that names both places. */
function readInto(
  sources: Map<string, ProfileSource>,
  file: ProfileFile,
  problems: Problems,
  limits: ReadLimits = READ_LIMITS,
): void {
  put(sources, sourcesOf(file, problems, limits), problems);
}

function sourcesOf(
  { file, text }: ProfileFile,
  problems: Problems,
  limits: ReadLimits = READ_LIMITS,
): ProfileSource[] {
  return readDocuments(text, file, problems, limits).flatMap(
    (document) => readProfile(document.tree, document.text, problems) ?? [],
  );
}

function put(sources: Map<string, ProfileSource>, more: readonly ProfileSource[], problems: Problems): void {
  for (const source of more) {
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
