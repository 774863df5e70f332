/** Profile files from folders: found and read, within limits, and without looking inside. */
import { basename, extname, isAbsolute, join, relative, sep } from "node:path";
import type { Problem } from "../core/errors.js";
import { SourceText } from "./located.js";
import type { Places } from "./places.js";
import { Problems } from "./problems.js";
import type { FileOrigin, ProfileFile } from "./read-profiles.js";
import { READ_LIMITS } from "./scan.js";

/** What is needed of node:fs/promises; handed in, so that tests need no disk. */
export interface FileSystem {
  stat(path: string): Promise<{ isFile(): boolean; isDirectory(): boolean; readonly size: number }>;
  readdir(path: string): Promise<string[]>;
  readFile(path: string): Promise<Uint8Array>;
  realpath(path: string): Promise<string>;
}

export const FILES_MAX = 2_000;
/** How deep folders are searched. */
export const FOLDERS_DEEP = 8;
const ENTRIES_MAX = 50_000;
const EXTENSIONS: readonly string[] = [".yaml", ".yml", ".json"];

export interface LoadOptions {
  /** What paths are shown relative to. */
  readonly base?: string;
  /** Told what cannot be read and is done without. */
  readonly warn?: (problem: Problem) => void;
  /** Files, as they are shown, whose profiles are in use: they are not done without as long as they are there. */
  readonly inUse?: ReadonlySet<string>;
}

/**
 * Reads every profile file of these folders and files, in the order of their names. Throws with all that went wrong. What
 * was not named itself and cannot be read, such as a folder without permission or a link to nowhere, is told as a warning.
 */
export async function loadProfiles(
  paths: readonly string[],
  fs: FileSystem,
  base?: string,
  warn?: (problem: Problem) => void,
): Promise<ProfileFile[]> {
  return loadPlaces({ library: null, own: paths, named: true }, fs, {
    ...(base === undefined ? {} : { base }),
    ...(warn === undefined ? {} : { warn }),
  });
}

/** The same, of all places that profiles come from: those of Squall first, and no file twice. */
export async function loadPlaces(
  { library, own, named }: Places,
  fs: FileSystem,
  options: LoadOptions = {},
): Promise<ProfileFile[]> {
  const loader = new Loader(fs, options);
  // An application that was bundled into one file has none, and may have no use for them.
  if (library !== null) await loader.root(library, "library");
  for (const path of own) await loader.root(path, named ? "named" : "found");
  for (const warning of loader.warnings.list()) options.warn?.(warning);
  loader.problems.throwIfAny("SQ_INVALID_PROFILE");
  return loader.files;
}

const PROFILE_KEY = /(?:^|[\s{,"'?])profile["']?\s*:/u;
const COMMENT = /^\s*#.*$/gmu;

/** Whether a file in a folder that nobody named says something, and nothing of a profile: there may be thousands of them. */
function isNoProfile(text: string): boolean {
  return !PROFILE_KEY.test(text) && text.replace(COMMENT, "").trim() !== "";
}

class Loader {
  readonly problems = new Problems();
  readonly warnings = new Problems();
  readonly files: ProfileFile[] = [];
  readonly #fs: FileSystem;
  readonly #base: string | undefined;
  readonly #inUse: ReadonlySet<string>;
  /** Real paths, so that neither a loop of links nor a file named twice is read twice. */
  readonly #seen = new Set<string>();
  #entries = 0;
  #origin: FileOrigin = "named";

  constructor(fs: FileSystem, { base, inUse = new Set() }: LoadOptions) {
    this.#fs = fs;
    this.#base = base;
    this.#inUse = inUse;
  }

  async root(path: string, origin: FileOrigin): Promise<void> {
    this.#origin = origin;
    await this.#visit(path, 0, origin === "named");
  }

  async #visit(path: string, depth: number, named: boolean): Promise<void> {
    if (this.#entries++ >= ENTRIES_MAX) {
      if (this.#entries === ENTRIES_MAX + 1)
        this.#refuse(path, `more than ${ENTRIES_MAX} files and folders to look at`);
      return;
    }
    try {
      const wanted = named || EXTENSIONS.includes(extname(path).toLowerCase());
      const stat = await this.#fs.stat(path);
      if (stat.isDirectory()) await this.#folder(path, depth);
      else if (wanted && stat.isFile()) await this.#file(path, stat.size);
      else if (named) this.#refuse(path, "is neither a file nor a folder");
    } catch (error) {
      this.#unreadable(path, depth, named, codeOf(error));
    }
  }

  #unreadable(path: string, depth: number, named: boolean, code: string): void {
    const gone = code === "ENOENT" || code === "ENOTDIR";
    // That nobody made a folder which nobody named is as it should be.
    if (depth === 0 && this.#origin === "found" && gone) return;
    // The machine has no room to look: what is there is not known, and must not be taken for gone.
    const noRoom = code === "EMFILE" || code === "ENFILE" || code === "ENOMEM";
    const why = REASONS[code] ?? `cannot be read (${code})`;
    // What has no profile's name and cannot be looked at is nobody's profile.
    const isForeign = !closed(code) && !EXTENSIONS.includes(extname(path).toLowerCase());
    // The folder of Squall itself, such as while it is installed anew.
    const isHome = depth === 0 && this.#origin === "library";
    if (named || noRoom || ((isHome || !gone) && this.#isInUse(path))) this.#refuse(path, why);
    else if (depth === 0 || !isForeign)
      this.warnings.add(
        this.#at(path),
        `${gone && !isHome ? "is a link to nowhere, or gone by now" : why}, and is left out`,
      );
  }

  /** Whether profiles of this file, or of one in this folder, are in use. */
  #isInUse(path: string): boolean {
    const shown = this.#shown(path);
    return [...this.#inUse].some((file) => file === shown || file.startsWith(`${shown}${sep}`));
  }

  async #folder(path: string, depth: number): Promise<void> {
    if (depth > FOLDERS_DEEP || !(await this.#isNew(path))) return;
    for (const entry of (await this.#fs.readdir(path)).sort()) {
      if (entry.startsWith(".") || entry === "node_modules") continue;
      await this.#visit(join(path, entry), depth + 1, false);
    }
  }

  async #file(path: string, size: number): Promise<void> {
    if (!(await this.#isNew(path))) return;
    if (this.files.length >= FILES_MAX) {
      if (this.files.length === FILES_MAX)
        this.#refuse(path, `there are more than ${FILES_MAX} profile files`);
      return;
    }
    if (size > READ_LIMITS.bytes) {
      this.#refuse(path, `is larger than ${READ_LIMITS.bytes / 2 ** 20}MiB`);
      return;
    }
    const bytes = await this.#fs.readFile(path);
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      this.#refuse(path, "is not UTF-8 text");
      return;
    }
    const file = this.#shown(path);
    const origin = this.#origin;
    if (origin === "named") this.files.push({ file, text });
    else if (origin === "found" && !this.#inUse.has(file) && isNoProfile(text))
      this.files.push({ file, text: "", origin, foreign: true });
    else this.files.push({ file, text, origin });
  }

  async #isNew(path: string): Promise<boolean> {
    const real = await this.#fs.realpath(path);
    if (this.#seen.has(real)) return false;
    this.#seen.add(real);
    return true;
  }

  /** Of what was only found, a warning. */
  #refuse(path: string, message: string): void {
    if (this.#origin === "found" && !this.#isInUse(path))
      this.warnings.add(this.#at(path), `${message}, and is left out`);
    else this.problems.add(this.#at(path), message);
  }

  #at(path: string): Parameters<Problems["add"]>[0] {
    return { place: { text: new SourceText(this.#shown(path), null), offset: 0 }, path: "" };
  }

  /** As short as it can be said: relative to where the user is, if that is inside. */
  #shown(path: string): string {
    if (this.#base === undefined || !isAbsolute(path)) return path;
    const short = relative(this.#base, path);
    return short === "" ? basename(path) : short.startsWith(`..${sep}`) || short === ".." ? path : short;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "may not be read",
  ELOOP: "is a link that leads to itself",
};

function closed(code: string): boolean {
  return code === "EACCES" || code === "EPERM";
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error);
}
