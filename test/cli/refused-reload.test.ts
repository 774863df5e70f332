/** A reload that is refused, as `squall status` and `squall validate` tell it, with all that they print. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { command } from "../support/command-here.js";
import { ROOT, Workshop, type Said } from "../support/process.js";

let shop: Workshop;
let admin: string;

beforeAll(async () => {
  shop = new Workshop();
  mkdirSync(join(shop.folder, "profiles"));
  shop.file("profiles/mine.yaml", "profile: mine\nfaults: [{ type: latency, delay: 5ms }]\n");
  // Nobody names ./profiles here, and nobody watches: each reload is asked for.
  shop.file("squall.yaml", "admin: { listen: 127.0.0.1:0 }\nwatch: false\nseed: 1\n");
  const daemon = shop.start(["serve", "--log-format", "json"]);
  [, admin = ""] = await daemon.printed(/"admin":"(http:[^"]+)"/u);
});

afterAll(() => shop.close());

async function run(...words: string[]): Promise<Said> {
  const { code, out, err } = await command(words, { cwd: shop.folder, env: { SQUALL_ADMIN: admin } });
  const plain = (text: string): string =>
    text
      .replaceAll(admin, "ADMIN")
      .replace(/^squall \S+ at ADMIN, up \S+$/mu, "squall VERSION at ADMIN, up TIME")
      .replace(/\d{4}-\d\d-\d\dT\S+Z/gu, "TIME");
  return { code, out: plain(out), err: plain(err) };
}

async function reload(): Promise<number> {
  const { status } = await fetch(`${admin}/reload`, { method: "POST" });
  return status;
}

const HEAD = "squall VERSION at ADMIN, up TIME\n  no proxies\n";
const MISTAKE = 'profiles/mine.yaml:2:34 faults[0].delay: expected a duration such as 50ms, got "soon"';

it("is in the status with every mistake, until a reload succeeds", async () => {
  expect(await run("status")).toEqual({
    code: 0,
    out: `${HEAD}nothing is on (revision 0)\n`,
    err: "",
  });
  shop.file(
    "profiles/mine.yaml",
    "profile: mine\nfaults: [{ type: latency, delay: soon }, { type: latncy }]\n",
  );
  expect(await reload()).toBe(422);
  expect((await run("status")).out).toBe(
    `${HEAD}the last reload was refused at TIME, and what was in force stays:\n` +
      `  ${MISTAKE}\n` +
      '  profiles/mine.yaml:2:50 faults[1].type: no fault type is called "latncy" (did you mean "latency"?)\n' +
      "nothing is on (revision 0)\n",
  );
  // The daemon has the file's profile since it was right; one that starts now would do without.
  const checked = await run("validate");
  const shipped = readdirSync(join(ROOT, "profiles")).length;
  expect(checked).toMatchObject({
    code: 0,
    out: `ok: squall.yaml, ${shipped} profiles that come with Squall\n`,
  });
  expect(checked.err.split("\n").filter((line) => line.startsWith("warning "))).toEqual([
    `warning ${MISTAKE}: the file is left out`,
    'warning profiles:1:1 one file of ./profiles is left out, as nobody named this folder (if they are meant for Squall, name the folder ("profiles: [./profiles]" in squall.yaml, or --profiles profiles); if not, "profiles: []" leaves it alone)',
    "warning profiles:1:1 a daemon that starts now does without; one that runs, and has taken profiles from such a file before, refuses to reload and keeps them",
  ]);
  shop.file("profiles/mine.yaml", "profile: mine\n");
  expect(await reload()).toBe(200);
  expect((await run("status")).out).toBe(`${HEAD}nothing is on (revision 0)\n`);
});

it("is what an emptied file gets from a daemon that runs, which a start takes", async () => {
  const whole = "admin: { listen: 127.0.0.1:0 }\nwatch: false\nseed: 1\n";
  shop.file("squall.yaml", "");
  shop.file("profiles/mine.yaml", "");
  expect(await reload()).toBe(422);
  expect((await run("status")).out).toContain(
    "  squall.yaml:1:1 expected settings, got an empty file ({} says that there are none)\n",
  );
  const empty = (start: string): string =>
    `:1:1 is empty: a daemon that starts now ${start}; one that runs, and has read something there before, refuses to reload (`;
  const { code, err } = await run("validate");
  expect(code).toBe(0);
  expect(err).toBe(
    `warning squall.yaml${empty("takes it for no settings")}{} says that there are none)\n` +
      `warning profiles/mine.yaml${empty("does without")}delete the file if there are to be no profiles in it)\n`,
  );
  shop.file("squall.yaml", whole);
  expect(await reload()).toBe(422);
  shop.file("profiles/mine.yaml", "profile: mine\n");
  expect(await reload()).toBe(200);
});

it("is not needed to find a file without a profile", async () => {
  mkdirSync(join(shop.folder, "void"));
  shop.file("empty.yaml", "# later\n");
  const [file, folder, whole] = await Promise.all([
    run("validate", "empty.yaml"),
    run("validate", "void"),
    run("validate", "profiles", join(ROOT, "profiles")),
  ]);
  expect(file).toMatchObject({ code: 0, err: "warning empty.yaml:1:1 holds no profile\n" });
  expect(folder).toMatchObject({ code: 0, err: "warning void:1:1 holds no profile\n" });
  expect(whole).toMatchObject({ code: 0, err: "" });
});
