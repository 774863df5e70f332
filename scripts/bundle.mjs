/**
 * Puts the `squall` command into one file, `dist/command-HASH.cjs` (see src/cli/bundle.ts), with its source map and with the licences
 * of the packages inside; then runs it once, so that what V8 makes of it is there at the first start. After `tsc`.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { rolldown } from "rolldown";

const ROOT = resolve(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
/**
 * Only the mock job server needs the first, and it has parts for each machine. The others are for daemons of a fleet alone, which load the
 * one that they need; whoever has no fleet may leave them out of the installation.
 */
const EXTERNAL = ["lmdb", /^@nats-io\//u, /^@redis\//u];
const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)/iu;
const WARM_MAX_MS = 30_000;

// For `npm link` and for links to it by hand; npm itself does it when it installs. Windows has no such bit and ignores it.
chmodSync(join(DIST, "main.js"), 0o755);

const bundle = await rolldown({
  input: join(DIST, "cli/program.js"),
  platform: "node",
  external: EXTERNAL,
  logLevel: "silent",
});
const { output } = await bundle.generate({ format: "cjs", sourcemap: true, codeSplitting: false });
const [chunk, ...others] = output.filter(({ type }) => type === "chunk");
if (chunk === undefined || others.length > 0) throw new Error("expected one bundle");

// One byte for each character is read four times as fast: what has more is escaped, as strings and patterns may have it.
const code = chunk.code
  .replace(/\n?\/\/# sourceMappingURL=.*\s*$/u, "\n")
  // By code units, as two of these together are what one character beyond them is.
  .replaceAll(/[^\u0000-\u007f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
const hash = createHash("sha256").update(code).digest("hex").slice(0, 16);
const name = `command-${hash}.cjs`;
const isNew = !existsSync(join(DIST, name));
for (const file of readdirSync(DIST)) {
  const own = file.startsWith(`command-${hash}`);
  if (/^command-[\da-f]{16}\./u.test(file) && !own) rmSync(join(DIST, file));
}
writeFileSync(join(DIST, `${name}.map`), chunk.map.toString());
// The library of the dashboard is in dist/ui (scripts/page.mjs).
const inside = [...chunk.moduleIds, join(ROOT, "node_modules/lit-html/package.json")];
writeFileSync(join(DIST, "LICENSES.txt"), licences(inside));
if (isNew) {
  writeFileSync(join(DIST, name), `${code}//# sourceMappingURL=${name}.map\n`);
  await warm();
}

/** The text of each package that is inside: whoever passes the bundle on passes them on too. */
function licences(files) {
  const folders = new Set(
    files.map((file) => packageOf(file.replaceAll("\\", "/"))).filter((folder) => folder !== null),
  );
  return [...folders]
    .sort()
    .map((folder) => {
      const {
        name: title,
        version,
        license,
      } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const texts = readdirSync(folder)
        .filter((file) => LICENCE_FILE.test(file))
        .map((file) => readFileSync(join(folder, file), "utf8").trim());
      return `${title} ${version} (${license})\n\n${texts.join("\n\n")}\n`;
    })
    .join(`\n${"-".repeat(100)}\n\n`);
}

function packageOf(file) {
  if (!file.includes("/node_modules/")) return null;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const description = join(folder, "package.json");
    if (existsSync(description) && "version" in JSON.parse(readFileSync(description, "utf8"))) return folder;
  }
  return null;
}

/** Starts a daemon that nobody knows of, waits until it has kept what V8 made, and ends it. Without it the first start does that. */
async function warm() {
  // There is no squall.yaml in dist.
  const args = [join(DIST, "main.js"), "serve", "--admin", "127.0.0.1:0", "--log-level", "error"];
  // As most start it: whoever builds with options of their own keeps none for others.
  const env = { ...process.env, NODE_OPTIONS: "" };
  const daemon = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"], cwd: DIST, env });
  let said = "";
  daemon.stderr.on("data", (chunk) => (said += chunk));
  const over = new Promise((done) => daemon.once("exit", done).once("error", done));
  const kept = () =>
    readdirSync(DIST).some((file) => file === `command-${hash}.${process.version}-${process.arch}.cache`);
  const late = performance.now() + WARM_MAX_MS;
  let running = true;
  void over.then(() => (running = false));
  while (running && !kept() && performance.now() < late) await new Promise((done) => setTimeout(done, 50));
  const made = kept();
  daemon.kill();
  await over;
  // No reason to fail, but to be told: where nobody may write to the folder, as in an image, each start is the slower for it.
  if (!made)
    process.stderr.write(`no code cache was made, as the daemon did not start or was slow. ${said.trim()}\n`);
}
