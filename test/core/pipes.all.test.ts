/** Named pipes in place of files that somebody names: nobody waits for them longer than is told here, whether or not somebody writes. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminClient } from "../../src/cli/client.js";
import { readConfigFile, readRunFile } from "../../src/cli/files.js";
import { knownRoutes } from "../../src/cli/known-routes.js";
import { hostsOf } from "../../src/cli/on/hosts.js";
import { profileText } from "../../src/cli/profile-file.js";
import { textOf } from "../../src/cli/replay.js";
import { readOnce, readRegular } from "../../src/core/read-file.js";
import { CertificateFiles } from "../../src/proxy/secure/certificate-files.js";
import { RotatingFile } from "../../src/telemetry/rotating-file.js";
import { givenCA } from "../../src/tls/authority-files.js";
import { dateWarning } from "../../src/tls/dates.js";
import { KeyLog } from "../../src/tls/key-log.js";
import { readCertificates } from "../../src/tls/pem-files.js";
import { ClientTls } from "../../src/mock/tls/client.js";
import { VirtualClock } from "../../src/core/clock.js";

const missing = spawnSync("mkfifo", ["--version"]).error !== undefined;
const needs = missing ? " (needs: mkfifo)" : "";

let folder = "";
let pipe = "";
/** Ends of the pipe that are open. */
const ends: number[] = [];

beforeEach(() => {
  if (missing) return;
  folder = mkdtempSync(join(tmpdir(), "squall-pipes-"));
  pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
});
afterEach(() => {
  for (const end of ends.splice(0)) closeSync(end);
  rmSync(folder, { recursive: true, force: true });
});

/** Somebody who has the pipe open for both directions, so that nobody waits for him. */
function somebody(text = ""): number {
  const end = openSync(pipe, "r+");
  ends.push(end);
  if (text !== "") writeSync(end, text);
  return end;
}

describe.skipIf(missing)(`a pipe that is read once${needs}`, () => {
  it("is empty if nobody writes to it", () => {
    expect(readOnce(pipe, 10, 30).length).toBe(0);
  });

  it("is left if nothing comes from it, or not its end", () => {
    const end = somebody();
    expect(() => readOnce(pipe, 10, 30)).toThrow("nothing comes from it");
    writeSync(end, "half");
    expect(() => readOnce(pipe, 10, 30)).toThrow("its end does not come");
    writeSync(end, "much more than that");
    expect(() => readOnce(pipe, 10, 30)).toThrow("is larger than 10B");
  });

  it("is whole when whoever writes to it is done, a little at a time", async () => {
    const lines = 'exec 3<>"$0"; echo ready; sleep 0.1; printf "profile: " >&3; sleep 0.1; printf slow >&3';
    const writer = spawn("sh", ["-c", lines, pipe], { stdio: ["ignore", "pipe", "ignore"] });
    const gone = once(writer, "close");
    await once(writer.stdout, "data");
    expect(readOnce(pipe, 100).toString("utf8")).toBe("profile: slow");
    await gone;
  });
});

describe.skipIf(missing)(`a pipe to which nobody writes${needs}`, () => {
  const here = { cwd: "/" };

  it.each<[string, () => unknown]>([
    ["the configuration", () => readConfigFile(pipe, here)?.text],
    ["a run file", () => readRunFile(pipe, here)?.text],
    ["a profile", () => profileText(pipe, here)],
    ["a replay file, and a journal", () => textOf(pipe, here)],
  ])("is read as nothing in place of %s", (_what, read) => {
    expect(read()).toBe("");
  });

  it.each<[string, () => unknown]>([
    [
      "an OpenAPI description",
      () => knownRoutes({ routes: [], openapi: [pipe], config: null }, { cwd: "/", env: {}, home: "/" }),
    ],
    ["a list of daemons", () => hostsOf([`@${pipe}`], here)],
    ["a bot's CA", () => new ClientTls({ ca: pipe })],
    [
      "a certificate",
      () => new CertificateFiles({ cert: pipe, key: pipe }, new VirtualClock(), () => undefined),
    ],
    ["certificates that are trusted", () => readCertificates(pipe)],
    ["Squall's own CA", () => givenCA({ cert: pipe, key: pipe })],
    ["what is read again while a daemon runs", () => readRegular(pipe, 10)],
  ])("is refused in place of %s", async (_what, read) => {
    await expect((async () => read())()).rejects.toThrow(/pipe|expected|no certificate|empty|nothing/iu);
  });

  it("holds up neither the admin client nor a look at dates", () => {
    expect(() => new AdminClient({ admin: "https://127.0.0.1:1", adminCa: pipe }, { env: {} })).not.toThrow();
    expect(dateWarning(pipe, "shown", 0)).toBeNull();
  });
});

describe.skipIf(missing)(`a pipe that nobody reads${needs}`, () => {
  it("holds up no journal: what it does not take is dropped and told", async () => {
    somebody();
    const problems: string[] = [];
    const onProblem = (text: string): unknown => problems.push(text);
    const file = new RotatingFile({ path: pipe, maxBytes: 1e6, maxFiles: 3, queueMax: 1_000, onProblem });
    for (let line = 0; line < 300; line++) file.write("x".repeat(1_000));
    await file.close();
    expect(problems).toEqual([expect.stringContaining("EAGAIN")]);
    expect(file.dropped).toBeGreaterThan(100);
  });

  it("holds up no key log", async () => {
    const failures: Error[] = [];
    const log = new KeyLog(pipe, (error) => failures.push(error));
    log.write(Buffer.from("CLIENT_RANDOM a b\n"));
    log.write(Buffer.from("CLIENT_RANDOM c d\n"));
    await log.close();
    expect(failures.map(({ message }) => message)).toEqual([expect.stringContaining("ENXIO")]);
  });
});
