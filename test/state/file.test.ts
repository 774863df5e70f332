/** The state file on disk: there is always one that is complete, and only one daemon writes it. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StateFile, type WritingFileSystem } from "../../src/state/file.js";
import { writeState } from "../../src/state/format.js";

const TEXT = writeState(
  { seed: 7, profiles: [], proxies: [], changed: [], removed: [], active: null, unrestored: [] },
  "1.0",
);

let folder: string;
let file: string;
const opened: StateFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-state-"));
  file = join(folder, "state.json");
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

async function opens(path = file, fs?: WritingFileSystem): Promise<StateFile> {
  const one = await StateFile.open({ file: path, pid: 42, version: "1.0" }, fs);
  opened.push(one);
  return one;
}

describe("writing", () => {
  it("leaves one file, readable for its owner alone, whatever was there before", async () => {
    writeFileSync(file, TEXT, { mode: 0o644 });
    const state = await opens();
    expect(state.found?.text).toBe(TEXT);
    await state.write(`${TEXT}\n`);
    expect(readFileSync(file, "utf8")).toBe(`${TEXT}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await state.close();
    expect(readdirSync(folder)).toEqual(["state.json"]);
  });

  it("does not write through a link that somebody put where the temporary file is to be", async () => {
    const victim = join(folder, "victim");
    writeFileSync(victim, "mine");
    symlinkSync(victim, `${file}.tmp`);
    await (await opens()).write(TEXT);
    expect(readFileSync(victim, "utf8")).toBe("mine");
    expect(readFileSync(file, "utf8")).toBe(TEXT);
  });

  it("follows a link to the file instead of replacing it", async () => {
    mkdirSync(join(folder, "volume"));
    const real = join(folder, "volume", "real.json");
    writeFileSync(real, TEXT);
    symlinkSync(real, file);
    await (await opens()).write(`${TEXT}\n`);
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, "utf8")).toBe(`${TEXT}\n`);
  });

  /** Each step on the way, failing as a disk may. */
  const failing = (step: string): WritingFileSystem => {
    const full = Object.assign(new Error(`ENOSPC: no space left on device, ${step}`), { code: "ENOSPC" });
    return {
      rm,
      rename: (from, to) => (step === "rename" ? Promise.reject(full) : rename(from, to)),
      open: (async (path: string, flags: string, mode?: number) => {
        if (step === "open" && flags === "wx") throw full;
        const handle = await open(path, flags, mode);
        if (flags !== "wx") return handle;
        if (step === "write") {
          handle.writeFile = async () => {
            await handle.write("half of");
            throw full;
          };
        }
        if (step === "sync") handle.sync = () => Promise.reject(full);
        return handle;
      }) as typeof open,
    };
  };

  it.each(["open", "write", "sync", "rename"])(
    "that fails at %s leaves the old file whole and nothing beside it",
    async (step) => {
      writeFileSync(file, TEXT);
      const state = await opens(file, failing(step));
      await expect(state.write("new")).rejects.toThrow("ENOSPC");
      expect(readFileSync(file, "utf8")).toBe(TEXT);
      expect(readdirSync(folder).filter((name) => !name.includes(".lock-"))).toEqual(["state.json"]);
    },
  );

  it("puts the text on the disk before the name, and the name before it is done", async () => {
    const steps: string[] = [];
    const fs: WritingFileSystem = {
      rm,
      rename: async (from, to) => {
        await rename(from, to);
        steps.push("rename");
      },
      open: (async (path: string, flags: string, mode?: number) => {
        const handle = await open(path, flags, mode);
        const { sync } = handle;
        handle.sync = async () => {
          await sync.call(handle);
          steps.push(flags === "wx" ? "file synced" : "folder synced");
        };
        return handle;
      }) as typeof open,
    };
    await (await opens(file, fs)).write(TEXT);
    expect(steps).toEqual(["file synced", "rename", "folder synced"]);
  });
});

describe("opening", () => {
  const refused = (why: RegExp | string, path = file): Promise<void> =>
    expect(opens(path)).rejects.toThrow(why);

  it.each([
    [
      "a folder",
      () => {
        mkdirSync(file);
      },
      "it is not a file",
    ],
    [
      "bytes that are no text",
      () => {
        writeFileSync(file, Buffer.from([0xc3, 0x28]));
      },
      "it is not UTF-8 text",
    ],
    [
      "a state that is broken",
      () => {
        writeFileSync(file, TEXT.slice(0, 30));
      },
      /state\.json:\d+:\d+/u,
    ],
  ])("refuses %s, leaves it as it is, and lets the lock go", async (_what, make, why) => {
    make();
    await refused(why);
    expect(readdirSync(folder).filter((name) => name.includes(".lock-"))).toEqual([]);
    await refused(why);
  });

  it("refuses a place where nothing can be kept", async () => {
    await refused("ENOENT", join(folder, "missing", "state.json"));
    // Root may write anywhere, but not below a file.
    writeFileSync(join(folder, "plain"), "");
    await refused("ENOTDIR", join(folder, "plain", "state.json"));
  });

  it("needs nothing to be there", async () => {
    const state = await opens();
    expect([state.found, state.unlocked]).toEqual([null, null]);
    chmodSync(folder, 0o700);
  });
});
