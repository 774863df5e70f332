/** The ways of docs/install.md to have the command: npm itself carries them out, with a registry of the test's own. */
import { execFile } from "node:child_process";
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
import { env } from "node:process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../support/process.js";
import { Registry } from "../support/registry.js";

const run = promisify(execFile);
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly version: string;
};
const TARBALL = `squall-${version}.tgz`;

let folder: string;
let registry: Registry;

/** What the command prints; of npm's own settings none are this machine's. */
async function command(cwd: string, program: string, ...words: string[]): Promise<string> {
  const { stdout } = await run(program, words, {
    cwd: join(folder, cwd),
    env: {
      ...env,
      PATH: `${join(folder, "global/bin")}:${env["PATH"] ?? ""}`,
      npm_config_registry: registry.url,
      npm_config_cache: join(folder, "cache"),
      npm_config_prefix: join(folder, "global"),
      npm_config_userconfig: join(folder, "npmrc"),
      npm_config_audit: "false",
      npm_config_fund: "false",
      npm_config_update_notifier: "false",
      // Building the clone and the parts for each machine is what `npm ci` does.
      npm_config_ignore_scripts: "true",
    },
  });
  return stdout;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "squall-npm-"));
  registry = await Registry.open();
  for (const name of ["clone", "project", "elsewhere", "global/lib", "global/bin"])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "project/package.json"), '{ "private": true }\n');
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", join(folder, "project")], {
    cwd: ROOT,
  });
  // A clone after `npm ci`, which npm may change as it likes.
  const listed = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT });
  const [{ files }] = JSON.parse(listed.stdout) as [{ files: readonly { readonly path: string }[] }];
  for (const { path } of files) {
    mkdirSync(dirname(join(folder, "clone", path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, "clone", path));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "clone/node_modules"));
});

afterAll(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("docs/install.md", () => {
  it("has a way into one's own project: npm pack, and npm i -D", async () => {
    expect(existsSync(join(folder, "project", TARBALL))).toBe(true);
    await command("project", "npm", "i", "-D", `./${TARBALL}`);
    expect(await command("project", "npx", "--no-install", "squall", "--version")).toBe(`${version}\n`);
    const { devDependencies } = JSON.parse(readFileSync(join(folder, "project/package.json"), "utf8")) as {
      readonly devDependencies: unknown;
    };
    expect(devDependencies).toEqual({ squall: `file:${TARBALL}` });
    writeFileSync(join(folder, "project/mine.yaml"), "profile: mine\nextends: [high-latency]\n");
    expect(await command("project", "npx", "--no-install", "squall", "validate", "mine.yaml")).toBe(
      "ok: 1 profile\n",
    );
  });

  it("has a way that leaves no trace: npx --prefix", async () => {
    const way = ["--prefix", "../clone", "squall", "--version"];
    expect(await command("elsewhere", "npx", ...way)).toBe(`${version}\n`);
  });

  it("has a way to a command on this machine: npm link", async () => {
    await command("clone", "npm", "link");
    expect(await command("elsewhere", "squall", "--version")).toBe(`${version}\n`);
  });
});
