/** The CA of a daemon while its files change: what is in force, who is told, and how often files are looked at. */
import { readFileSync, rmSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { renewAuthority, type AuthoritySource } from "../../src/tls/authority.js";
import { Door } from "../../src/tls/door.js";

let folder: string;
let clock: VirtualClock;
let told: (string | null)[];
let current: string | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "squall-door-"));
  clock = new VirtualClock(Date.now());
  told = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function doorTo(source: AuthoritySource, share?: string): Door {
  return new Door({
    source,
    ...(share === undefined ? {} : { share }),
    clock,
    changed: ({ ca }, trouble) => {
      told.push(trouble);
      current = ca;
    },
  });
}

const renewed = (newKey: boolean): Promise<void> => renewAuthority({ source: { folder }, clock, newKey });
const inFolder = (): string => readFileSync(join(folder, "ca.pem"), "utf8");

describe("the CA of a folder", () => {
  it.each([false, true])(
    "is taken within a second once it was renewed, with another key: %s",
    async (newKey) => {
      const door = doorTo({ folder });
      const before = await door.open();
      const { ca } = await door.trusted();
      await renewed(newKey);
      clock.advance(999);
      expect(door.opened).toBe(before);
      clock.advance(1);
      const after = door.opened;
      expect(after).not.toBe(before);
      expect(door.authority?.ca).toBe(inFolder());
      expect(door.authority?.ca).not.toBe(ca);
      expect([told, current]).toEqual([[null], inFolder()]);
      clock.advance(10_000);
      expect(door.opened).toBe(after);
      await door.trusted();
      expect(told).toHaveLength(1);
    },
  );

  it("is looked for at once by whoever is to trust it", async () => {
    const door = doorTo({ folder });
    await door.open();
    await renewed(true);
    expect((await door.trusted()).ca).toBe(inFolder());
    expect(told).toEqual([null]);
  });

  it("stays where its files cannot be used, or are gone, which is said once each", async () => {
    const door = doorTo({ folder });
    const before = await door.open();
    const file = join(folder, "ca-key.pem");
    const right = readFileSync(file, "utf8");
    for (const change of [
      () => writeFileSync(file, "nothing"),
      () => rmSync(file),
      // Half of it, as a careless copy leaves it for a moment.
      () => writeFileSync(file, right.slice(0, 150)),
    ]) {
      change();
      for (let look = 0; look < 3; look++) {
        clock.advance(1_000);
        expect(door.opened).toBe(before);
      }
    }
    expect(told).toEqual([
      expect.stringContaining("there is no certificate in"),
      expect.stringContaining("no such file"),
      expect.stringContaining("there is no certificate in"),
    ]);
    writeFileSync(file, right);
    expect((await door.trusted()).ca).toBe(inFolder());
    expect(told).toHaveLength(4);
  });
});

describe("other CAs", () => {
  it("of files of one's own are read again as well, and bots find them where they found the one before", async () => {
    const other = doorTo({ folder });
    await other.open();
    const file = join(folder, "ca-key.pem");
    const share = join(folder, "share");
    const door = doorTo({ cert: file, key: file }, share);
    await door.open();
    await renewed(true);
    const { ca } = await door.trusted();
    expect(ca).toBe(inFolder());
    expect(readFileSync(join(share, "ca.pem"), "utf8")).toBe(ca);
  });

  it("in memory have no files to be looked at", async () => {
    const door = doorTo("memory");
    const before = await door.open();
    clock.advance(5_000);
    expect(door.opened).toBe(before);
    const { authority } = door;
    expect(authority?.reread()).toBe(authority);
    expect(told).toEqual([]);
  });
});
