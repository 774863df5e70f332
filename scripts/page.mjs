/**
 * Puts what the dashboard needs besides its own modules into `dist/ui`: the page, its styles and the two libraries, as files that a
 * browser loads without a bundler; and `files.json`, the list of all that the daemon may serve. After `tsc -p src/ui`, which writes
 * modules to `dist/ui/js` as they lie in `src`, so that those of other rooms are found by the same paths.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import ts from "typescript";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src/ui");
const TARGET = join(ROOT, "dist/ui");
const LIT = join(ROOT, "node_modules/lit-html");
const UPLOT = join(ROOT, "node_modules/uplot/dist");
const VENDOR = "js/ui/vendor";
const MAIN = "js/ui/main.js";

/** The parts of lit-html that are used; they find each other by the same relative paths. */
const LIT_FILES = [
  "lit-html.js",
  "directive.js",
  "directive-helpers.js",
  "directives/repeat.js",
  "directives/live.js",
];

function filesIn(folder, inside = "") {
  return readdirSync(join(folder, inside), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`;
      return entry.isDirectory() ? filesIn(folder, path) : [path];
    });
}

function write(name, text) {
  const path = join(TARGET, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function copy(from, name) {
  const path = join(TARGET, name);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(from, path);
}

for (const name of LIT_FILES) {
  const text = readFileSync(join(LIT, name), "utf8");
  write(`${VENDOR}/${name}`, text.replace(/\n?\/\/# sourceMappingURL=.*\s*$/u, "\n"));
}
// Its small build is a script that declares one name; only the large one is a module.
write(
  `${VENDOR}/uplot.js`,
  `${readFileSync(join(UPLOT, "uPlot.iife.min.js"), "utf8")}\nexport default uPlot;\n`,
);
copy(join(UPLOT, "uPlot.min.css"), "css/uplot.css");
const styles = filesIn(SOURCE).filter((name) => name.endsWith(".css"));
for (const name of styles) copy(join(SOURCE, name), `css/${name}`);
copy(join(SOURCE, "icon.svg"), "icon.svg");

/** All modules that the first one needs, itself among them. */
const modules = new Set();
function need(name) {
  if (modules.has(name)) return;
  modules.add(name);
  const text = readFileSync(join(TARGET, name), "utf8");
  const { importedFiles } = ts.preProcessFile(text);
  for (const { fileName } of importedFiles) need(posix.join(posix.dirname(name), fileName));
}
need(MAIN);

// A browser would learn of each module only from the one that imports it, step by step.
const sheets = [
  "css/uplot.css",
  "css/frame.css",
  ...styles.filter((name) => name !== "frame.css").map((name) => `css/${name}`),
];
const links = [
  ...sheets.map((name) => `<link rel="stylesheet" href="/ui/${name}" />`),
  ...[...modules].sort().map((name) => `<link rel="modulepreload" href="/ui/${name}" />`),
];
const page = readFileSync(join(SOURCE, "index.html"), "utf8");
if (!page.includes("<!-- files -->")) throw new Error("src/ui/index.html has no place for its files");
write("index.html", page.replace("<!-- files -->", links.join("\n    ")));

const files = ["index.html", "icon.svg", ...sheets, ...modules].sort();
write("files.json", `${JSON.stringify(files)}\n`);

// What an earlier build left is packed for nobody. What is compiled and not needed stays: the compiler would not write it again.
const kept = new Set([...files, "files.json", ".tsbuildinfo"]);
for (const name of filesIn(TARGET)) {
  const source = join(ROOT, "src", name.replace(/^js\//u, "").replace(/\.js$/u, ".ts"));
  if (!kept.has(name) && !(name.startsWith("js/") && existsSync(source))) rmSync(join(TARGET, name));
}
