/**
 * `npm run --silent sbom`: what Squall runs with, as a CycloneDX bill of materials on standard output. It is npm's own, from the lock
 * file alone, without what differs from run to run and from folder to folder, so that two of one commit are the same to the byte.
 * Tools are left out here: `npm sbom --omit dev` would leave out whatever a tool needs as well, and with it a third of what runs.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";

const ROOT = resolve(import.meta.dirname, "..");
const ARGUMENTS = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];

/** npm as it was called; by name where this was started without it. */
function npm(words) {
  const cli = process.env.npm_execpath;
  const [command, before] = cli === undefined ? ["npm", []] : [process.execPath, [cli]];
  return execFileSync(command, [...before, ...words], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, npm_config_loglevel: "error" },
  });
}

const { name, version, packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
const shipped = new Set(
  Object.entries(packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .map(([path, one]) => `${path.replace(/^.*node_modules\//u, "")}@${one.version}`),
);
const root = `${name}@${version}`;
const bill = JSON.parse(npm(ARGUMENTS));
bill.components = bill.components.filter((one) => shipped.has(one["bom-ref"]));
bill.dependencies = bill.dependencies
  .filter(({ ref }) => ref === root || shipped.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => shipped.has(one)).sort() }));
// npm calls the root by its folder, and tells when and by which npm it was asked.
delete bill.metadata.timestamp;
delete bill.metadata.tools;
Object.assign(bill.metadata.component, { type: "application", name });
delete bill.serialNumber;
bill.components.sort((a, b) => (a["bom-ref"] < b["bom-ref"] ? -1 : 1));
bill.dependencies.sort((a, b) => (a.ref < b.ref ? -1 : 1));
const hash = createHash("sha256").update(JSON.stringify(bill)).digest("hex");
// A name-like UUID (version 8, RFC 9562) of what is in it.
const uuid = hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/u, "$1-$2-8$3-a$4-$5");
const { $schema, bomFormat, specVersion, ...rest } = bill;
process.stdout.write(
  `${JSON.stringify({ $schema, bomFormat, specVersion, serialNumber: `urn:uuid:${uuid}`, ...rest }, null, 2)}\n`,
);
