import { existsSync } from "node:fs";
import fs, { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  RotatingFile,
  type FileSystem,
  type RotatingFileOptions,
} from "../../src/telemetry/rotating-file.js";

let folder: string;
let path: string;
let problems: string[];
const open: RotatingFile[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rotating-file-"));
  path = join(folder, "journal.jsonl");
  problems = [];
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((file) => file.close()));
  await rm(folder, { recursive: true, force: true });
});

function start(options: Partial<RotatingFileOptions> = {}): RotatingFile {
  const file = new RotatingFile({
    path,
    maxBytes: 1_000_000,
    maxFiles: 3,
    queueMax: 1_000,
    onProblem: (text) => problems.push(text),
    ...options,
  });
  open.push(file);
  return file;
}

const read = (name = "journal.jsonl") => readFile(join(folder, name), "utf8");
const names = async () => (await readdir(folder)).sort();

describe("writing", () => {
  it("appends lines in order and knows its size", async () => {
    const file = start();
    file.write("one");
    file.write("zwölf");
    await file.flush();
    file.write("three");
    await file.flush();
    expect(await read()).toBe("one\nzwölf\nthree\n");
    expect(file.size).toBe(17);
    expect(file.dropped).toBe(0);
  });

  it("writes nothing while the caller still runs, and then everything in one batch", async () => {
    let writes = 0;
    const file = start({ fileSystem: intercepted({ onWrite: () => void writes++ }) });
    for (let number = 0; number < 100; number++) file.write(`line ${number}`);
    expect(existsSync(path)).toBe(false);
    await file.flush();
    expect(writes).toBe(1);
    expect((await read()).split("\n")).toHaveLength(101);
  });

  it("continues an existing file, and its size", async () => {
    await writeFile(path, "before\n");
    const file = start();
    file.write("after");
    await file.flush();
    expect(await read()).toBe("before\nafter\n");
    expect(file.size).toBe(13);
  });

  it("does not glue a line to one that a crash has torn", async () => {
    await writeFile(path, '{"torn":');
    const file = start();
    file.write("whole");
    await file.flush();
    expect(await read()).toBe('{"torn":\nwhole\n');
    expect(file.size).toBe(15);
  });

  it("flushes at once when there is nothing to write", async () => {
    const file = start();
    await file.flush();
    expect(await names()).toEqual([]);
  });

  it("flushes the lines so far without waiting for those that keep coming", async () => {
    const file: RotatingFile = start({ fileSystem: intercepted({ onWrite: () => file.write("more") }) });
    file.write("first");
    await file.flush();
    expect(await read()).toMatch(/^first\n/);
  });
});

describe("rotation", () => {
  it("moves the file aside before it would grow beyond its limit, and keeps so many files", async () => {
    const file = start({ maxBytes: 12 });
    for (const line of ["1 aaa", "2 bbb", "3 ccc", "4 ddd", "5 eee", "6 fff", "7 ggg"]) file.write(line);
    await file.flush();
    expect(await names()).toEqual(["journal.jsonl", "journal.jsonl.1", "journal.jsonl.2"]);
    expect(await read()).toBe("7 ggg\n");
    expect(await read("journal.jsonl.1")).toBe("5 eee\n6 fff\n");
    expect(await read("journal.jsonl.2")).toBe("3 ccc\n4 ddd\n");
    expect(file.size).toBe(6);
    expect(problems).toEqual([]);
  });

  it("counts what an existing file already has", async () => {
    await writeFile(path, "123456789\n");
    const file = start({ maxBytes: 12 });
    file.write("next");
    await file.flush();
    expect(await read()).toBe("next\n");
    expect(await read("journal.jsonl.1")).toBe("123456789\n");
  });

  it("gives a line that is longer than the limit a file of its own", async () => {
    const file = start({ maxBytes: 8 });
    for (const line of ["a", "x".repeat(50), "b"]) file.write(line);
    await file.flush();
    expect(await read("journal.jsonl.2")).toBe("a\n");
    expect(await read("journal.jsonl.1")).toBe(`${"x".repeat(50)}\n`);
    expect(await read()).toBe("b\n");
  });

  it("starts over when only one file is kept", async () => {
    const file = start({ maxBytes: 6, maxFiles: 1 });
    for (const line of ["one", "two", "three"]) file.write(line);
    await file.flush();
    expect(await names()).toEqual(["journal.jsonl"]);
    expect(await read()).toBe("three\n");
  });

  it("keeps the lines when it fails, does not let the file grow, and goes on when it succeeds", async () => {
    await mkdir(join(folder, "journal.jsonl.1", "in the way"), { recursive: true });
    const file = start({ maxBytes: 6, maxFiles: 2 });
    file.write("one");
    file.write("two");
    await file.flush();
    file.write("three");
    await file.flush();
    expect(await read()).toBe("one\n");
    expect(problems).toHaveLength(1);
    await rm(join(folder, "journal.jsonl.1"), { recursive: true });
    file.write("four");
    await file.flush();
    expect(await read()).toBe("four\n");
    expect(await read("journal.jsonl.1")).toBe("three\n");
    expect(file.dropped).toBe(0);
  });
});

describe("a disk that fails", () => {
  it("is reported once, and what waited is written when it is back", async () => {
    await rm(folder, { recursive: true });
    const file = start();
    file.write("one");
    await file.flush();
    file.write("two");
    await file.flush();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^cannot write to .*journal\.jsonl: ENOENT/);
    await mkdir(folder);
    file.write("three");
    await file.flush();
    expect(await read()).toBe("one\ntwo\nthree\n");
    expect(file.dropped).toBe(0);
  });

  it("is reported again when it fails again", async () => {
    const file = start();
    for (const line of ["one", "two"]) {
      await rm(folder, { recursive: true });
      file.write(line);
      await file.flush();
      await mkdir(folder);
      await file.flush();
      expect(await read()).toBe(`${line}\n`);
    }
    expect(problems).toHaveLength(2);
  });

  it("is noticed when the folder goes away under an open file", async () => {
    const file = start();
    file.write("one");
    await file.flush();
    await rm(folder, { recursive: true });
    file.write("two");
    await file.flush();
    expect(problems).toHaveLength(1);
    await mkdir(folder);
    file.write("three");
    await file.flush();
    expect(await read()).toBe("two\nthree\n");
  });

  it("costs the lines beyond the queue, which are counted, and a full queue does not end the attempts", async () => {
    await rm(folder, { recursive: true });
    let opens = 0;
    const file = start({ queueMax: 2, fileSystem: intercepted({ onOpen: () => void opens++ }) });
    for (const line of ["one", "two", "three", "four"]) file.write(line);
    await file.flush();
    expect(file.dropped).toBe(2);
    await mkdir(folder);
    const before = opens;
    file.write("five");
    expect(file.dropped).toBe(3);
    await new Promise((resolve) => setImmediate(resolve));
    expect(opens).toBe(before + 1);
    await file.flush();
    expect(await read()).toBe("one\ntwo\n");
    file.write("six");
    await file.flush();
    expect(await read()).toBe("one\ntwo\nsix\n");
  });

  it("that fills up in the middle of a batch costs no whole line, and a torn one is written again", async () => {
    const space = { bytes: 6 };
    const file = start({ fileSystem: intercepted({ space }) });
    for (const line of ["one", "two", "three"]) file.write(line);
    await file.flush();
    expect(await read()).toBe("one\ntw");
    expect(problems).toEqual([`cannot write to ${path}: ENOSPC: no space left on device, write`]);
    space.bytes = Infinity;
    file.write("four");
    await file.flush();
    expect(await read()).toBe("one\ntw\ntwo\nthree\nfour\n");
    expect(file.dropped).toBe(0);
    expect(problems).toHaveLength(1);
  });

  it("is tried again by a line that comes during the attempt", async () => {
    let opens = 0;
    const onOpen = () => {
      opens++;
      if (opens > 1) return;
      file.write("two");
      throw new Error("not yet");
    };
    const file: RotatingFile = start({ fileSystem: intercepted({ onOpen }) });
    file.write("one");
    await file.flush();
    expect(problems).toEqual([`cannot write to ${path}: not yet`]);
    while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
    await file.flush();
    expect(await read()).toBe("one\ntwo\n");
  });

  it("is a directory where the file should be", async () => {
    await mkdir(path);
    const file = start();
    file.write("one");
    await file.flush();
    expect(problems[0]).toMatch(/EISDIR/);
    await rm(path, { recursive: true });
    await file.flush();
    expect(await read()).toBe("one\n");
  });

  it("does not stop the writing when the listener throws", async () => {
    await rm(folder, { recursive: true });
    const file = start({
      onProblem: () => {
        throw new Error("listener");
      },
    });
    file.write("one");
    await file.flush();
    await mkdir(folder);
    await file.flush();
    expect(await read()).toBe("one\n");
  });
});

describe("reopening", () => {
  it("leaves the renamed file alone and writes into a new one", async () => {
    const file = start();
    file.write("one");
    await file.flush();
    await rename(path, join(folder, "moved"));
    await file.reopen();
    expect(await read()).toBe("");
    file.write("two");
    await file.flush();
    expect(await read("moved")).toBe("one\n");
    expect(await read()).toBe("two\n");
  });

  it("lets go of the file even when it has not moved", async () => {
    let opens = 0;
    const file = start({ fileSystem: intercepted({ onOpen: () => void opens++ }) });
    file.write("one");
    await file.flush();
    await file.reopen();
    expect(opens).toBe(2);
    expect(await read()).toBe("one\n");
  });

  it("is not needed for the next line to find that the file has gone", async () => {
    const file = start();
    file.write("one");
    await file.flush();
    await rename(path, join(folder, "moved"));
    file.write("two");
    await file.flush();
    expect(await read("moved")).toBe("one\n");
    expect(await read()).toBe("two\n");
  });

  it("that fails is a problem, not an error", async () => {
    await rm(folder, { recursive: true });
    const file = start();
    await file.reopen();
    expect(problems).toHaveLength(1);
    await mkdir(folder);
  });
});

describe("closing", () => {
  it("writes what waits and counts what comes later", async () => {
    const file = start();
    file.write("one");
    const closed = file.close();
    file.write("two");
    await closed;
    await file.close();
    await file.reopen();
    expect(await read()).toBe("one\n");
    expect(file.dropped).toBe(1);
  });

  it("counts what could not be written", async () => {
    await rm(folder, { recursive: true });
    const file = start();
    file.write("one");
    file.write("two");
    await file.close();
    expect(file.dropped).toBe(2);
    await mkdir(folder);
  });
});

interface Interception {
  readonly onOpen?: () => void;
  readonly onWrite?: () => void;
  /** How much the disk still takes. */
  readonly space?: { bytes: number };
}

/** The real file system, with a disk of limited space and somebody who watches the writes. */
function intercepted({ onOpen, onWrite, space = { bytes: Infinity } }: Interception): FileSystem {
  return {
    ...fs,
    open: async (name, flags) => {
      onOpen?.();
      const handle = await fs.open(name, flags);
      const write = handle.write.bind(handle) as (bytes: Buffer, at: number, length: number) => unknown;
      const limited = async (bytes: Buffer, at = 0) => {
        onWrite?.();
        if (space.bytes === 0) throw new Error("ENOSPC: no space left on device, write");
        const length = Math.min(space.bytes, bytes.length - at);
        space.bytes -= length;
        return write(bytes, at, length);
      };
      return Object.assign(handle, { write: limited as unknown as typeof handle.write });
    },
  };
}
