import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createLog, LOG_LEVELS, type LogStream } from "../../src/telemetry/log.js";
import { logged } from "./samples.js";

// Other files run in the same process.
beforeAll(() => {
  vi.stubEnv("TZ", "Asia/Kolkata");
});
afterAll(() => {
  vi.unstubAllEnvs();
});

describe("levels", () => {
  it.each([
    ["silent", []],
    ["error", ["error"]],
    ["warn", ["error", "warn"]],
    ["info", ["error", "warn", "info"]],
    ["debug", ["error", "warn", "info", "debug"]],
  ] as const)("%s lets through what is as bad as that", async (level, expected) => {
    const { log, lines } = logged({ level, format: "json" });
    for (const each of ["error", "warn", "info", "debug"] as const) {
      log[each](each);
      expect(log.enabled(each)).toBe((expected as readonly string[]).includes(each));
    }
    expect((await lines()).map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(expected);
  });

  it("are these", () => {
    expect(LOG_LEVELS).toEqual(["silent", "error", "warn", "info", "debug"]);
  });
});

describe("the pretty form", () => {
  it("has the time where it is read, a topic and the text", async () => {
    const { log, lines } = logged({ level: "debug" });
    log.info("admin port open", { listen: "127.0.0.1:8474", attempts: 2 });
    log.warn("slow");
    log.write({ level: "info", topic: "fault", text: "jobs/latency", time: "2026-03-01T00:00:00.004Z" });
    log.write({ level: "error", text: "two things", more: ["first\nsecond", "third"] });
    expect(await lines()).toEqual([
      "19:33:07.120  squall   admin port open  listen 127.0.0.1:8474, attempts 2",
      "19:33:07.120  warn     slow",
      "05:30:00.004  fault    jobs/latency",
      "19:33:07.120  error    two things",
      "              first",
      "              second",
      "              third",
    ]);
  });

  it("never does what a text says", async () => {
    const { log, lines } = logged();
    log.info("a\u001b[31m\nforged", { bot: "\u009b2J\r" });
    log.write({ level: "info", text: "x", more: ["\u001b]0;title\u0007"] });
    expect(await lines()).toEqual([
      String.raw`19:33:07.120  squall   a\x1b[31m\x0aforged  bot \x9b2J\x0d`,
      "19:33:07.120  squall   x",
      String.raw`              \x1b]0;title\x07`,
    ]);
  });

  it("has colours only where they are wanted", async () => {
    const coloured = logged({ colours: true });
    coloured.log.error("red");
    expect((await coloured.lines())[0]).toContain("\u001b[31merror");
    const plain = logged({ colours: false });
    plain.log.error("plain");
    expect((await plain.lines())[0]).not.toContain("\u001b");
  });
});

describe("the JSON form", () => {
  it("is a line each, with the fields beside time, level and message", async () => {
    const { log, lines } = logged({ format: "json" });
    log.info("two\nlines", { port: 8474 });
    expect(await lines()).toEqual([
      '{"time":"2026-03-01T14:03:07.120Z","level":"info","message":"two\\nlines","port":8474}',
    ]);
  });

  it("does not let fields take the place of its own", async () => {
    const { log, lines } = logged({ format: "json" });
    log.info("true", { message: "false", level: "debug", time: 0 });
    expect(JSON.parse((await lines())[0]!)).toEqual({
      time: "2026-03-01T14:03:07.120Z",
      level: "info",
      message: "true",
    });
  });
});

describe("auto", () => {
  it("is pretty on a terminal and JSON elsewhere", async () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    const log = createLog({ level: "info", format: "auto", stream: terminal, colours: false });
    log.info("hello");
    await log.close();
    expect(String(terminal.read())).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}squall {3}hello\n$/u);
    const { log: other, lines } = logged({ format: "auto" });
    other.info("hello");
    expect(JSON.parse((await lines())[0]!)).toMatchObject({ message: "hello" });
  });
});

describe("secrets", () => {
  it("are masked in the fields of a line", async () => {
    const { log, lines } = logged();
    log.info("started", { admin_token: "abc", nested: { password: "def" } });
    const [line] = await lines();
    expect(line).toContain('admin_token ***, nested {"password":"***"}');
    expect(line).not.toMatch(/abc|def/u);
  });
});

describe("the stream", () => {
  it("gets every line before close resolves, in order, and stays open", async () => {
    const { log, sink, lines } = logged();
    for (let n = 0; n < 1_000; n++) log.info(`line ${n}`);
    const written = await lines();
    expect(written).toHaveLength(1_000);
    expect(written.at(-1)).toMatch(/line 999$/u);
    expect(sink.writableEnded).toBe(false);
    log.info("too late");
    await log.close();
    expect(sink.lines).toHaveLength(1_000);
  });

  it("loses lines when nobody reads, and counts them, instead of holding them all", async () => {
    const stuck = new PassThrough({ highWaterMark: 1 });
    const log = createLog({ level: "info", format: "pretty", stream: stuck, colours: false });
    const text = "x".repeat(1_000);
    for (let n = 0; n < 3_000; n++) log.info(text);
    await log.close();
    expect(stuck.writableLength + stuck.readableLength).toBeLessThan(1_100_000);
    expect(log.lost).toBeGreaterThan(1_900);
  });

  it("may break without harm to anybody", async () => {
    class Broken extends EventEmitter implements LogStream {
      calls = 0;
      write(): boolean {
        this.calls++;
        throw new Error("write after end");
      }
    }
    const stream = new Broken();
    const log = createLog({ level: "info", format: "pretty", stream });
    stream.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    log.info("one");
    log.info("two");
    await log.close();
    expect(stream.calls).toBe(0);
    expect([log.lost, log.problem]).toEqual([2, "write EPIPE"]);
    const throwing = new Broken();
    const other = createLog({ level: "info", format: "pretty", stream: throwing });
    other.info("one");
    other.info("two");
    await other.close();
    expect([other.lost, other.problem]).toEqual([2, "write after end"]);
    expect(throwing.listenerCount("error")).toBe(0);
  });

  it("that a full disk does not take is lost and counted, until the disk takes lines again", async () => {
    let full = true;
    const taken: string[] = [];
    class Disk extends EventEmitter implements LogStream {
      write(text: string, done?: (error?: Error | null) => void): void {
        if (!full) taken.push(text);
        const error = full
          ? Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
          : null;
        done?.(error);
        if (error !== null) this.emit("error", error);
      }
    }
    const log = createLog({ level: "info", format: "pretty", stream: new Disk() });
    log.info("one");
    log.info("two");
    await Promise.resolve();
    expect([log.lost, log.problem]).toEqual([2, "ENOSPC: no space left on device, write"]);
    full = false;
    log.info("three");
    await log.close();
    expect([log.lost, log.problem]).toEqual([2, null]);
    expect(taken.map((line) => line.trimEnd().split(" ").at(-1))).toEqual(["three"]);
  });

  it("can be shared by several logs, each with its own level", async () => {
    const { log, sink } = logged({ level: "debug" });
    const quiet = createLog({ level: "error", format: "json", stream: sink });
    quiet.info("not this");
    log.debug("this");
    await Promise.all([quiet.close(), log.close()]);
    expect(sink.lines).toEqual(["19:33:07.120  debug    this"]);
  });
});
