/** A disk that fails under a running daemon costs the state and nothing else, and is told. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StateLab } from "./state-lab.js";

let lab: StateLab;
let folder: string;
let file: string;

beforeEach(() => {
  lab = new StateLab();
  folder = join(lab.folder, "volume");
  file = join(folder, "state.json");
  mkdirSync(folder);
});

afterEach(() => lab.close());

const proxy = (name: string): unknown => ({ name, listen: "127.73.0.1:0", upstream: "127.0.0.1:9" });
const states = async (): Promise<string[]> =>
  (await lab.get("/journal?limit=1000")).entries
    .map(({ kind }: { kind: string }) => kind)
    .filter((kind: string) => kind.startsWith("state_"));

describe("a state file whose folder goes away", () => {
  it("is told once, counted and shown; calls are answered, and all is kept when the folder is back", async () => {
    await lab.start({ state: file });
    await lab.call("POST", "/proxies", proxy("a"));
    renameSync(folder, `${folder}-away`);
    for (const name of ["b", "c"]) expect((await lab.call("POST", "/proxies", proxy(name))).status).toBe(201);
    const { state } = await lab.get("/status");
    expect(state).toMatchObject({ saved: false, writes: 2, unrestored: [] });
    expect(state.error).toContain("ENOENT");
    expect(state.failures).toBeGreaterThanOrEqual(2);
    expect(await states()).toEqual(["state_failed"]);
    expect(await lab.squall.metrics()).toMatch(/^squall_state_saved 0$/mu);
    mkdirSync(folder);
    await lab.call("POST", "/proxies", proxy("d"));
    expect(await states()).toEqual(["state_failed", "state_saved"]);
    expect((await lab.get("/status")).state).toMatchObject({ saved: true, error: null });
    const kept = JSON.parse(readFileSync(file, "utf8")) as { proxies: { proxy: string }[] };
    expect(kept.proxies.map((one) => one.proxy)).toEqual(["a", "b", "c", "d"]);
    // And nobody else can have it: the lock is there again, too.
    await expect(lab.second({ state: file })).rejects.toThrow("another daemon");
  });

  it("does not keep the daemon from stopping", async () => {
    await lab.start({ state: file });
    rmSync(folder, { recursive: true });
    await lab.call("POST", "/proxies", proxy("a"));
    await lab.stop();
  });
});

describe("a state file that cannot be replaced", () => {
  it("is told with the reason, and the temporary file is gone", async () => {
    await lab.start({ state: file });
    rmSync(file);
    mkdirSync(file);
    writeFileSync(join(file, "in the way"), "");
    await lab.call("POST", "/proxies", proxy("a"));
    const { error } = (await lab.get("/status")).state;
    expect(error).toMatch(/EISDIR|ENOTEMPTY|EEXIST/u);
    expect(() => readFileSync(`${file}.tmp`)).toThrow("ENOENT");
  });
});
