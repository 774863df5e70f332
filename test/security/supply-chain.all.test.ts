/** What Squall is made of: licences that somebody has looked at, and a bill of materials that names everything. */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT } from "../support/process.js";
import { sample } from "../support/scope.js";

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  /** Needed by a tool, and by users if it can be had. */
  readonly devOptional?: boolean;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}
interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
}

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const lock = JSON.parse(read("package-lock.json")) as Lock;
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");
const nameOf = (path: string): string => path.replace(/^.*node_modules\//u, "");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-supply-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("licences", () => {
  const licences = (...words: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, [join(ROOT, "scripts/licences.mjs"), ...words], { encoding: "utf8" });

  /** The lock file with one package more. */
  const lockWith = (path: string, entry: Partial<Locked>): string => {
    const file = join(folder, "package-lock.json");
    const packages = { ...lock.packages, [path]: { version: "1.0.0", ...entry } };
    writeFileSync(file, JSON.stringify({ ...lock, packages }));
    return file;
  };

  it("are all among those that were looked at, and docs/licences.md says which is whose", () => {
    const { status, stderr } = licences("--check");
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  const refused: readonly (readonly [string, Partial<Locked>])[] = [
    ["one that asks for more", { license: "GPL-3.0-only" }],
    ["none", {}],
    ["one for tools, of what users get", { license: "MPL-2.0" }],
    ["one of two that hold at once", { license: "MIT AND AGPL-3.0-only" }],
    ["one for tools, of what may be installed for users", { license: "MPL-2.0", devOptional: true }],
    ["one of a tool that not even a tool may have", { license: "SSPL-1.0", dev: true }],
  ];
  it.each(sample(refused, 2))("are refused: %s", (_what, entry) => {
    const { status, stderr } = licences("--check", "--lock", lockWith("node_modules/odd", entry));
    expect(stderr).toContain("odd@1.0.0");
    expect(status).toBe(1);
  });

  it("of a choice need only one that is allowed, and of tools more are", () => {
    const page = join(folder, "licences.md");
    const choice = lockWith("node_modules/odd", { license: "(GPL-2.0-only OR MIT)" });
    expect(licences("--lock", choice, "--page", page)).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(page, "utf8")).toContain("| odd | 1.0.0 | (GPL-2.0-only OR MIT) |");
    const tool = lockWith("node_modules/odd", { license: "MPL-2.0", dev: true });
    expect(licences("--lock", tool, "--page", page).status).toBe(0);
  });

  it("of a package that is a tool and is needed by users too count as theirs", () => {
    const packages = {
      ...lock.packages,
      "node_modules/odd": { version: "1.0.0", license: "MPL-2.0", dev: true },
      "node_modules/other/node_modules/odd": { version: "1.0.0", license: "MPL-2.0" },
    };
    const file = join(folder, "package-lock.json");
    writeFileSync(file, JSON.stringify({ ...lock, packages }));
    expect(licences("--check", "--lock", file).stderr).toContain("odd@1.0.0");
  });

  it("are told to be written again when a package has come", () => {
    const file = lockWith("node_modules/new-one", { license: "MIT" });
    const { status, stderr } = licences("--check", "--lock", file);
    expect(stderr).toContain("npm run licences");
    expect(status).toBe(1);
  });
});

describe("the lock file", () => {
  it("has a hash of every package, so that what was looked at is what is installed", () => {
    const without = locked.filter(([, { integrity = "" }]) => !/^sha512-/u.test(integrity));
    expect(without.map(([path]) => path)).toEqual([]);
  });

  it("lets no package that users get run a program when it is installed, but those that are known", () => {
    const running = locked.filter(([, one]) => one.dev !== true && one.hasInstallScript === true);
    // Both look for a binary that came with them, and would else compile one.
    expect(running.map(([path]) => nameOf(path)).sort()).toEqual(["lmdb", "msgpackr-extract"]);
  });
});

interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly version: number;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}
interface Component {
  readonly "bom-ref": string;
  readonly "type": string;
  readonly "name": string;
  readonly "version": string;
  readonly "purl": string;
  readonly "hashes"?: readonly { readonly alg: string; readonly content: string }[];
  readonly "licenses"?: readonly unknown[];
}

describe("the bill of materials", () => {
  const write = (root = ROOT): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "scripts/sbom.mjs")], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    return stdout;
  };
  const bill = (): Bill => JSON.parse(write()) as Bill;

  it("is what CycloneDX 1.5 asks for", () => {
    const { bomFormat, specVersion, serialNumber, version, metadata, components, dependencies } = bill();
    expect({ bomFormat, specVersion, version }).toEqual({
      bomFormat: "CycloneDX",
      specVersion: "1.5",
      version: 1,
    });
    // The schema's own pattern.
    expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u);
    expect(metadata.component).toMatchObject({
      type: "application",
      name: "squall",
      purl: "pkg:npm/squall@0.1.0",
    });
    const refs = [metadata.component, ...components].map((one) => one["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    for (const { type, name, version: of, purl } of components) {
      expect(type).toBe("library");
      expect(purl).toBe(`pkg:npm/${name.replace("@", "%40")}@${of}`);
    }
    const told = dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    expect(told.filter((ref) => !refs.includes(ref))).toEqual([]);
  });

  it("names every package that users get with its hash and licence, and no tool", () => {
    const named = bill().components.map(({ name, version, hashes = [], licenses = [] }) => ({
      id: `${name}@${version}`,
      sha512: hashes.find(({ alg }) => alg === "SHA-512")?.content,
      licences: licenses.length,
    }));
    const got = locked
      .filter(([, { dev }]) => dev !== true)
      .map(([path, { version, integrity = "" }]) => ({
        id: `${nameOf(path)}@${version}`,
        sha512: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex"),
        licences: 1,
      }));
    const inOrder = (rows: typeof got): Map<string, unknown> =>
      new Map(rows.map((row): [string, unknown] => [row.id, row]).sort(([a], [b]) => (a < b ? -1 : 1)));
    expect(inOrder(named as typeof got)).toEqual(inOrder(got));
    expect(got.length).toBeGreaterThan(100);
  });

  it("is the same to the byte wherever and whenever it is written", () => {
    const elsewhere = join(folder, "elsewhere");
    for (const file of ["package.json", "package-lock.json", "scripts/sbom.mjs"])
      cpSync(join(ROOT, file), join(elsewhere, file));
    expect(write(elsewhere)).toBe(write());
  });
});
