/**
 * What a start loads, since that is what it takes its time for: files are counted and no clock is read. One more here and there is no
 * harm; a library that comes in by the way is.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Command } from "commander";
import { addCommands } from "../../src/cli/commands.js";
import type { Io } from "../../src/cli/io.js";
import { cacheOf, loadBundle } from "../../src/cli/bundle.js";
import { MAIN, ROOT, Workshop } from "../support/process.js";

/** Writes down each file that is imported or required, until a port is bound. */
const COUNTER = `
  const { appendFileSync } = require("node:fs");
  const Module = require("node:module");
  const { Server } = require("node:net");
  const book = process.env.COUNTER_BOOK;
  const hook = 'import { appendFileSync } from "node:fs";' +
    'export async function load(url, context, next) { appendFileSync(' + JSON.stringify(book) + ', url + "\\\\n"); return next(url, context); }';
  for (const kind of Object.keys(Module._extensions)) {
    const load = Module._extensions[kind];
    Module._extensions[kind] = (module, file) => { appendFileSync(book, file + "\\n"); return load(module, file); };
  }
  Module.register("data:text/javascript," + encodeURIComponent(hook));
  const { listen } = Server.prototype;
  Server.prototype.listen = function () { appendFileSync(book, "listening\\n"); process.kill(process.pid, "SIGKILL"); return listen.apply(this, arguments); };
`;

let shop: Workshop;

beforeEach(() => {
  shop = new Workshop();
});

afterEach(async () => {
  vi.useRealTimers();
  await shop.close();
});

/** The files that a command loads until it ends or binds a port. */
function loaded(...words: string[]): Promise<string[]> {
  return loadedBy(MAIN, ...words);
}

async function loadedBy(script: string, ...words: string[]): Promise<string[]> {
  const counter = shop.file("counter.cjs", COUNTER);
  const book = shop.file("book.txt", "");
  const child = spawn(process.execPath, ["--require", counter, script, ...words], {
    cwd: shop.folder,
    env: { PATH: process.env["PATH"] ?? "", COUNTER_BOOK: book },
    stdio: "ignore",
  });
  await new Promise((resolve) => child.once("close", resolve));
  // The hook and the thread that it runs in may both tell of a file.
  const lines = readFileSync(book, "utf8").split("\n");
  return [...new Set(lines.filter((line) => line !== "" && !line.startsWith("node:")))];
}

const packages = (files: readonly string[]): string[] => [
  ...new Set(files.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/u.exec(file)?.[1] ?? [])),
];

describe("what is loaded", () => {
  it("by --version is a handful of files, and no package but the one for colours", async () => {
    const files = await loaded("--version");
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThanOrEqual(20);
    expect(packages(files)).toEqual(["picocolors"]);
  });

  it("by serve, until it listens, is the bundle and a handful of files that find it", async () => {
    const files = await loaded("serve", "--admin", "127.0.0.1:0");
    expect(files.at(-1)).toBe("listening");
    expect(files.length).toBeLessThanOrEqual(12);
    expect(packages(files)).toEqual(["picocolors"]);
  });
});

describe("what a fleet needs", () => {
  const ofFleet = (files: readonly string[]): string[] =>
    files.filter((file) =>
      /dist\/fleet\/|daemon\/fleet\.js|@nats-io|@redis|node_modules\/httpxy/u.test(file),
    );
  const fleet = "{ name: demo, engine: 'nats://127.0.0.1:1' }";

  it("is loaded by a daemon that has one, and by no other: as the command", async () => {
    const without = await loaded("serve", "--admin", "127.0.0.1:0");
    expect(ofFleet(without)).toEqual([]);
    shop.file("squall.yaml", `fleet: ${fleet}\n`);
    const having = await loaded("serve", "--admin", "127.0.0.1:0");
    expect(having.at(-1)).toBe("listening");
    expect(packages(having)).toContain("@nats-io/transport-node");
    expect(packages(having)).not.toContain("@redis/client");
    expect(packages(having)).not.toContain("httpxy");
  });

  it("is loaded by a daemon that has one, and by no other: as the modules of the library", async () => {
    const script = (settings: string): string =>
      shop.file(
        "library.mjs",
        `import { startSquall } from ${JSON.stringify(join(ROOT, "dist/index.js"))}; await startSquall(${settings});`,
      );
    const without = await loadedBy(script("{}"));
    expect(without.at(-1)).toBe("listening");
    expect(ofFleet(without).filter((file) => !file.includes("/fleet/contract/"))).toEqual([]);
  });
});

describe("each command", () => {
  it("is found in its file, and by its name alone", async () => {
    const io = { out: () => undefined, err: () => undefined } as unknown as Io;
    const namesFor = async (...words: string[]): Promise<string[]> => {
      const program = new Command();
      await addCommands(program, words, io);
      return program.commands.map((command) => command.name());
    };
    const all = await namesFor("--help");
    expect(all).toContain("serve");
    for (const name of all) {
      const found = await namesFor(name);
      expect(found).toContain(name);
      expect(found.length).toBeLessThan(all.length);
    }
    await expect(namesFor("staus")).rejects.toMatchObject({
      exitCode: 2,
      message: 'there is no command "staus" (did you mean "status"?)',
    });
    await expect(namesFor("no-such-thing", "--json")).rejects.toMatchObject({
      exitCode: 2,
      message: 'there is no command "no-such-thing" (squall --help lists them)',
    });
    expect(await namesFor("help", "use")).toEqual(all);
    expect(await namesFor()).toEqual(all);
    expect(await namesFor("--config", "x")).toEqual(["serve"]);
  });
});

describe("the bundle", () => {
  const runtime = { version: process.version, arch: process.arch, pid: process.pid, execArgv: [], env: {} };
  const name = "command-0123456789abcdef.cjs";

  it("is there after a build, once, with its map and the licences of what is inside", () => {
    const files = readdirSync(join(ROOT, "dist")).filter((file) => /^command-.*\.cjs(?:\.map)?$/u.test(file));
    const [bundle = ""] = files;
    expect(files).toEqual([bundle, `${bundle}.map`]);
    const texts = readFileSync(join(ROOT, "dist/LICENSES.txt"), "utf8");
    for (const inside of ["express", "zod", "yaml", "winston", "prom-client", "commander"])
      expect(texts).toMatch(new RegExp(`^${inside} \\d+\\.\\S+ \\(`, "mu"));
    // Read as one byte for each character.
    expect(/[^\u0000-\u007f]/u.exec(readFileSync(join(ROOT, "dist", bundle), "utf8"))).toBeNull();
  });

  it("is none where none was made", () => {
    expect(loadBundle(shop.folder, runtime)).toBeNull();
  });

  it("keeps what V8 made of it, and takes it the next time", () => {
    vi.useFakeTimers();
    const file = shop.file(name, 'exports.where = __filename; exports.sum = require("node:path").sep;');
    const cache = cacheOf(file, runtime);
    const caches = (): string[] => readdirSync(shop.folder).filter((one) => one.includes(".cache"));
    const load = (): unknown => loadBundle(shop.folder, runtime);
    expect(load()).toEqual({ where: file, sum: "/" });
    expect(caches()).toEqual([]);
    vi.runAllTimers();
    expect(caches()).toHaveLength(1);
    const kept = readFileSync(cache);
    expect(load()).toEqual({ where: file, sum: "/" });
    vi.runAllTimers();
    expect(readFileSync(cache).equals(kept)).toBe(true);
  });

  it("keeps what V8 made of it with options of Node apart, of one set of them at a time: others would not take it", () => {
    vi.useFakeTimers();
    const caches = (): string[] => readdirSync(shop.folder).filter((one) => one.includes(".cache"));
    let texts = 0;
    const load = (...execArgv: string[]): string => {
      // A text of another length each time: V8 refuses the cache of another one, as it does that of other options.
      const text = "text".repeat(++texts);
      const file = shop.file(name, `exports.text = "${text}";`);
      const own = { ...runtime, execArgv };
      expect(loadBundle(shop.folder, own)).toEqual({ text });
      vi.runAllTimers();
      return basename(cacheOf(file, own));
    };
    const plain = load();
    expect(caches()).toEqual([plain]);
    const first = load("--max-old-space-size=256");
    expect(caches().sort()).toEqual([first, plain].sort());
    const second = load("--max-old-space-size=512");
    expect(caches().sort()).toEqual([plain, second].sort());
    // What the call says, or the environment.
    const env = { NODE_OPTIONS: "--max-old-space-size=512" };
    expect(basename(cacheOf(join(shop.folder, name), { ...runtime, env }))).toBe(second);
  });

  it("is none the worse for a cache that is damaged, which is made anew", () => {
    vi.useFakeTimers();
    // V8 remembers what it compiled before, whatever a cache says: so it is given a text that it has not seen.
    const cache = cacheOf(shop.file(name, 'exports.not = "seen before";'), runtime);
    writeFileSync(cache, "no cache at all");
    expect(loadBundle(shop.folder, runtime)).toEqual({ not: "seen before" });
    vi.runAllTimers();
    expect(readFileSync(cache).length).toBeGreaterThan(100);
  });
});
