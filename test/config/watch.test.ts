/** What a watch takes for a change of its files, and what not. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as files from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Watch } from "../../src/config/watch.js";
import { VirtualClock } from "../../src/core/clock.js";

vi.mock("node:fs/promises", async (original) => ({ ...(await original()) }));

let folder: string;
let watch: Watch;
let changes = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "squall-watch-"));
  writeFileSync(join(folder, "a.yaml"), "profile: a\n");
  changes = 0;
  watch = new Watch(() => [folder], { clock: new VirtualClock(), changed: () => changes++ });
  await watch.start();
});

afterEach(() => {
  vi.restoreAllMocks();
  watch.close();
  rmSync(folder, { recursive: true });
});

it("is a file that is another one, and one that has gone", async () => {
  await watch.look();
  expect(changes).toBe(0);
  writeFileSync(join(folder, "a.yaml"), "profile: b, and longer\n");
  await watch.look();
  expect(changes).toBe(1);
  rmSync(join(folder, "a.yaml"));
  await watch.look();
  expect(changes).toBe(2);
});

it("is what changes between its being noted and the start", async () => {
  const early = new Watch(() => [folder], { clock: new VirtualClock(), changed: () => changes++ });
  await early.note();
  writeFileSync(join(folder, "b.yaml"), "profile: b\n");
  await early.start();
  expect(changes).toBe(1);
  await early.look();
  expect(changes).toBe(1);
  early.close();
});

it.each(["EMFILE", "ENFILE", "ENOMEM"])("is not that the machine has no room to look: %s", async (code) => {
  const trouble = (): Promise<never> => Promise.reject(Object.assign(new Error(code), { code }));
  const looks = vi.spyOn(files, "readdir").mockImplementation(trouble);
  await watch.look();
  expect(looks).toHaveBeenCalled();
  looks.mockRestore();
  await watch.look();
  expect(changes).toBe(0);
});

it("is a ConfigMap that the kubelet replaces, by another target of the link behind all its files", async () => {
  const write = (version: string, text: string): void => {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, "b.yaml"), text);
    symlinkSync(version, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  write("..v1", "profile: b\n");
  symlinkSync(join("..data", "b.yaml"), join(folder, "b.yaml"));
  await watch.look();
  expect(changes).toBe(1);
  write("..v2", "profile: c\n");
  await watch.look();
  expect(changes).toBe(2);
});
