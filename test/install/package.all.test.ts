/** The package as npm would pack it, in a project of somebody else: its files, its types, and both ways to load it. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execPath, versions } from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../support/process.js";

let folder: string;
let packed: readonly string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-package-"));
  const list = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: ROOT,
  }).toString();
  const [{ files }] = JSON.parse(list) as [{ files: readonly { readonly path: string }[] }];
  packed = files.map(({ path }) => path);
  for (const path of packed) {
    const to = join(folder, "node_modules/squall", path);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(join(ROOT, path), to);
  }
  // What it depends on, and no types that it does not bring.
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  for (const [path, { dev = false }] of Object.entries(lock.packages)) {
    if (path === "" || dev || path.lastIndexOf("node_modules/") > 0 || !existsSync(join(ROOT, path)))
      continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(folder, path), "junction");
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const BODY = `
async function main(): Promise<void> {
  const one: Squall = await startSquall({ profiles: { library: true }, proxies: { a: { upstream: "127.0.0.1:1" } } });
  const proxy: Proxy = one.proxies.get("a");
  const options: squall.ActivateOptions = { seed: proxy.port, ttl: "3s" };
  try {
    await one.activate("high-latency", options);
  } catch (error) {
    if (error instanceof SquallError) console.log(error.code satisfies squall.ErrorCode, error.details?.[0]?.line);
  }
  for (const entry of one.journal({ limit: 3 })) console.log(entry.kind, squall.version);
  await one.stop();
}
void main();
`;
const NAMED = 'import { startSquall, SquallError, type Proxy, type Squall } from "squall";';
const COMMONJS = `import squall = require("squall");\n${NAMED}\n${BODY}`;
const MODULE = `import * as squall from "squall";\n${NAMED}\n${BODY}`;

/** What the compiler has to say, and nothing if all is well. */
function compile(file: string, text: string, module: string, resolution: string): string {
  writeFileSync(join(folder, file), text);
  const words = ["--strict", "--noEmit", "--target", "es2022", "--lib", "es2022,dom"];
  const tsc = join(ROOT, "node_modules/typescript/lib/tsc.js");
  try {
    const compiler = [tsc, ...words, "--module", module, "--moduleResolution", resolution, file];
    return execFileSync(execPath, compiler, { cwd: folder }).toString();
  } catch (error) {
    return String((error as { readonly stdout: Buffer }).stdout);
  }
}

describe("the package", () => {
  it("has the profiles, the command, the schemas and both kinds of types, and nothing of the workshop", () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        "profiles/high-latency.yaml",
        "dist/main.js",
        "dist/index.js",
        "dist/index.d.ts",
        "dist/index.d.cts",
        "dist/ui/files.json",
        "dist/ui/app.js",
        "dist/ui/app.css",
        "schema/profile.schema.json",
        "LICENSE",
      ]),
    );
    expect(
      packed.filter((path) => /^(?:src|test|bench|scripts)\/|\.cache$|tsbuildinfo|\.built$/u.test(path)),
    ).toEqual([]);
  });

  it.each([
    ["a CommonJS file under node16", "a.cts", COMMONJS, "node16", "node16"],
    ["an ES module under node16", "a.mts", MODULE, "node16", "node16"],
    ["a CommonJS file under nodenext", "b.cts", COMMONJS, "nodenext", "nodenext"],
    ["an ES module under nodenext", "b.mts", MODULE, "nodenext", "nodenext"],
    ["a file for a bundler", "c.ts", MODULE, "preserve", "bundler"],
  ])(
    "has types that pass tsc --strict, libraries checked, without @types/node: %s",
    (_, file, text, module, resolution) => {
      expect(compile(file, text, module, resolution)).toBe("");
    },
  );

  it("has types that know what they are about", () => {
    expect(compile("d.cts", `${COMMONJS}\nstartSquall({ profile: [] });`, "node16", "node16")).toContain(
      "TS2561",
    );
  });

  const [major = 0, minor = 0] = versions.node.split(".").map(Number);
  const takesModules = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
  const use =
    "startSquall({ folder: __dirname }).then((one) => one.activate('high-latency').then(() => one.stop())).then(() => console.log('done'))";

  it.skipIf(!takesModules)("is given to require as it is (needs: Node 20.19 or 22.12)", () => {
    writeFileSync(join(folder, "run.cjs"), `const { startSquall } = require("squall");\n${use};\n`);
    expect(execFileSync(execPath, ["run.cjs"], { cwd: folder }).toString()).toBe("done\n");
  });

  it("is imported", () => {
    const text = `import { startSquall } from "squall";\nconst __dirname = import.meta.dirname;\n${use};\n`;
    writeFileSync(join(folder, "run.mjs"), text);
    expect(execFileSync(execPath, ["run.mjs"], { cwd: folder }).toString()).toBe("done\n");
  });

  it("has the whole dashboard: each file that its list names", () => {
    const files = JSON.parse(
      readFileSync(join(folder, "node_modules/squall/dist/ui/files.json"), "utf8"),
    ) as string[];
    expect(files).toEqual(expect.arrayContaining(["app.css", "app.js", "icon.svg", "index.html"]));
    expect(files.filter((name) => !packed.includes(`dist/ui/${name}`))).toEqual([]);
  });

  it("knows the profiles that it brings, wherever it is installed", () => {
    writeFileSync(join(folder, "mine.yaml"), "profile: mine\nsummary: Late.\nextends: [high-latency]\n");
    const main = join(folder, "node_modules/squall/dist/main.js");
    const out = execFileSync(execPath, [main, "explain", "mine.yaml"], { cwd: folder }).toString();
    expect(out).toMatch(/^mine: Late\.\n {2}On every proxy, all connections: delays every byte by 400ms/u);
  });
});
