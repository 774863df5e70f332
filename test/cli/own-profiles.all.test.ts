/** Profiles of one's own beside those that come with Squall, as whoever types the commands meets them. */
import { chmodSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { getuid } from "node:process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSquall } from "../../src/index.js";
import { getJson, squall, Workshop, type Ended, type Json, type Squall } from "../support/process.js";
import { sample } from "../support/scope.js";

let shop: Workshop;

beforeEach(() => {
  shop = new Workshop();
});

afterEach(() => shop.close());

function put(name: string, text: string): void {
  const path = join(shop.folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const run = (...words: string[]): Promise<Ended> => squall(words, { cwd: shop.folder });
const CHILD = "profile: slow-jobs\nextends: [high-latency]\nfaults: [{ type: latency, delay: 2s }]\n";
const SENTENCE =
  "slow-jobs: \n  On every proxy, all connections: delays every byte by 2s with 1.2s of lognormal jitter, downstream.\n";
const WAY_OUT =
  'if they are meant for Squall, name the folder ("profiles: [./profiles]" in squall.yaml, or --profiles profiles); if not, "profiles: []" leaves it alone';

/** A daemon in the workshop's folder. */
async function serve(...words: string[]): Promise<{ process: Squall; admin: string }> {
  const process = shop.start(["serve", "--admin", "127.0.0.1:0", "--log-format", "json", ...words]);
  const [, admin = ""] = await process.printed(/"admin":"(http:[^"]+)"/u);
  return { process, admin };
}

async function profile(admin: string, name: string): Promise<Json> {
  return (await getJson(`${admin}/profiles/${name}`)).body;
}

/** What the daemon logs from here on. */
function since(process: Squall): { printed: (pattern: RegExp) => Promise<RegExpExecArray> } {
  const from = process.out.length;
  const later = (pattern: RegExp): RegExp => new RegExp(`^[^]{${from}}[^]*?(?:${pattern.source})`, "u");
  return { printed: (pattern) => process.printed(later(pattern)) };
}

describe("a profile of one's own that extends one of Squall's", () => {
  const places = [
    ["in ./profiles", "profiles/slow.yaml", []],
    ["in a folder that --profiles names", "chaos/slow.yaml", ["--profiles", "chaos"]],
    ["in a folder of the configuration", "ours/slow.yaml", ["--config", "etc/squall.yaml"]],
  ] as const;

  it.each(sample(places, 2))("%s: is explained, and switched on", async (_, file, words) => {
    put(file, CHILD);
    put("etc/squall.yaml", "profiles: [../ours]\n");
    const explained = await run("explain", "slow-jobs", ...words);
    expect(explained).toMatchObject({ code: 0, err: "" });
    expect(explained.out).toContain(SENTENCE);
    const { admin } = await serve(...words);
    expect(await profile(admin, "slow-jobs")).toMatchObject({ source: file, origin: "file", shadows: false });
    expect(await profile(admin, "high-latency")).toMatchObject({ origin: "library" });
    const used = await squall(["use", "slow-jobs"], { cwd: shop.folder, env: { SQUALL_ADMIN: admin } });
    expect(used).toMatchObject({ code: 0 });
  });

  it("is explained and validated as a file that lies anywhere", async () => {
    put("deep/down/slow.yaml", CHILD);
    expect((await run("explain", "deep/down/slow.yaml")).out).toContain(SENTENCE);
    expect(await run("validate", "deep/down/slow.yaml")).toMatchObject({
      code: 0,
      out: "ok: 1 profile\n",
      err: "",
    });
    expect(await run("validate", "deep")).toMatchObject({ code: 0, out: "ok: 1 profile\n", err: "" });
  });

  it("is validated with the configuration that names it, and by itself", async () => {
    put("squall.yaml", "profiles: [chaos]\n");
    put("chaos/slow.yaml", CHILD);
    expect(await run("validate")).toMatchObject({ code: 0, out: "ok: squall.yaml, 1 profile\n", err: "" });
    expect((await run("explain", "slow-jobs")).out).toContain(SENTENCE);
    put("squall.yaml", "profiles: { library: false, paths: [chaos] }\n");
    const refused = await run("validate");
    expect(refused.code).toBe(3);
    expect(refused.err).toContain('chaos/slow.yaml:2:11 extends[0]: no profile is called "high-latency"');
    expect((await run("explain", "slow-jobs")).code).toBe(3);
    const stopped = await run("serve", "--admin", "127.0.0.1:0");
    expect(stopped.code).toBe(3);
  });

  it("works in a test suite", async () => {
    put("chaos/slow.yaml", CHILD);
    for (const profiles of [["chaos"], { paths: ["chaos"] }]) {
      const one = await startSquall({ folder: shop.folder, profiles });
      expect((await one.activate("slow-jobs")).activations).toMatchObject([{ profile: "slow-jobs" }]);
      await one.activate("high-latency");
      await one.stop();
    }
    const without = { folder: shop.folder, profiles: { library: false, paths: ["chaos"] } };
    await expect(startSquall(without)).rejects.toMatchObject({ code: "SQ_INVALID_PROFILE" });
  });
});

describe("a profile of one's own under a name of Squall's", () => {
  it("takes its place, may extend it, and is listed with where it comes from", async () => {
    put(
      "chaos/hl.yaml",
      "profile: high-latency\nextends: high-latency\nfaults: [{ type: latency, delay: 9s }]\n",
    );
    put("chaos/new.yaml", "profile: new\nsummary: Nothing happens.\ntags: [network]\n");
    const listed = await run("profiles", "--profiles", "chaos");
    expect(listed.out).toContain(
      "  high-latency  (chaos/hl.yaml, in place of the library's)\n      delay=400ms jitter=1200ms\n",
    );
    expect(listed.out).toContain("  new  (chaos/new.yaml)\n      Nothing happens.\n");
    expect(listed.out).toContain("  slow-link  (library)\n");
    expect((await run("explain", "high-latency", "--profiles", "chaos")).out).toContain(
      "delays every byte by 9s with 1.2s of lognormal jitter",
    );
    const { process, admin } = await serve("--profiles", "chaos");
    await process.printed(
      /the profile high-latency of chaos\/hl\.yaml counts in place of the one of that name that comes with Squall/u,
    );
    expect(await profile(admin, "high-latency")).toMatchObject({
      origin: "file",
      shadows: true,
      source: "chaos/hl.yaml",
    });
    expect((await squall(["profiles", "--timeline"], { env: { SQUALL_ADMIN: admin } })).out).toContain(
      "  high-latency  (chaos/hl.yaml, in place of the library's)\n",
    );
  });

  it("leaves what comes with Squall as it was when its file is deleted while it is on", async () => {
    put("chaos/hl.yaml", "profile: high-latency\nfaults: [{ type: latency, delay: 9s }]\n");
    const { process, admin } = await serve("--profiles", "chaos");
    const daemon = { env: { SQUALL_ADMIN: admin } };
    expect((await squall(["use", "high-latency"], daemon)).code).toBe(0);
    const reload = since(process);
    unlinkSync(join(shop.folder, "chaos/hl.yaml"));
    await reload.printed(/profile high-latency/u);
    const { activations } = (await getJson(`${admin}/active`)).body;
    expect(activations).toMatchObject([{ profile: "high-latency", params: { delay: "400ms" } }]);
    expect(await profile(admin, "high-latency")).toMatchObject({ origin: "library" });
  });

  it("cannot be deleted through the API, nor can one that comes with Squall", async () => {
    const { admin } = await serve();
    const { status, body } = await getJson(`${admin}/profiles/high-latency`, { method: "DELETE" });
    expect(status).toBe(409);
    expect(body).toMatchObject({
      code: "SQ_PROFILE_IN_FILE",
      error: 'the profile "high-latency" comes with Squall',
    });
  });
});

describe("a folder ./profiles that nobody named", () => {
  const foreign = (): void => {
    put("profiles/dev.json", '{ "region": "north" }\n');
    put("profiles/half.yaml", "profile: half\nfaults: [\n");
    put("profiles/picture.yaml", "\u0000\u0001");
    writeFileSync(join(shop.folder, "profiles/latin.yaml"), Buffer.from([0x70, 0xe9]));
    symlinkSync("nowhere", join(shop.folder, "profiles/gone.yaml"));
    symlinkSync("loop.yaml", join(shop.folder, "profiles/loop.yaml"));
    put("profiles/good.yaml", "profile: good\nextends: high-latency\n");
    put("profiles/needy.yaml", "profile: needy\nextends: half\n");
  };

  it("keeps nobody from starting, is warned of with the way out, and its good profiles count", async () => {
    foreign();
    const checked = await run("validate");
    expect(checked).toMatchObject({ code: 0, out: "ok: 1 profile\n" });
    expect(checked.err.split("\n").filter((line) => line.startsWith("warning"))).toEqual([
      "warning profiles/gone.yaml:1:1 is a link to nowhere, or gone by now, and is left out",
      "warning profiles/latin.yaml:1:1 is not UTF-8 text, and is left out",
      "warning profiles/loop.yaml:1:1 is a link that leads to itself, and is left out",
      'warning profiles/dev.json:1:1 expected a profile (a mapping with "profile: name"): the file is left out',
      expect.stringMatching(
        /^warning profiles\/half\.yaml:3:1 is not valid YAML: .*: the file is left out$/u,
      ),
      expect.stringContaining("warning profiles/picture.yaml:1:1 expected a profile"),
      'warning profiles/needy.yaml:2:10 extends: no profile is called "half": the file is left out (did you mean "half-open"?)',
      `warning profiles:1:1 4 files of ./profiles are left out, as nobody named this folder (${WAY_OUT})`,
      expect.stringMatching(/^warning profiles:1:1 a daemon that starts now does without; one that runs, /u),
    ]);
    const { process, admin } = await serve();
    await process.printed(/4 files of \.\/profiles are left out/u);
    expect(await profile(admin, "good")).toMatchObject({ origin: "file", source: "profiles/good.yaml" });
    const one = await startSquall({ folder: shop.folder });
    await one.activate("good");
    await one.stop();
  });

  it("is refused as soon as it is named, and left alone where none is", async () => {
    foreign();
    put("squall.yaml", "profiles: [./profiles]\n");
    expect((await run("validate")).code).toBe(3);
    expect((await run("serve", "--admin", "127.0.0.1:0")).code).toBe(3);
    await expect(startSquall({ folder: shop.folder, profiles: ["profiles"] })).rejects.toThrow(/profiles/u);
    put("squall.yaml", "profiles: []\n");
    expect(await run("validate")).toMatchObject({ code: 0, err: "" });
    expect((await run("explain", "good")).code).not.toBe(0);
  });

  const odd: readonly (readonly [string, () => void])[] = [
    ["a file", () => put("profiles", "x")],
    ["a folder without profiles", () => put("profiles/app.ts", "x")],
    ["a link to nowhere", () => symlinkSync("nowhere", join(shop.folder, "profiles"))],
  ];
  it.each(sample(odd, 1))("may be %s, of which nothing is said", async (_, make) => {
    make();
    const { code, out, err } = await run("validate");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^ok: \d+ profiles that come with Squall\n$/u);
  });

  it.skipIf(getuid?.() === 0)("may be one that nobody may read (needs: no root)", async () => {
    put("profiles/a.yaml", "profile: a\n");
    chmodSync(join(shop.folder, "profiles"), 0);
    const { code, err } = await run("validate");
    chmodSync(join(shop.folder, "profiles"), 0o755);
    expect([code, err]).toEqual([0, "warning profiles:1:1 may not be read, and is left out\n"]);
  });

  it("does not lose a profile that is on because its file is broken for a while", async () => {
    put("profiles/a.yaml", "profile: a\nfaults: [{ type: latency, delay: 5ms }]\n");
    const { process, admin } = await serve();
    expect((await squall(["use", "a"], { env: { SQUALL_ADMIN: admin } })).code).toBe(0);
    const refused = since(process);
    put("profiles/a.yaml", "profile: a\nfaults: [{ type: latency, delay: }]\n");
    await refused.printed(/refused, and what was in force stays/u);
    expect((await getJson(`${admin}/active`)).body["activations"]).toMatchObject([{ profile: "a" }]);
    const taken = since(process);
    put("profiles/a.yaml", "profile: a\nfaults: [{ type: latency, delay: 70ms }]\n");
    await taken.printed(/profile a\b/u);
    expect((await profile(admin, "a"))["text"]).toContain("70ms");
  });
});

describe("a folder that is not there yet", () => {
  it("is watched: ./profiles, which appears while the daemon runs", async () => {
    const { process, admin } = await serve();
    const reload = since(process);
    put("profiles/late.yaml", "profile: late\nextends: high-latency\n");
    await reload.printed(/profile late/u);
    expect(await profile(admin, "late")).toMatchObject({ origin: "file" });
    const again = since(process);
    put("profiles/later.yaml", "profile: later\n");
    await again.printed(/profile later/u);
    const gone = since(process);
    rmSync(join(shop.folder, "profiles"), { recursive: true });
    await gone.printed(/profile late, profile later/u);
    expect(await profile(admin, "late")).toMatchObject({ code: "SQ_PROFILE_NOT_FOUND" });
  });

  it("is watched: one that the configuration names only later, and that is made after that", async () => {
    put("squall.yaml", "{}\n");
    const { process, admin } = await serve("--config", "squall.yaml");
    const refused = since(process);
    put("squall.yaml", "profiles: [chaos]\n");
    await refused.printed(/"file":"chaos"[^}]*"message":"no such file or folder"/u);
    const made = since(process);
    put("chaos/a.yaml", "profile: a\nextends: high-latency\n");
    await made.printed(/profile a\b/u);
    const edited = since(process);
    put("chaos/b.yaml", "profile: b\n");
    await edited.printed(/profile b\b/u);
    expect(await profile(admin, "b")).toMatchObject({ origin: "file", source: "chaos/b.yaml" });
  });

  it("is an error where it is named at the start", async () => {
    const { code, err } = await run("serve", "--admin", "127.0.0.1:0", "--profiles", "nowhere");
    expect(code).toBe(3);
    expect(err).toContain("nowhere:1:1 no such file or folder");
  });
});
