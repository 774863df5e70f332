/**
 * The command out of one file, with what V8 made of it the last time. Hundreds of modules take longer to find, read and compile
 * than to run; a bundle is one of them, and the code cache leaves only the running. The library is not bundled.
 *
 * `scripts/bundle.mjs` makes the bundle; without it the modules themselves are loaded, which is slower and no different.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";

/** Its name has the hash of what is in it, so that no cache is ever taken for that of another one. */
const BUNDLE = /^command-[\da-f]{16}\.cjs$/u;
/** By then a daemon has run what it runs at its start, which is what the cache is to have compiled. */
const CACHE_AFTER_MS = 2_000;

export interface Runtime {
  /** Of Node, such as v20.20.2: V8 takes no cache of another one. */
  readonly version: string;
  readonly arch: string;
  readonly pid: number;
}

/** What the bundle in this folder exports; null if there is none. */
export function loadBundle<Exports>(folder: string, runtime: Runtime): Exports | null {
  const name = bundleIn(folder);
  if (name === null) return null;
  const filename = join(folder, name);
  const cache = cacheOf(filename, runtime);
  const cachedData = contentOf(cache);
  // It has no others than ASCII characters, for which V8 needs one byte each.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, "latin1")}\n})`;
  const script = new Script(source, { filename, ...(cachedData === null ? {} : { cachedData }) });
  if (cachedData === null || script.cachedDataRejected === true) keepLater(script, cache, runtime);
  const module = { exports: {} };
  const run = script.runInThisContext() as (...scope: unknown[]) => void;
  run(module.exports, createRequire(filename), module, filename, folder);
  return module.exports as Exports;
}

function bundleIn(folder: string): string | null {
  return readdirSync(folder).find((name) => BUNDLE.test(name)) ?? null;
}

/** Where what V8 made of this bundle is kept: beside it, where whoever can write could change the program itself. */
export function cacheOf(bundle: string, { version, arch }: Runtime): string {
  return `${bundle.replace(/\.cjs$/u, "")}.${version}-${arch}.cache`;
}

function contentOf(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

/** Whole or not at all: another process may read it. A folder that cannot be written makes each start slower, and nothing else. */
function keepLater(script: Script, cache: string, { pid }: Runtime): void {
  const timer = setTimeout(() => {
    try {
      const own = `${cache}.${pid}`;
      writeFileSync(own, script.createCachedData());
      renameSync(own, cache);
    } catch {
      // As it was, then.
    }
  }, CACHE_AFTER_MS);
  timer.unref();
}
