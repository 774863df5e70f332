/** What depends on where the output goes and under which name the command is called: real processes, a terminal pretended in them. */
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, expect, it } from "vitest";
import type { Squall } from "../support/process.js";
import { MAIN, squall, Workshop, type Ended } from "../support/process.js";
import { sample } from "../support/scope.js";

const shop = new Workshop();
afterAll(() => shop.close());

/** Before anything of ours is loaded, standard output says that it is a terminal. */
const TERMINAL = {
  NODE_OPTIONS: "--import data:text/javascript,process.stdout.isTTY=true",
  TERM: "xterm",
};

const listed = (env: Record<string, string>): Promise<Ended> =>
  squall(["profiles", "--local"], { cwd: shop.folder, env });

const OUTPUTS: readonly (readonly [string, Record<string, string>, boolean])[] = [
  ["a terminal", TERMINAL, true],
  ["a terminal with NO_COLOR", { ...TERMINAL, NO_COLOR: "1" }, false],
  ["a terminal with an empty NO_COLOR", { ...TERMINAL, NO_COLOR: "" }, true],
  ["a terminal that is dumb", { ...TERMINAL, TERM: "dumb" }, false],
  ["a pipe", { TERM: "xterm" }, false],
  ["a pipe of a CI", { CI: "true" }, false],
  ["a pipe with FORCE_COLOR", { FORCE_COLOR: "1" }, true],
  ["a pipe with an empty FORCE_COLOR", { FORCE_COLOR: "" }, false],
  ["a pipe with both", { FORCE_COLOR: "1", NO_COLOR: "1" }, false],
];
it.concurrent.each(sample(OUTPUTS, 1, ([, , coloured]) => coloured))(
  "writes to %s in colours only where they are wanted: %j",
  async (_where, env, coloured) => {
    const { code, out } = await listed(env);
    expect(code).toBe(0);
    const plain = stripVTControlCharacters(out);
    expect(plain).toMatch(/^ {2}high-latency {2}\(library\)$/mu);
    expect(out !== plain).toBe(coloured);
  },
);

const LOGS: readonly (readonly [string, Record<string, string>, boolean])[] = [
  ["a terminal", TERMINAL, true],
  ["a terminal with NO_COLOR", { ...TERMINAL, NO_COLOR: "1" }, false],
  ["a pipe", {}, false],
];
it.concurrent.each(sample(LOGS, 1, ([, , coloured]) => coloured))(
  "logs to %s in colours only where they are wanted",
  async (_where, env, coloured) => {
    const daemon = shop.start(["serve", "--admin", "127.0.0.1:0", "--log-format", "pretty"], { env });
    const [line = ""] = await daemon.printed(/^.* is ready.*$/mu);
    expect(line !== stripVTControlCharacters(line)).toBe(coloured);
    daemon.kill();
    expect((await daemon.ended).code).toBe(0);
  },
);

it("shows its help on a terminal, and elsewhere as well, but then as a mistake", async () => {
  const [seen, unseen] = await Promise.all([
    squall([], { cwd: shop.folder, env: TERMINAL }),
    squall([], { cwd: shop.folder }),
  ]);
  expect(seen).toMatchObject({ code: 0, err: "" });
  expect(seen.out).toMatch(/^Usage: squall /u);
  expect(unseen).toMatchObject({ code: 2, out: "" });
  expect(unseen.err).toBe(
    `${seen.out}\nsquall: there is no command (the daemon is started with "squall serve")\n`,
  );
});

it("is Toxiproxy's programs under their names", async () => {
  for (const name of ["toxiproxy", "toxiproxy-server", "toxiproxy-cli"])
    symlinkSync(MAIN, join(shop.folder, name));
  const called = (name: string, ...words: string[]): Squall =>
    shop.start(words, { cwd: shop.folder, command: join(shop.folder, name) });
  // Without a word the server starts, though `squall` shows its help; its port may be anything but the usual one here.
  for (const name of sample(["toxiproxy", "toxiproxy-server"], 1)) {
    const version = await called(name, "-version").ended;
    expect(version).toMatchObject({ code: 0, err: "" });
    expect(version.out).toMatch(/^squall \S+\ntoxiproxy-server version \d\S* \(whose API it serves\)\n$/u);
    const server = called(name, "-port", "0");
    const [, admin = ""] = await server.printed(/(http:\/\/127\.0\.0\.1:\d+)/u);
    const made = await called(
      "toxiproxy-cli",
      ...["-h", admin, "create", "-l", "127.0.0.1:0", "-u", "127.0.0.1:1", "web"],
    ).ended;
    expect(made).toMatchObject({ code: 0, out: "Created new proxy web\n", err: "" });
    server.kill();
    expect((await server.ended).code).toBe(0);
    // Words that are commands of ours are these.
    expect((await called(name, "profiles", "--local").ended).out).toContain("high-latency");
  }
});
