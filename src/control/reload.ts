/** Reading the files again: profiles and the proxies that files own, whole or not at all. */
import type { ProfileFile, ReadFiles } from "../config/library.js";
import { formatProblem, SquallError, type Problem } from "../core/errors.js";
import type { Facts } from "../core/events.js";
import { namingProxy } from "../proxy/naming-proxy.js";
import { sameSpec, type FileProxy, type ProxySet } from "../proxy/proxy-set.js";
import type { Profiles } from "./profiles.js";

/** What the files want. */
export interface Desired {
  /** What else is to be said of the files; nothing if missing. */
  readonly warnings?: readonly string[];
  readonly proxies: readonly FileProxy[];
  readonly files: readonly ProfileFile[];
  /** What changed but only counts from the next start. */
  readonly restartNeeded: readonly string[];
}

export interface ReloadResult {
  readonly changed: readonly string[];
  readonly warnings: readonly string[];
}

export interface LastReload {
  readonly ok: boolean;
  readonly at: string;
  /** Why it was refused; empty if it was not. */
  readonly problems: readonly Problem[];
}

export class Reload {
  readonly #load: () => Promise<Desired>;
  readonly #profiles: Profiles;
  readonly #proxySet: ProxySet;
  readonly #facts: Facts;
  /** Proxies of the files that the last reload left out, since the API had given their names to others. */
  #shadowed: ReadonlySet<string> = new Set();
  #underWay: Promise<ReloadResult> | null = null;
  /** How the last one went; null before the first. */
  last: LastReload | null = null;

  constructor(parts: {
    readonly load: () => Promise<Desired>;
    readonly profiles: Profiles;
    readonly proxySet: ProxySet;
    readonly facts: Facts;
  }) {
    this.#load = parts.load;
    this.#profiles = parts.profiles;
    this.#proxySet = parts.proxySet;
    this.#facts = parts.facts;
  }

  /** One at a time: those asked for meanwhile wait for their turn. */
  async run(): Promise<ReloadResult> {
    while (this.#underWay !== null) await this.#underWay.catch(() => undefined);
    this.#underWay = this.#once();
    try {
      return await this.#underWay;
    } finally {
      this.#underWay = null;
    }
  }

  async #once(): Promise<ReloadResult> {
    try {
      const result = await this.#apply(await this.#load());
      this.#tell(true, [], result);
      return result;
    } catch (error) {
      this.#tell(false, problemsOf(error), { changed: [], warnings: [] });
      throw error;
    }
  }

  #tell(ok: boolean, problems: readonly Problem[], { changed, warnings }: ReloadResult): void {
    this.last = { ok, at: new Date().toISOString(), problems };
    this.#facts.tell({ kind: "reload", ok, problems, changed, warnings });
  }

  async #apply(desired: Desired): Promise<ReloadResult> {
    // Others have their turn between one file and the next, and between what is on.
    const read = await this.#profiles.read(desired.files, nextTurn);
    try {
      return await this.#adopt(desired, read);
    } finally {
      this.#profiles.forgetRead();
    }
  }

  async #adopt({ proxies, restartNeeded, warnings = [] }: Desired, read: ReadFiles): Promise<ReloadResult> {
    const tryProfiles = (): (() => string[]) =>
      this.#profiles.tried((library) => {
        library.install(read);
      });
    // Before any port is bound; what the API changes while they are is tried again with it. Where none is, it would be the same
    // work again, and with thousands of faults in force it takes long.
    const tried = tryProfiles();
    const before = new Set(this.#leftOut());
    const { changed, shadowed, adoptProfiles } = await this.#applyProxies(proxies, (waited) =>
      waited ? tryProfiles() : tried,
    );
    changed.push(...adoptProfiles().map((name) => `profile ${name}`));
    return {
      changed,
      warnings: [
        // What was said at the start or by the last reload is not said again.
        ...this.#leftOut().filter((warning) => !before.has(warning)),
        ...shadowed.map(
          (name) =>
            `proxy ${name} of the configuration is left out: the API has made one of that name, which stays. Delete that (DELETE /proxies/${name}) and reload`,
        ),
        ...warnings,
        ...restartNeeded.map((what) => `${what} counts from the next start`),
      ],
    };
  }

  #leftOut(): readonly string[] {
    return this.#profiles.leftOut().map((problem) => formatProblem(problem));
  }

  /** New addresses are bound first; only when all of them could be, and the profiles fit, is anything taken away. */
  async #applyProxies(
    files: readonly FileProxy[],
    tryProfiles: (waited: boolean) => () => string[],
  ): Promise<{
    readonly changed: string[];
    /** Proxies whose names the API has already given to others. */
    readonly shadowed: readonly string[];
    readonly adoptProfiles: () => string[];
  }> {
    const wanted = new Map(files.map((file) => [file.name, file]));
    const changed: string[] = [];
    const shadowed: string[] = [];
    const undo: (() => void | Promise<void>)[] = [];
    let waited = false;
    let adoptProfiles: () => string[];
    // Those that are switched off come last, as that closes connections, which no undoing brings back.
    const inOrder = files.toSorted((a, b) => Number(a.enabled === false) - Number(b.enabled === false));
    try {
      for (const file of inOrder) {
        const member = this.#proxySet.list().find(({ proxy }) => proxy.name === file.name);
        if (member === undefined) {
          const before = this.#proxySet.filed.get(file.name);
          // The API has deleted it: it stays so until the file says something else about it.
          // One whose name another had was never deleted.
          if (before !== undefined && sameSpec(before, file) && !this.#shadowed.has(file.name)) continue;
          waited = true;
          await this.#proxySet.add(file, "file").catch((error: unknown) => {
            throw namingProxy(file.name, error);
          });
          undo.push(() => {
            this.#proxySet.remove(file.name);
          });
          changed.push(`proxy ${file.name} added`);
        } else if (member.filed === null) {
          shadowed.push(file.name);
        } else if (!sameSpec(member.filed, file)) {
          waited = true;
          const back = await this.#proxySet.refile(file).catch((error: unknown) => {
            throw namingProxy(file.name, error);
          });
          undo.push(back);
          changed.push(`proxy ${file.name} changed`);
        }
      }
      adoptProfiles = tryProfiles(waited);
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
    for (const { proxy, owner } of this.#proxySet.list()) {
      if (owner !== "file" || wanted.has(proxy.name)) continue;
      this.#proxySet.remove(proxy.name);
      changed.push(`proxy ${proxy.name} removed`);
    }
    this.#proxySet.filed = wanted;
    this.#shadowed = new Set(shadowed);
    return { changed, shadowed, adoptProfiles };
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof SquallError && error.details !== undefined) return error.details;
  const message = error instanceof Error ? error.message : String(error);
  return [{ file: "", line: 0, column: 0, path: "", message }];
}
