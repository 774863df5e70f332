/** Profile files from real folders: which are read, and what is refused. */
import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FILES_MAX, loadProfiles, type FileSystem } from "../../src/config/load.js";
import { SquallError } from "../../src/core/errors.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "squall-load-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const put = async (path: string, text: string | Uint8Array = "x"): Promise<void> => {
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(join(folder, path), text);
};
const load = async (...paths: string[]): Promise<string[]> => {
  const found = await loadProfiles(
    paths.map((path) => join(folder, path)),
    fs,
    folder,
  );
  return found.map(({ file }) => file);
};
const refusal = async (...paths: string[]): Promise<string[]> => {
  try {
    await load(...paths);
  } catch (error) {
    if (error instanceof SquallError)
      return (error.details ?? []).map(({ file, message }) => `${file}: ${message}`);
    throw error;
  }
  return ["nothing was refused"];
};

describe("loading profiles", () => {
  it("finds yaml, yml and json in folders, in the order of their names, and nothing hidden", async () => {
    for (const path of [
      "p/b.yaml",
      "p/a.yml",
      "p/sub/c.JSON",
      "p/notes.md",
      "p/.hidden.yaml",
      "p/.git/d.yaml",
      "p/node_modules/e.yaml",
    ])
      await put(path);
    expect(await load("p")).toEqual(["p/a.yml", "p/b.yaml", "p/sub/c.JSON"]);
  });

  it("reads a file that is named, whatever it is called, and each only once", async () => {
    await put("p/a.yaml", "profile: a\n");
    await put("other");
    expect(await load("other", "p", "p/a.yaml")).toEqual(["other", "p/a.yaml"]);
    expect(await loadProfiles([join(folder, "p")], fs)).toEqual([
      { file: join(folder, "p/a.yaml"), text: "profile: a\n" },
    ]);
  });

  it("follows links, but neither in circles nor to nowhere", async () => {
    await put("real/a.yaml");
    await mkdir(join(folder, "p"));
    await symlink(join(folder, "real"), join(folder, "p/link"));
    await symlink(join(folder, "p"), join(folder, "p/loop"));
    await symlink(join(folder, "nowhere"), join(folder, "p/dangling.yaml"));
    await symlink(join(folder, "p/self.yaml"), join(folder, "p/self.yaml"));
    expect(await load("p")).toEqual(["p/link/a.yaml"]);
  });

  it("leaves out what it may not read below a folder that was named, and says so", async () => {
    const refused = (path: string): Promise<never> =>
      Promise.reject(Object.assign(new Error(path), { code: "EACCES" }));
    const partly: FileSystem = {
      stat: (path) =>
        Promise.resolve({
          isFile: () => path.endsWith(".yaml"),
          isDirectory: () => !path.endsWith(".yaml"),
          size: 1,
        }),
      readdir: (path) => (path === "/p" ? Promise.resolve(["a.yaml", "b.yaml", "closed"]) : refused(path)),
      readFile: (path) =>
        path === "/p/b.yaml" ? refused(path) : Promise.resolve(Buffer.from("profile: a\n")),
      realpath: (path) => Promise.resolve(path),
    };
    const warnings: string[] = [];
    const warn = ({ file, message }: { file: string; message: string }): void => {
      warnings.push(`${file}: ${message}`);
    };
    expect((await loadProfiles(["/p"], partly, undefined, warn)).map(({ file }) => file)).toEqual([
      "/p/a.yaml",
    ]);
    expect(warnings).toEqual([
      "/p/b.yaml: may not be read, and is left out",
      "/p/closed: may not be read, and is left out",
    ]);
    await expect(loadProfiles(["/p/closed"], partly)).rejects.toThrow("may not be read");
  });

  it("tells all that cannot be read at once", async () => {
    await put("p/large.yaml", "#".repeat(2 ** 20 + 1));
    await put("p/binary.yaml", Uint8Array.of(0x70, 0xff, 0xfe));
    expect(await refusal("nowhere", "p")).toEqual([
      "nowhere: no such file or folder",
      "p/binary.yaml: is not UTF-8 text",
      "p/large.yaml: is larger than 1MiB",
    ]);
  });

  it("reads so many files and no more, and folders so deep and no deeper", async () => {
    const entries = (path: string): string[] =>
      path.endsWith("d") ? ["d", ...Array.from({ length: 500 }, (_, n) => `${n}.yaml`)] : [];
    const endless: FileSystem = {
      stat: (path) =>
        Promise.resolve({
          isFile: () => path.endsWith(".yaml"),
          isDirectory: () => path.endsWith("d"),
          size: 1,
        }),
      readdir: (path) => Promise.resolve(entries(path)),
      readFile: () => Promise.resolve(new Uint8Array()),
      realpath: (path) => Promise.resolve(path),
    };
    await expect(loadProfiles(["/d"], endless)).rejects.toThrow(
      `there are more than ${FILES_MAX} profile files`,
    );
    const bare: FileSystem = { ...endless, readdir: () => Promise.resolve(["d", "one.yaml"]) };
    expect(await loadProfiles(["/d"], bare)).toHaveLength(9);
  });
});
