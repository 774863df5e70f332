/**
 * `npm run licences`: writes docs/licences.md from package-lock.json, and refuses a package whose licence nobody has looked at.
 * `--check` writes nothing and fails if the page is not what it would write. `--lock FILE` and `--page FILE` are for tests.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";

const ROOT = resolve(import.meta.dirname, "..");

/** Licences that ask for no more than to be named, so that Squall may be passed on with the package inside. */
const PERMISSIVE = new Set([
  "MIT",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "Python-2.0",
  // Given to the public domain: it asks for nothing. The signatures of the NATS client (tweetnacl) have it.
  "Unlicense",
]);
/** What else tools may have that stay behind when Squall is built, and why it does no harm there. */
const TOOLS_ONLY = new Map([
  ["MPL-2.0", "asks for the source of changes to its own files, and nothing is changed"],
  ["CC-BY-4.0", "data with its author named, read by a tool"],
]);
/** Packages whose lock entry says nothing or too little: what their own files say. */
const READ_IN_PACKAGE = new Map([
  ["exit@0.1.2", { license: "MIT", where: "its package.json, in a list called `licenses`" }],
]);

/** Whether one of a choice is allowed, or all of those that hold at once. SPDX expressions of one level. */
function allowed(expression, isAllowed) {
  const words = expression.replace(/^\((.*)\)$/u, "$1");
  if (words.includes(" OR ")) return words.split(" OR ").some(isAllowed);
  return words.split(" AND ").every(isAllowed);
}

function packagesOf(lock) {
  const found = new Map();
  for (const [path, { version, license, dev = false }] of Object.entries(lock.packages)) {
    if (path === "") continue;
    const name = path.replace(/^.*node_modules\//u, "");
    const id = `${name}@${version}`;
    const tool = dev && found.get(id)?.tool !== false;
    found.set(id, { id, name, version, tool, license: READ_IN_PACKAGE.get(id)?.license ?? license ?? "" });
  }
  return [...found.values()].sort((a, b) => compare(a.name, b.name) || compare(a.version, b.version));
}

/** By code unit, as no locale has a say in a file that is compared. */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refusedOf(packages) {
  return packages.filter(
    ({ license, tool }) => !allowed(license, (one) => PERMISSIVE.has(one) || (tool && TOOLS_ONLY.has(one))),
  );
}

function pageOf(packages) {
  const used = packages.filter(({ tool }) => !tool);
  const tools = new Map();
  for (const one of packages.filter(({ tool }) => tool))
    tools.set(one.license, [...(tools.get(one.license) ?? []), one]);
  const lines = [
    "# Licences",
    "",
    "Written by `npm run licences` from package-lock.json; a test keeps it so, and refuses a licence that is not among those below.",
    "",
    `Allowed are ${[...PERMISSIVE].join(", ")}.`,
    "",
    "Tools, which no user is handed, may besides have:",
    "",
    ...[...TOOLS_ONLY].map(([license, why]) => `- ${license}: ${why}.`),
    "",
    "## What Squall runs with",
    "",
    `${used.length} packages, those for other platforms than yours among them.`,
    "",
    "| package | version | licence |",
    "|---|---|---|",
    ...used.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`),
    "",
    "## Tools to build and test it",
    "",
    `${packages.length - used.length} packages, by licence.`,
    "",
    ...[...tools]
      .sort(([a], [b]) => compare(a, b))
      .flatMap(([license, those]) => [
        wrapped(`**${license}**: ${those.map(({ id }) => id).join(", ")}.`),
        "",
      ]),
    ...[...READ_IN_PACKAGE]
      .filter(([id]) => packages.some((one) => one.id === id))
      .map(([id, { license, where }]) => `${id} is ${license} by ${where}; the lock file does not say it.`),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

/** On lines of 120 characters, at spaces. */
function wrapped(text) {
  return text.replace(/(?=.{121})(.{1,120}) /gu, "$1\n");
}

function option(name, otherwise) {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : resolve(process.argv[at + 1] ?? otherwise);
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

const packages = packagesOf(
  JSON.parse(readFileSync(option("--lock", join(ROOT, "package-lock.json")), "utf8")),
);
const refused = refusedOf(packages);
if (refused.length > 0) {
  const rows = refused.map(
    ({ id, license, tool }) => `  ${id}: ${license || "none stated"}${tool ? " (a tool)" : ""}`,
  );
  fail(`licences that are not allowed; see the lists in scripts/licences.mjs:\n${rows.join("\n")}`);
}
const file = option("--page", join(ROOT, "docs/licences.md"));
const page = pageOf(packages);
if (!process.argv.includes("--check")) writeFileSync(file, page);
else if (!existsSync(file) || readFileSync(file, "utf8") !== page)
  fail("docs/licences.md is not what package-lock.json says: npm run licences");
