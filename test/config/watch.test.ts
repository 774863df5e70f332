/** What a watch takes for a change of its files, and what not. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Watch } from "../../src/config/watch.js";
import { VirtualClock } from "../../src/core/clock.js";
import { replaceBuiltin } from "../support/builtins.js";

let folder: string;
let watch: Watch;
let changes = 0;
let putBack = (): void => undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "squall-watch-"));
  writeFileSync(join(folder, "a.yaml"), "profile: a\n");
  changes = 0;
  watch = new Watch(() => [folder], { clock: new VirtualClock(), changed: () => changes++ });
  await watch.start();
});

afterEach(() => {
  putBack();
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
  let looks = 0;
  putBack = replaceBuiltin("node:fs/promises", "readdir", () => () => {
    looks++;
    return trouble();
  });
  await watch.look();
  expect(looks).toBeGreaterThan(0);
  putBack();
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
