/**
 * The command out of one file, with what V8 made of it the last time. Hundreds of modules take longer to find, read and compile
 * than to run; a bundle is one of them, and the code cache leaves only the running. The library is not bundled.
 *
 * `scripts/bundle.mjs` makes the bundle; without it the modules themselves are loaded, which is slower and no different.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
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
  /** Options of Node, of the call and of `NODE_OPTIONS`: V8 takes no cache of a process with other ones of its own. */
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the bundle in this folder exports; null if there is none. */
export function loadBundle<Exports>(folder: string, runtime: Runtime): Exports | null {
  const name = bundleIn(folder);
  if (name === null) return null;
  const filename = join(folder, name);
  const cache = cacheOf(filename, runtime);
  // Most options are none of V8's: what is there of a process without any does as well.
  const cachedData = contentOf(cache) ?? contentOf(plainCacheOf(filename, runtime));
  // It has no others than ASCII characters, for which V8 needs one byte each.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, "latin1")}\n})`;
  const script = new Script(source, { filename, ...(cachedData === null ? {} : { cachedData }) });
  if (cachedData === null || script.cachedDataRejected === true) keepLater(script, filename, runtime);
  const module = { exports: {} };
  const run = script.runInThisContext() as (...scope: unknown[]) => void;
  run(module.exports, createRequire(filename), module, filename, folder);
  return module.exports as Exports;
}

function bundleIn(folder: string): string | null {
  return readdirSync(folder).find((name) => BUNDLE.test(name)) ?? null;
}

/**
 * Where what V8 made of this bundle is kept: beside it, where whoever can write could change the program itself. Processes with options
 * have one of their own, as they would spoil that of all others.
 */
export function cacheOf(bundle: string, runtime: Runtime): string {
  const plain = plainCacheOf(bundle, runtime);
  const options = [...runtime.execArgv, runtime.env["NODE_OPTIONS"] ?? ""].join(" ").trim();
  if (options === "") return plain;
  const hash = createHash("sha256").update(options).digest("hex").slice(0, 8);
  return plain.replace(/\.cache$/u, `-${hash}.cache`);
}

function plainCacheOf(bundle: string, { version, arch }: Runtime): string {
  return `${bundle.replace(/\.cjs$/u, "")}.${version}-${arch}.cache`;
}

/** Of all that have options one may keep its own: they would be as many as there are options. */
function makeRoom(cache: string, plain: string): void {
  if (cache === plain) return;
  const own = basename(cache);
  const others = `${basename(plain).replace(/\.cache$/u, "")}-`;
  const folder = dirname(cache);
  for (const name of readdirSync(folder))
    if (name.startsWith(others) && name.endsWith(".cache") && name !== own)
      rmSync(join(folder, name), { force: true });
}

function contentOf(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

/** Whole or not at all: another process may read it. A folder that cannot be written makes each start slower, and nothing else. */
function keepLater(script: Script, bundle: string, runtime: Runtime): void {
  const timer = setTimeout(() => {
    try {
      const cache = cacheOf(bundle, runtime);
      const own = `${cache}.${runtime.pid}`;
      writeFileSync(own, script.createCachedData());
      renameSync(own, cache);
      makeRoom(cache, plainCacheOf(bundle, runtime));
    } catch {
      // As it was, then.
    }
  }, CACHE_AFTER_MS);
  timer.unref();
}
