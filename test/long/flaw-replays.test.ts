/**
 * The files that replay what sweeps found of the reference bot's flaws: each alone, in a folder with nothing but the example's scripts, says
 * FAILED of the bot with the flaw, and FIXED of the one without. Needs a build.
 */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FLAWS } from "../../src/mock/bot/flaws.js";

const EXAMPLE = resolve("examples/sweep");
const FILES = join(EXAMPLE, "flaws");
const MAIN = resolve("dist/main.js");

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "squall-flaws-")));
  symlinkSync(MAIN, join(root, "squall"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

interface Replayed {
  readonly word: string;
  readonly code: number | null;
}

/** In a folder of its own, in which the run file is not, nor what an earlier replay has left. */
async function replayed(flaw: string, flags: string): Promise<Replayed> {
  const folder = mkdtempSync(join(root, "checkout-"));
  for (const script of ["run-jobs.mjs", "check.mjs"])
    copyFileSync(join(EXAMPLE, script), join(folder, script));
  copyFileSync(join(FILES, `${flaw}.yaml`), join(folder, "case.yaml"));
  const child = spawn(process.execPath, [MAIN, "replay", "case.yaml", "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${root}${delimiter}${process.env["PATH"] ?? ""}`, BOT_FLAGS: flags },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once("close", done));
  const line = out.split("\n").find((text) => text.includes('"replayed"'));
  if (line === undefined) throw new Error(`nothing was replayed: ${err}`);
  const { word } = JSON.parse(line) as { readonly word: string };
  return { word, code };
}

describe("the file that replays a flaw", () => {
  const names = readdirSync(FILES)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => name.slice(0, -5));

  it("is there for each flaw that needs no TLS", () => {
    const plain = Object.keys(FLAWS).filter((name) => name !== "no-verify");
    expect(names.toSorted()).toEqual(plain.toSorted());
  });

  it.each(names)("of %s says FAILED with it and FIXED without", async (flaw) => {
    const [flawed, sound] = await Promise.all([replayed(flaw, `--flaw ${flaw}`), replayed(flaw, "")]);
    expect({ flawed, sound }).toEqual({
      flawed: { word: "FAILED", code: 1 },
      sound: { word: "FIXED", code: 0 },
    });
  });
});
