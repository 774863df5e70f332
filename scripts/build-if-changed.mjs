/**
 * `npm run build`, unless `dist` is of what is there already: what it is made of has the same bytes as when this script built it, and
 * nobody has built anything else since. Before `npm test` and after `npm install`.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";

const ROOT = resolve(import.meta.dirname, "..");
const STAMP = join(ROOT, "dist/.built");
/** `tsc` writes it whenever it writes anything. */
const BUILD_INFO = join(ROOT, "dist/.tsbuildinfo");
const INPUTS = [
  "src",
  "scripts",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.build.json",
];
/** The last files of each step. */
const OUTPUTS = ["dist/main.js", "dist/ui/files.json", "dist/index.d.cts", "dist/LICENSES.txt"];

function filesOf(path) {
  if (!statSync(join(ROOT, path)).isDirectory()) return [path];
  return readdirSync(join(ROOT, path))
    .sort()
    .flatMap((name) => filesOf(`${path}/${name}`));
}

function inputs() {
  const hash = createHash("sha256");
  for (const file of INPUTS.flatMap(filesOf)) hash.update(`${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest("hex");
}

const stamp = (hash) => `${hash} ${statSync(BUILD_INFO).mtimeMs}\n`;

// Before it is built: what changes meanwhile is built the next time.
const hash = inputs();
const complete = [STAMP, BUILD_INFO, ...OUTPUTS.map((file) => join(ROOT, file))].every((file) =>
  existsSync(file),
);
if (!complete || readFileSync(STAMP, "utf8") !== stamp(hash)) {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], {
    cwd: ROOT,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status === 0) writeFileSync(STAMP, stamp(hash));
  process.exitCode = status ?? 1;
}
