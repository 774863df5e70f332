/** What the daemon's files want at its start and at a reload, and where it looks for them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Files } from "../../src/daemon/files.js";
import { configIn, type DaemonOptions } from "../../src/daemon/options.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
let cwd: string;
let home: string;

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "squall-files-"));
  cwd = join(folder, "work");
  home = join(folder, "home");
  for (const place of [cwd, join(home, "profiles")]) mkdirSync(place, { recursive: true });
  writeProfile(join(home, "profiles"), "ours");
});

afterEach(() => {
  rmSync(join(cwd, ".."), { recursive: true });
});

function writeProfile(folder: string, name: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.yaml`), `profile: ${name}\nfaults: [{ type: latency, delay: 5ms }]\n`);
}

/** The files of a daemon that was started with this text, which is written to its file as well. */
function started(text: string, rest: Partial<DaemonOptions> = { file: "squall.yaml" }): Files {
  write(text);
  const options: DaemonOptions = {
    text,
    env: {},
    cwd,
    home,
    logStream: { write: () => true, on: () => undefined, off: () => undefined },
    ownProcess: false,
    pid: 1,
    node: "v0",
    ...rest,
  };
  return new Files(options, configIn(text, options), { seed: 1, types: TYPES, now: () => 0 });
}

const write = (text: string): void => {
  writeFileSync(join(cwd, "squall.yaml"), text);
};
const proxy = (port: number): string =>
  `proxies: { jobs: { listen: "127.0.0.1:${port}", upstream: "tcp://127.0.0.1:1" } }\n`;
const names = (files: readonly { readonly text: string }[]): string[] =>
  files.map(({ text }) => /profile: (\S+)/u.exec(text)?.[1] ?? "");

describe("profiles", () => {
  it("are those that come with Squall, if nobody has others", async () => {
    const files = started("{}");
    expect(names(await files.profiles())).toEqual(["ours"]);
    // A folder of one's own may appear later.
    expect(files.watched()).toEqual([
      join(home, "profiles"),
      join(cwd, "profiles"),
      join(cwd, "squall.yaml"),
    ]);
  });

  it("are those of the folder where the daemon was started, beside those that come with it", async () => {
    writeProfile(join(cwd, "profiles"), "here");
    const files = started("{}");
    expect(names(await files.profiles())).toEqual(["ours", "here"]);
    expect(files.watched()).toEqual([
      join(home, "profiles"),
      join(cwd, "profiles"),
      join(cwd, "squall.yaml"),
    ]);
  });

  it("are those that the configuration names, and not those of the folder that it does not", async () => {
    writeProfile(join(cwd, "profiles"), "here");
    writeProfile(join(cwd, "mine"), "named");
    expect(names(await started("profiles: [mine]").profiles())).toEqual(["ours", "named"]);
    expect(names(await started("profiles: { library: false, paths: mine }").profiles())).toEqual(["named"]);
    expect(names(await started("profiles: { library: false }").profiles())).toEqual(["here"]);
    expect(names(await started("profiles: []").profiles())).toEqual(["ours"]);
  });
});

describe("a reload", () => {
  it("reads the file again, and the profiles where it now says they are", async () => {
    const files = started(proxy(8_001));
    writeProfile(join(cwd, "mine"), "named");
    write(`${proxy(8_002)}profiles: [mine]\n`);
    expect(files.proxies()).toMatchObject([{ name: "jobs", listen: { port: 8_001 } }]);
    const desired = await files.desired();
    expect(desired.proxies).toMatchObject([{ name: "jobs", listen: { port: 8_002 } }]);
    expect(names(desired.files)).toEqual(["ours", "named"]);
    expect(desired.restartNeeded).toEqual([]);
  });

  it("tells where profiles are now before it reads them there, also if what is there is refused", async () => {
    const files = started("{}");
    write("profiles: [later]\n");
    const followed: (readonly string[])[] = [];
    const follow = (): Promise<void> => {
      followed.push(files.watched());
      return Promise.resolve();
    };
    await expect(files.desired(follow)).rejects.toThrow("no such file or folder");
    expect(followed).toEqual([[join(home, "profiles"), join(cwd, "later"), join(cwd, "squall.yaml")]]);
    writeProfile(join(cwd, "later"), "late");
    expect(names((await files.desired(follow)).files)).toEqual(["ours", "late"]);
  });

  it("names what has changed and only counts from the next start, and goes on without it", async () => {
    const files = started(`${proxy(8_001)}limits: { connections: 50 }\n`);
    write(`${proxy(8_001)}limits: { connections: 60 }\nseed: 9\nwatch: false\nlog: { level: debug }\n`);
    const desired = await files.desired();
    expect(desired.restartNeeded).toEqual(["limits", "log", "seed", "watch"]);
    expect(desired.proxies).toMatchObject([{ connections: 50 }]);
  });

  it("has the text of the start if there is no file, and watches none", async () => {
    const files = started(proxy(8_001), {});
    write(proxy(8_002));
    expect((await files.desired()).proxies).toMatchObject([{ listen: { port: 8_001 } }]);
    expect(files.watched()).toEqual([join(home, "profiles"), join(cwd, "profiles")]);
  });

  it.skipIf(platform() === "win32")("is no socket, and nothing that one would have to wait for", async () => {
    const files = started("{}");
    rmSync(join(cwd, "squall.yaml"));
    const server = createServer();
    await once(server.listen(join(cwd, "squall.yaml")), "listening");
    await expect(files.desired()).rejects.toThrow("cannot read squall.yaml: it is a socket, and no file");
    expect(files.edited()).toBe(true);
    server.close();
  });

  it("takes no file for settings that has been emptied to be written anew, in either form", async () => {
    const files = started(proxy(8_001));
    for (const nothing of ["", " \n"]) {
      write(nothing);
      await expect(files.desired()).rejects.toThrow(
        /^squall\.yaml:1:1 expected settings, got an empty file/u,
      );
    }
    write("{}");
    expect((await files.desired()).proxies).toEqual([]);
  });

  it("takes no profile away because its file has been emptied to be written anew, but because it is deleted", async () => {
    const files = started("profiles: { library: false, paths: [mine] }");
    const [folder, file] = [join(cwd, "mine"), join(cwd, "mine", "named.yaml")];
    writeProfile(folder, "named");
    writeFileSync(join(folder, "always_empty.yaml"), "");
    expect(names(await files.profiles())).toContain("named");
    writeFileSync(file, "\n");
    await expect(files.desired()).rejects.toThrow(/named\.yaml:1:1 expected profiles, got an empty file/u);
    await expect(files.desired()).rejects.toThrow(/got an empty file/u);
    rmSync(file);
    expect(names((await files.desired()).files)).toEqual([""]);
  });

  it("says where a mistake is", async () => {
    const files = started(proxy(8_001));
    write('proxies: { jobs: { upstream: "tcp://127.0.0.1:1", listen: nowhere } }\n');
    await expect(files.desired()).rejects.toThrow(/^squall\.yaml:1:59 proxies\.jobs\.listen: /u);
  });
});

it("take Toxiproxy's list in the place of squall.yaml, also when it was the other one before", async () => {
  const list = [
    {
      name: "redis",
      listen: "127.0.0.1:8003",
      upstream: "127.0.0.1:1",
      toxics: [{ type: "latency", attributes: { latency: 5 } }],
    },
  ];
  const redis = { name: "redis", listen: { port: 8_003 }, faults: [{ type: "latency" }] };
  expect(started(JSON.stringify(list)).proxies()).toMatchObject([redis]);
  const files = started(proxy(8_001));
  write(JSON.stringify(list));
  expect((await files.desired()).proxies).toMatchObject([redis]);
});
