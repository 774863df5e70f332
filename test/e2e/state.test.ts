/** State over the lives of real processes: killed at any moment, what was answered is there again. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONFIG, killOften } from "../state/killing.js";
import { command } from "../support/command-here.js";
import { Workshop, getJson } from "../support/process.js";
import { sample, scaled } from "../support/scope.js";

let shop: Workshop;
let state: string;

beforeEach(() => {
  shop = new Workshop();
  state = join(shop.folder, "state.json");
});

afterEach(() => shop.close());

describe("a daemon that is killed", () => {
  it.each(sample([11, 23], 1))(
    "at any moment between and during calls has all that was answered, and no more than was asked (seed %i)",
    async (seed) => {
      await killOften(shop, seed, scaled(1, 4));
    },
  );
});

describe("squall serve --state", () => {
  it("ends with 1 and says who has the file, and the one that has it is not disturbed", async () => {
    const { admin, process } = await shop.daemon(CONFIG, ["--state", state]);
    const second = await command(["serve", "--admin", "127.0.0.1:0", "--state", state], { cwd: shop.folder });
    expect([second.code, second.out]).toEqual([1, ""]);
    expect(second.err).toBe(
      `squall: another daemon (process ${process.child.pid}) keeps its state in ${state} (stop it, or give each its own file with --state)\n`,
    );
    expect((await getJson(`${admin}/status`)).body["state"]).toMatchObject({ saved: true });
  });

  it("ends with 3, the place and a caret for a file that is broken, and leaves it as it is", async () => {
    const broken =
      '{\n  "squall_state": 1,\n  "seed": 7,\n  "proxies": [\n    {"proxy": "redis", "listen": 3310}\n  ]\n}\n';
    writeFileSync(state, broken);
    const { code, err } = await command(["serve", "--admin", "127.0.0.1:0", "--state", state], {
      cwd: shop.folder,
    });
    expect(code).toBe(3);
    expect(err).toContain(
      `${state}:5:34 proxies[0].listen: expected text, got 3310 (put it in quotes)\n        {"proxy": "redis", "listen": 3310}\n                                     ^\n`,
    );
    expect(err).toContain(`${state}:5:5 proxies[0].upstream: is required: text`);
    expect(readFileSync(state, "utf8")).toBe(broken);
  });
});
