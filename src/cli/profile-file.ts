/**
 * `squall use FILE.yaml`: the daemon is lent the profile that a file holds, under its own name, and keeps it in memory. What it
 * extends is looked up where the daemon looks, since that carries it out.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Layer } from "../config/library.js";
import { child } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { readDocuments } from "../config/source.js";
import { Refusal, type AdminClient } from "./client.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { readText } from "./read-text.js";
import { whyUnread } from "../core/why-unread.js";

const SIZE_MAX = 2 ** 20;
const ENDING = /\.(?:ya?ml|json)$/iu;

/** A path separator or the ending of a file makes it one; names of profiles have neither. */
export function isProfileFile(word: string): boolean {
  return /[\\/]/u.test(word) || ENDING.test(word);
}

/** The file that somebody may have meant who gave a name; null if there is none here. */
export function lyingHere(name: string, { cwd }: Pick<Io, "cwd">): string | null {
  const found = [".yaml", ".yml"].find((ending) => existsSync(join(cwd, name + ending)));
  return found === undefined ? null : `./${name}${found}`;
}

/** As the daemon has it. */
interface KnownProfile {
  readonly text: string;
  readonly source: string;
  readonly origin: Layer;
  readonly shadows: boolean;
  readonly tags: readonly string[];
}

export class ProfileFromFile {
  readonly #file: string;
  /** The name in it. */
  readonly name: string;
  readonly #text: string;

  private constructor(file: string, name: string, text: string) {
    this.#file = file;
    this.name = name;
    this.#text = text;
  }

  /** Throws a CommandError for a file that cannot be read, or that holds anything but one profile. */
  static read(file: string, io: Pick<Io, "cwd">): ProfileFromFile {
    const text = profileText(file, io);
    const problems = new Problems();
    const documents = readDocuments(text, file, problems);
    problems.throwIfAny("SQ_INVALID_PROFILE");
    const [document, second] = documents;
    if (second !== undefined)
      throw new CommandError(EXIT.invalid, `${file}: expected one profile, got ${documents.length}`);
    const name = child(document?.tree, "profile");
    if (name?.kind !== "scalar" || typeof name.value !== "string")
      throw new CommandError(
        EXIT.invalid,
        `${file}: expected a profile (a mapping with "profile: name"), got ${document === undefined ? "nothing" : "something else"}`,
      );
    return new ProfileFromFile(file, name.value, text);
  }

  /** Has the daemon know it while `run` switches it on; if that fails, all is as it was before. */
  async lend<T>(
    client: AdminClient,
    io: Pick<Io, "err">,
    run: (name: string, file: (file: string) => string) => Promise<T>,
  ): Promise<T> {
    // What the daemon was sent is this file.
    const file = (name: string): string => (name === "request" ? this.#file : name);
    const path = `/profiles/${encodeURIComponent(this.name)}`;
    const before = await this.#known(client, path);
    // The daemon's own, most often read from the same file: it goes on following that.
    if (before?.text.trim() === this.#text.trim()) {
      return run(this.name, file);
    }
    await client.call("PUT", path, this.#text, { option: () => undefined, file });
    let done: T;
    try {
      done = await run(this.name, file);
    } catch (error) {
      const restored = before?.origin === "memory" ? before.text : null;
      await (restored === null ? client.call("DELETE", path) : client.call("PUT", path, restored)).catch(
        () => undefined,
      );
      throw error;
    }
    if (before === null || (before.origin === "memory" && !before.shadows)) return done;
    const theirs = { file: ` from ${before.source}`, library: " of the library", memory: "" }[before.origin];
    io.err(
      `squall: note: the daemon has a profile ${JSON.stringify(this.name)}${theirs} too; that of ${this.#file} counts until DELETE ${path}\n`,
    );
    return done;
  }

  async #known(client: AdminClient, path: string): Promise<KnownProfile | null> {
    try {
      return client.known((await client.call("GET", path)) as KnownProfile | null, "tags");
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return null;
      throw error;
    }
  }
}

/** Throws a CommandError for what cannot be read. */
export function profileText(file: string, { cwd }: Pick<Io, "cwd">): string {
  const path = resolve(cwd, file);
  try {
    return readText(path, SIZE_MAX);
  } catch (error) {
    throw new CommandError(EXIT.invalid, `cannot read the profile ${file}: ${whyUnread(error)}`);
  }
}
