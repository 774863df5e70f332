/** What the daemon's files want, at its start and at each reload: proxies and profiles, and where these are looked for. */
import * as fsPromises from "node:fs/promises";
import { resolve } from "node:path";
import { isPopulateFile, readPopulateFile } from "../admin/toxiproxy/populate-file.js";
import type { Config } from "../config/config.js";
import { loadPlaces } from "../config/load.js";
import { READ_LIMITS } from "../config/scan.js";
import { allPlaces, placesOf, type Places } from "../config/places.js";
import type { Desired } from "../control/reload.js";
import { formatProblem, SquallError, type ErrorCode, type Problem } from "../core/errors.js";
import type { Millis } from "../core/clock.js";
import { readRegular } from "../core/read-file.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { FileProxy } from "../proxy/proxy-set.js";
import { configIn, type DaemonOptions } from "./options.js";
import { dateWarnings } from "./certificate-dates.js";
import { proxyDefaults, specFrom } from "./specs.js";

/** What only counts from the next start. */
const FIXED = ["admin", "fleet", "journal", "limits", "log", "seed", "state", "tls", "watch"] as const;

export class Files {
  readonly #options: DaemonOptions;
  readonly #config: Config;
  readonly #seed: number;
  readonly #warn: (problem: Problem) => void;
  readonly #types: ReadonlyMap<string, AnyFaultType>;
  readonly #inUse: () => ReadonlySet<string>;
  readonly #now: () => Millis;
  /** Where the configuration says that profiles are, as it was last read: also if what is there was refused. */
  #places: Places;
  /** Files of profiles that had something in them when they were last read. */
  #written = new Set<string>();

  /** `config` is what the daemon was started with, and `seed` the one that it goes by. */
  constructor(
    options: DaemonOptions,
    config: Config,
    parts: {
      readonly seed: number;
      readonly types: ReadonlyMap<string, AnyFaultType>;
      /** Told what cannot be read, and is done without. */
      readonly warn?: (problem: Problem) => void;
      /** Files whose profiles are in use, as they are shown. */
      readonly inUse?: () => ReadonlySet<string>;
      /** Milliseconds since 1970. */
      readonly now: () => Millis;
    },
  ) {
    this.#options = options;
    this.#config = config;
    this.#seed = parts.seed;
    this.#types = parts.types;
    this.#warn = parts.warn ?? ((): undefined => undefined);
    this.#inUse = parts.inUse ?? (() => new Set());
    this.#now = parts.now;
    this.#places = placesOf(config.profiles, options);
  }

  /** The proxies to start with. */
  proxies(): readonly FileProxy[] {
    return this.#proxiesOf(this.#config, this.#options.text);
  }

  /** The profiles to start with. */
  profiles(): Promise<Desired["files"]> {
    return this.#readProfiles();
  }

  /**
   * What they want by now. `follow` is told where profiles are before they are read there. Throws SQ_INVALID_CONFIG or SQ_INVALID_PROFILE
   * with everything that is wrong.
   */
  async desired(follow: () => Promise<void> = () => Promise.resolve()): Promise<Desired> {
    const { file, cwd } = this.#options;
    const text = file === undefined ? this.#options.text : configText(resolve(cwd, file), file);
    if (file !== undefined && text?.trim() === "") throw emptied(file, "settings", "SQ_INVALID_CONFIG");
    const config = configIn(text, this.#options);
    this.#places = placesOf(config.profiles, this.#options);
    await follow();
    return {
      warnings: dateWarnings(config, this.#now()).map(({ message }) => message),
      proxies: this.#proxiesOf(config, text),
      files: await this.#readProfiles(),
      restartNeeded: FIXED.filter(
        (part) => JSON.stringify(config[part]) !== JSON.stringify(this.#config[part]),
      ),
    };
  }

  /** Whether the configuration is another one than the daemon was started with; who reads it anew hears what is wrong. */
  edited(): boolean {
    const { file, cwd, text } = this.#options;
    if (file === undefined) return false;
    try {
      return configText(resolve(cwd, file), file) !== text;
    } catch {
      return true;
    }
  }

  /** Files and folders where a change may want a reload. */
  watched(): readonly string[] {
    const { file, cwd } = this.#options;
    return [...allPlaces(this.#places), ...(file === undefined ? [] : [resolve(cwd, file)])];
  }

  /** What the file says about proxies, in whichever of the two forms it is. */
  #proxiesOf(config: Config, text: string | undefined): readonly FileProxy[] {
    // Limits are not read again: they are those of the start until the next one.
    const { limits } = this.#config;
    if (text === undefined || !isPopulateFile(text))
      return config.proxies.map((proxy) => specFrom(proxy, { seed: this.#seed, limits }));
    const { file } = this.#options;
    return readPopulateFile(text, {
      types: this.#types,
      defaults: proxyDefaults({ seed: this.#seed, limits }),
      file,
    });
  }

  async #readProfiles(): Promise<Desired["files"]> {
    const files = await loadPlaces(this.#places, fsPromises, {
      base: this.#options.cwd,
      warn: this.#warn,
      inUse: this.#inUse(),
    });
    const isEmpty = ({ text }: Desired["files"][number]): boolean => text.trim() === "";
    const gone = files.find((file) => isEmpty(file) && this.#written.has(file.file));
    if (gone !== undefined) throw emptied(gone.file, "profiles", "SQ_INVALID_PROFILE");
    this.#written = new Set(files.flatMap((file) => (isEmpty(file) ? [] : [file.file])));
    return files;
  }

  /**
   * Whether nothing about the profiles can refuse the start: those that come with Squall have no mistakes, tests hold that, and a folder
   * that nobody named is warned of.
   */
  get harmless(): boolean {
    const { named, own } = this.#places;
    return !named || own.length === 0;
  }
}

/** While the daemon runs it must not wait for a pipe. Throws what the system says, or SQ_INVALID_CONFIG for what is no file. */
function configText(path: string, file: string): string {
  try {
    return readRegular(path, READ_LIMITS.bytes).toString("utf8");
  } catch (error) {
    if (!(error instanceof Error) || "code" in error) throw error;
    throw new SquallError("SQ_INVALID_CONFIG", `cannot read ${file}: ${error.message}`, { cause: error });
  }
}

/** Many editors empty a file before they write it, and whoever looks in between must not take away what it had. */
function emptied(file: string, what: "settings" | "profiles", code: ErrorCode): SquallError {
  const message = `expected ${what}, got an empty file`;
  const hint =
    what === "settings" ? "{} says that there are none" : "delete the file if there are to be none";
  const problem: Problem = { file, line: 1, column: 1, path: "", message, hint };
  return new SquallError(code, formatProblem(problem), { details: [problem] });
}
