/**
 * Makes the dashboard of src/ui, in `dist/ui`: its modules as one script and its styles as one sheet, with what nobody uses left out;
 * the page; the two libraries as they are; and `files.json`, the list of all that the daemon may serve. `tsc -p src/ui` has checked
 * the types before. Why there is one script: docs/decisions/0017-dashboard-script.md.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { rolldown } from "rolldown";

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

rmSync(TARGET, { recursive: true, force: true });
const files = [];
function write(name, text) {
  const path = join(TARGET, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  files.push(name);
}
const read = (folder, name) => readFileSync(join(folder, name), "utf8");

write("app.js", await script());
write("app.css", sheet());
for (const name of LIT_FILES)
  write(`vendor/${name}`, read(LIT, name).replace(/\n?\/\/# sourceMappingURL=.*\s*$/u, "\n"));
// Its small build is a script that declares one name; only the large one is a module.
write("vendor/uplot.js", `${read(UPLOT, "uPlot.iife.min.js")}\nexport default uPlot;\n`);
write("index.html", page());
copyFileSync(join(SOURCE, "icon.svg"), join(TARGET, "icon.svg"));
files.push("icon.svg");
writeFileSync(join(TARGET, "files.json"), `${JSON.stringify(files.sort())}\n`);

async function script() {
  const bundle = await rolldown({
    input: join(SOURCE, "main.ts"),
    platform: "browser",
    logLevel: "silent",
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    plugins: [
      {
        name: "libraries beside it",
        resolveId: (id) => {
          const [, path] = /\/(vendor\/.*)$/u.exec(id) ?? [];
          return path === undefined ? null : { id: `./${path}`, external: true };
        },
      },
    ],
  });
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false });
  const [chunk, ...others] = output;
  if (chunk.type !== "chunk" || others.length > 0) throw new Error("expected one script");
  const strange = chunk.imports.filter((id) => !files.includes(id) && !/^\.\/vendor\//u.test(id));
  if (strange.length > 0) throw new Error(`no browser finds ${strange.join(", ")}`);
  // Templates are indented for those who read the source.
  return `${chunk.code.replaceAll(/\n\s+/gu, "\n").trimEnd()}\n`;
}

/** uPlot's own first, so that ours count over it; those of views after the frame's. */
function sheet() {
  const own = readdirSync(SOURCE, { recursive: true })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".css"))
    .sort((a, b) => Number(a.includes("/")) - Number(b.includes("/")) || (a < b ? -1 : 1));
  const text = [read(UPLOT, "uPlot.min.css"), ...own.map((name) => read(SOURCE, name))].join("\n");
  return `${text
    .replaceAll(/\/\*[^]*?\*\//gu, "")
    .replaceAll(/\s+/gu, " ")
    .replaceAll(/ ?([{};,]) ?/gu, "$1")
    .trim()}\n`;
}

/** A browser would learn of each library only from what imports it, step by step. */
function page() {
  const text = read(SOURCE, "index.html");
  if (!text.includes("<!-- files -->")) throw new Error("src/ui/index.html has no place for its files");
  const links = [...LIT_FILES, "uplot.js"].map(
    (name) => `<link rel="modulepreload" href="/ui/vendor/${name}" />`,
  );
  return text.replace("<!-- files -->", links.join("\n    "));
}
