/** Profile files from folders: found and read, within limits, and without looking inside. */
import { basename, extname, isAbsolute, join, relative, sep } from "node:path";
import type { Problem } from "../core/errors.js";
import { SourceText } from "./located.js";
import type { ProfileFile } from "./library.js";
import { Problems } from "./problems.js";
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

/**
 * Reads every profile file of these folders and files, in the order of their names. Throws with all that went wrong. What
 * was not named itself and cannot be read, such as a folder without permission or a link to nowhere, is told as a warning.
 */
export async function loadProfiles(
  paths: readonly string[],
  fs: FileSystem,
  base?: string,
  warn: (problem: Problem) => void = () => undefined,
): Promise<ProfileFile[]> {
  const loader = new Loader(fs, base);
  for (const path of paths) await loader.root(path);
  for (const warning of loader.warnings.list()) warn(warning);
  loader.problems.throwIfAny("SQ_INVALID_PROFILE");
  return loader.files;
}

class Loader {
  readonly problems = new Problems();
  readonly warnings = new Problems();
  readonly files: ProfileFile[] = [];
  readonly #fs: FileSystem;
  readonly #base: string | undefined;
  /** Real paths, so that neither a loop of links nor a file named twice is read twice. */
  readonly #seen = new Set<string>();
  #entries = 0;

  constructor(fs: FileSystem, base: string | undefined) {
    this.#fs = fs;
    this.#base = base;
  }

  async root(path: string): Promise<void> {
    await this.#visit(path, 0, true);
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
      const code = codeOf(error);
      // The machine has no room to look: what is there is not known, and must not be taken for gone.
      const refused = named || code === "EMFILE" || code === "ENFILE" || code === "ENOMEM";
      const why = REASONS[code] ?? `cannot be read (${code})`;
      // What has no profile's name and cannot be looked at is nobody's profile.
      if (
        !refused &&
        code !== "EACCES" &&
        code !== "EPERM" &&
        !EXTENSIONS.includes(extname(path).toLowerCase())
      )
        return;
      if (refused) this.#refuse(path, why);
      else
        this.warnings.add(
          this.#at(path),
          `${code === "ENOENT" ? "is a link to nowhere, or gone by now" : why}, and is left out`,
        );
    }
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
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      this.files.push({ file: this.#shown(path), text });
    } catch {
      this.#refuse(path, "is not UTF-8 text");
    }
  }

  async #isNew(path: string): Promise<boolean> {
    const real = await this.#fs.realpath(path);
    if (this.#seen.has(real)) return false;
    this.#seen.add(real);
    return true;
  }

  #refuse(path: string, message: string): void {
    this.problems.add(this.#at(path), message);
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

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error);
}
