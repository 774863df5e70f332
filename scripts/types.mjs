/**
 * The published types in one file that needs no other: `dist/index.d.ts`, with what its exports are made of and nothing else of the house.
 * So they hold without `@types/node`, and serve `require("squall")` as well, as `dist/index.d.cts`: under `module: node16` TypeScript takes no
 * types of an ES module there, though Node 20.19 and later give the module itself to `require`. After `tsc`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import ts from "typescript";

const DIST = join(resolve(import.meta.dirname, ".."), "dist");
/** As `tsc` made it; it writes that only when the source has changed. */
const MADE = join(DIST, "index.d.ts");
const KEPT = join(DIST, "index.types.d.ts");
const HEAD = "// Made by scripts/types.mjs of src/index.ts and what it exports.\n";

const made = readFileSync(MADE, "utf8");
if (!made.startsWith(HEAD)) writeFileSync(KEPT, made);

const program = ts.createProgram([KEPT], {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ["node"],
});
const checker = program.getTypeChecker();
const root = program.getSourceFile(KEPT);
const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(root));

/** Top-level statements, each once, in the order in which they were met. */
const statements = new Map();
const names = new Map();
const queue = exported.map((symbol) => settle(symbol, symbol.name));
for (let symbol = queue.shift(); symbol !== undefined; symbol = queue.shift()) {
  for (const declaration of symbol.declarations ?? []) take(declaration);
}

const text = `${HEAD}${[...statements.values()].join("\n")}\nexport {};\n`;
writeFileSync(MADE, text);
writeFileSync(join(DIST, "index.d.cts"), text);

/** The symbol itself behind imports; what it is called where it is used must be its name, as it keeps that. */
function settle(symbol, usedAs) {
  const settled = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  if (settled.name !== usedAs) throw new Error(`${usedAs} is called ${settled.name} where it is declared`);
  const other = names.get(usedAs);
  if (other !== undefined && other !== settled) throw new Error(`two things are called ${usedAs}`);
  names.set(usedAs, settled);
  return settled;
}

function take(declaration) {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  if (statements.has(statement)) return;
  const isPublic = exported.some(({ name }) => name === declaration.name?.text);
  const bare = statement.getText().replace(/^(?:export )?(?:declare )?/u, "");
  const comment = statement.getFullText().slice(0, -statement.getText().length).trimStart();
  const head = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) ? "" : "declare ";
  statements.set(statement, `${comment}${isPublic ? "export " : ""}${head}${bare}`);
  visit(declaration);
}

function visit(node) {
  if (ts.isImportTypeNode(node)) throw new Error(`a public type is written as ${node.getText()}`);
  if (ts.isIdentifier(node)) follow(node);
  ts.forEachChild(node, visit);
}

function follow(identifier) {
  const found = checker.getSymbolAtLocation(identifier);
  if (found === undefined) return;
  const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
  const [declaration] = symbol.declarations ?? [];
  if (declaration === undefined) return;
  const file = declaration.getSourceFile();
  if (program.isSourceFileDefaultLibrary(file)) return;
  const name = identifier.text;
  if (!file.fileName.replaceAll("/", sep).startsWith(DIST + sep))
    throw new Error(`the public types need ${name} of ${file.fileName}`);
  const top = ts.isVariableDeclaration(declaration) ? declaration.parent.parent.parent : declaration.parent;
  // Members and parameters come with what they are of.
  if (top === file) queue.push(settle(symbol, name));
}
