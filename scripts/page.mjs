/**
 * Makes the dashboard of src/ui, in `dist/ui`: its modules and its library as one script, and its styles as one sheet, with what
 * nobody uses left out; the page; and `files.json`, the list of all that the daemon may serve. `tsc -p src/ui` has checked the types
 * before. Why there is one script: docs/decisions/0017-dashboard-script.md.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src/ui");
const TARGET = join(ROOT, "dist/ui");
const LIT = join(ROOT, "node_modules/lit-html");

rmSync(TARGET, { recursive: true, force: true });
mkdirSync(TARGET);
const files = [];
function write(name, text) {
  writeFileSync(join(TARGET, name), text);
  files.push(name);
}
const read = (folder, name) => readFileSync(join(folder, name), "utf8");

write("app.js", await script());
write("app.css", sheet());
write("index.html", read(SOURCE, "index.html"));
copyFileSync(join(SOURCE, "icon.svg"), join(TARGET, "icon.svg"));
files.push("icon.svg");
writeFileSync(join(TARGET, "files.json"), `${JSON.stringify(files.sort())}\n`);

async function script() {
  const bundle = await rolldown({
    input: join(SOURCE, "main.ts"),
    platform: "browser",
    logLevel: "silent",
    // No module of ours, and no library here, does anything by being read.
    treeshake: { moduleSideEffects: false, propertyReadSideEffects: false, unknownGlobalSideEffects: false },
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    plugins: [
      {
        name: "libraries",
        resolveId: (id) => {
          const [, path] = /\/vendor\/(.*)$/u.exec(id) ?? [];
          return path === undefined ? null : join(LIT, path);
        },
      },
    ],
  });
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false });
  const [chunk, ...others] = output;
  if (chunk.type !== "chunk" || others.length > 0) throw new Error("expected one script");
  if (chunk.imports.length > 0) throw new Error(`no browser finds ${chunk.imports.join(", ")}`);
  // Templates are indented for those who read the source.
  return `${chunk.code.replaceAll(/\n\s+/gu, "\n").trimEnd()}\n`;
}

/** Those of views after the frame's. */
function sheet() {
  const own = readdirSync(SOURCE, { recursive: true })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".css"))
    .sort((a, b) => Number(a.includes("/")) - Number(b.includes("/")) || (a < b ? -1 : 1));
  const text = own.map((name) => read(SOURCE, name)).join("\n");
  return `${text
    .replaceAll(/\/\*[^]*?\*\//gu, "")
    .replaceAll(/\s+/gu, " ")
    .replaceAll(/ ?([{};,]) ?/gu, "$1")
    .replaceAll(";}", "}")
    .replaceAll(/(?<=[\s:,(-])0(?=\.\d)/gu, "")
    .replaceAll(/([\w-]): (?=[^{}]*[;}])/gu, "$1:")
    .trim()}\n`;
}
