/**
 * Puts what the dashboard needs besides its own modules into `dist/ui`: the page, its styles and the two libraries, as files that a
 * browser loads without a bundler; and `files.json`, the list of all that the daemon may serve. After `tsc -p src/ui`.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src/ui");
const TARGET = join(ROOT, "dist/ui");
const LIT = join(ROOT, "node_modules/lit-html");
const UPLOT = join(ROOT, "node_modules/uplot/dist");

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

const unmapped = (text) => text.replace(/\n?\/\/# sourceMappingURL=.*\s*$/u, "\n");

const source = filesIn(SOURCE);
const modules = source
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
  .map((name) => name.replace(/\.ts$/u, ".js"));
const styles = source.filter((name) => name.endsWith(".css"));
const vendor = [...LIT_FILES, "uplot.js"].map((name) => `vendor/${name}`);

for (const name of LIT_FILES) write(`vendor/${name}`, unmapped(readFileSync(join(LIT, name), "utf8")));
// Its small build is a script that declares one name; only the large one is a module.
write(
  "vendor/uplot.js",
  `${readFileSync(join(UPLOT, "uPlot.iife.min.js"), "utf8")}\nexport default uPlot;\n`,
);
write("vendor/uplot.css", readFileSync(join(UPLOT, "uPlot.min.css"), "utf8"));
for (const name of [...styles, "icon.svg"]) copyFileSync(join(SOURCE, name), ensured(join(TARGET, name)));

function ensured(path) {
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

// A browser would learn of each module only from the one that imports it, step by step.
const links = [
  ...["vendor/uplot.css", ...styles].map((name) => `<link rel="stylesheet" href="/ui/${name}" />`),
  ...[...vendor, ...modules].map((name) => `<link rel="modulepreload" href="/ui/${name}" />`),
];
const page = readFileSync(join(SOURCE, "index.html"), "utf8");
if (!page.includes("<!-- files -->")) throw new Error("src/ui/index.html has no place for its files");
write("index.html", page.replace("<!-- files -->", links.join("\n    ")));

const files = ["index.html", "icon.svg", "vendor/uplot.css", ...styles, ...vendor, ...modules].sort();
// What an earlier build left is served to nobody, and packed for nobody.
for (const name of filesIn(TARGET))
  if (!files.includes(name) && name !== ".tsbuildinfo") rmSync(join(TARGET, name));
write("files.json", `${JSON.stringify(files)}\n`);
