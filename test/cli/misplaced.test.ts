/** Right words in the wrong place: an option before its command, a part of a value as an option, a configuration among profiles. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { commandHere } from "../support/command-here.js";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "squall-misplaced-"));
});
afterEach(() => {
  rmSync(cwd, { recursive: true, force: true });
});

/** The exit code, and what stands on standard error. */
async function told(...words: string[]): Promise<string> {
  const { code, err } = await commandHere(words, { cwd });
  return `${code} ${err}`;
}

it.each([
  [["--admin", "http://127.0.0.1:8474", "status"], "squall status --admin …"],
  [["--token", "x", "use", "busy"], "squall use --token …"],
  [["--admin=127.0.0.1:8474", "journal", "--follow"], "squall journal --admin=127.0.0.1:8474 …"],
])("says of %j where options stand", async (words, line) => {
  expect(await told(...words)).toBe(`2 squall: options stand behind the command: ${line}\n`);
});

it("says how a part of a value is written", async () => {
  expect(await told("add", "jobs", "http_status", "--status=500", "--when.every", "2")).toBe(
    "2 squall: --when.every: there is no such option (parts of a value stand in it, as YAML: --when '{ every: … }')\n",
  );
});

it("takes a configuration in a folder of profiles for what it is", async () => {
  writeFileSync(
    join(cwd, "squall.yaml"),
    "proxies:\n  jobs: { listen: 127.0.0.1:1, upstream: tcp://127.0.0.1:2 }\n",
  );
  const said = await told("validate", ".");
  expect(said).toContain(
    "squall.yaml:1:1 expected profiles, and this is a configuration (check it by its name: squall validate squall.yaml)",
  );
  expect(said).toContain("squall: one mistake");
});

it("names one's own profiles before those that come with Squall, of which there are many", async () => {
  const jobs = "jobs: { listen: 127.0.0.1:1, upstream: http://127.0.0.1:2, except: [{ path: /healthz }] }";
  writeFileSync(join(cwd, "squall.yaml"), `proxies:\n  ${jobs}\nprofiles: [mine.yaml]\n`);
  writeFileSync(join(cwd, "mine.yaml"), "profile: zz-mine\nfaults: [{ type: reset }]\n");
  expect(await told("validate")).toMatch(
    /nothing is spared from these: zz-mine \(reset\), [^,]+, [^\n]+ and \d+ others\n/u,
  );
});

it("says which faults no proxy of the configuration can have, and where they stand", async () => {
  const jobs = "jobs: { listen: 127.0.0.1:1, upstream: tcp://127.0.0.1:2 }";
  writeFileSync(join(cwd, "squall.yaml"), `proxies:\n  ${jobs}\nprofiles: [mine.yaml]\n`);
  const mine = (third: string): void => {
    const faults = [
      "{ type: tls_end, how: without_notify }",
      "{ type: latency, delay: 1s, at: tls, proxy: jobs }",
      third,
    ];
    writeFileSync(
      join(cwd, "mine.yaml"),
      `profile: mine\nfaults:\n${faults.map((fault) => `  - ${fault}\n`).join("")}`,
    );
  };
  mine("{ type: reset, match: { sni: a.example } }");
  const warned = async (): Promise<string[]> =>
    [...(await told("validate")).matchAll(/^(?:\d )?warning (mine\S+ .*)$/gmu)].map(([, line = ""]) => line);
  expect(await warned()).toEqual([
    "mine.yaml:3:13 faults[0].type: tls_end cannot act on any proxy of squall.yaml: it takes a proxy that ends the TLS of its clients (secure: terminate) (squall use refuses it)",
    "mine.yaml:4:37 faults[1].at: latency cannot act on jobs: it is about TLS with clients, which takes a proxy with secure (squall use refuses it)",
    "mine.yaml:5:27 faults[2].match: reset cannot act on any proxy of squall.yaml: its match asks for the sni of clients of TLS, which takes a proxy with secure (squall use refuses it)",
  ]);
  mine("{ type: reset, match: [{ sni: a.example }, { client: 10.0.0.1 }] }");
  expect((await warned())[2]).toMatch(
    /^mine\.yaml:5:27 faults\[2\]\.match: match asks for the sni .* matches nobody$/u,
  );
  // One that can is enough.
  writeFileSync(
    join(cwd, "squall.yaml"),
    `proxies:\n  ${jobs.replace(" }", ", secure: true }")}\nprofiles: [mine.yaml]\n`,
  );
  expect(await warned()).toEqual([]);
});

it.each([
  [["help", "stats"], '2 squall: there is no command "stats" (did you mean "status"?)\n'],
  [["validate", "--config", "nope.yaml"], "cannot read the configuration nope.yaml: there is no such file\n"],
])("says once what is wrong with %j", async (words, said) => {
  expect(await told(...words)).toContain(said);
});
