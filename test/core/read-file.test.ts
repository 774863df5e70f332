/** Paths that lead to anything but a file: none of them holds up whoever reads, and each is named. */
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readOnce, readRegular } from "../../src/core/read-file.js";

const server = createServer();
let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "squall-read-"));
  writeFileSync(join(folder, "file"), "é");
  writeFileSync(join(folder, "empty"), "");
  symlinkSync("file", join(folder, "link"));
  symlinkSync("nowhere", join(folder, "dangling"));
  if (platform() !== "win32") await once(server.listen(join(folder, "socket")), "listening");
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each([
  ["again and again", readRegular],
  ["once", readOnce],
] as const)("what is read %s", (_how, read) => {
  it.each([
    ["file", "é"],
    ["empty", ""],
    ["link", "é"],
  ])("is there at once: %s", (name, text) => {
    expect(read(join(folder, name), 2).toString("utf8")).toBe(text);
  });

  it.each([
    ["file", "is larger than 1B"],
    [".", "EISDIR"],
    ["none", "ENOENT"],
    ["dangling", "ENOENT"],
  ])("is refused in words: %s", (name, why) => {
    expect(() => read(join(folder, name), 1)).toThrow(why);
  });

  it.skipIf(platform() === "win32").each([
    ["socket", "it is a socket, and no file"],
    ["/dev/zero", "is larger than 1KiB"],
  ])("ends with %s", (name, why) => {
    expect(() => read(name.startsWith("/") ? name : join(folder, name), 1_024)).toThrow(why);
  });

  it.skipIf(platform() === "win32")("takes the device that has nothing for nothing", () => {
    expect(read("/dev/null", 1).length).toBe(0);
  });
});
