/** A daemon as its machine sees it: who may call it, and who may read what it writes. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commandHere } from "../support/command-here.js";
import { Workshop, getJson } from "../support/process.js";

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
});
afterEach(() => shop.close());

describe("an admin port", () => {
  const WARNING = /the admin port listens on \S+ without a token/u;

  /** What it has logged by the time it has ended. */
  const logOf = async (admin: Record<string, string>): Promise<string> => {
    let text = "";
    const log = new Writable({
      write: (chunk, _encoding, done) => {
        text += String(chunk);
        done();
      },
    });
    const file = shop.file("squall.yaml", JSON.stringify({ admin, watch: false }));
    const { code } = await commandHere(["serve", "--config", file], { cwd: shop.folder, log });
    expect(code).toBe(0);
    return text;
  };

  it("that strangers can reach and call is warned of", async () => {
    expect(await logOf({ listen: "0.0.0.0:0" })).toMatch(WARNING);
    expect(await logOf({ listen: ":0", token: "" })).toMatch(WARNING);
  });

  it("that they cannot reach, or not call, is not", async () => {
    for (const admin of [{ listen: "127.0.0.1:0" }, { listen: "0.0.0.0:0", token: "secret-of-the-test" }]) {
      const log = await logOf(admin as Record<string, string>);
      expect(log).toContain("is ready");
      expect(log).not.toMatch(WARNING);
      expect(log).not.toContain("secret-of-the-test");
    }
  });
});

describe("a journal file", () => {
  it("is for its owner and his group", async () => {
    const file = join(shop.folder, "journal.jsonl");
    const { process, admin } = await shop.daemon({ journal: { file } });
    expect(
      (await getJson(`${admin}/journal/marks`, { method: "POST", body: '{"text":"here"}' })).status,
    ).toBe(201);
    process.kill();
    await process.ended;
    expect(statSync(file).mode & 0o007).toBe(0);
  });
});
