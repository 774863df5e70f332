#!/usr/bin/env node
/** The `squall` command: arguments, signals, exit codes. Nothing else in the daemon touches `process`. */
import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import pc from "picocolors";
import { loadBundle } from "./cli/bundle.js";
import { growHeap, keepHeap } from "./cli/heap.js";
import type { Io } from "./cli/io.js";
import { underName } from "./cli/own-name.js";
import type * as Program from "./cli/program.js";

growHeap();

const program = realpathSync(fileURLToPath(import.meta.url));
const terminal = process.stdout.isTTY;

const isSet = (variable: string): boolean => (process.env[variable] ?? "") !== "";

let stop: (signal: string) => void = () => undefined;
const stopped = new Promise<string>((resolve) => {
  stop = resolve;
});
let asked = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The first one drains; who asks again does not want to wait.
    if (++asked > 1) process.exit(128 + (signal === "SIGINT" ? 2 : 15));
    stop(signal);
  });
}
// Neither a reader that went away (`squall journal | head`) nor a full disk decides when a command is over, nor how.
let outputError: NodeJS.ErrnoException | null = null;
const outputLost = new Promise<Error>((resolve) => {
  process.stdout.on("error", (error) => {
    outputError ??= error;
    resolve(error);
  });
});
process.stderr.on("error", () => undefined);

/** One row: a longer line would be wrapped, and only its last row replaced. */
function showLive(line: string | null): void {
  const width = process.stderr.columns || 80;
  process.stderr.write(`\r\u001b[2K${line === null ? "" : cutTo(line, width - 1)}`);
}

/** Sequences for colours take no room. */
function cutTo(line: string, width: number): string {
  let room = width;
  let kept = "";
  for (const part of line.split(/(\u001b\[\d+m)/u)) {
    if (part.startsWith("\u001b")) kept += part;
    else {
      kept += [...part].slice(0, room).join("");
      room = Math.max(0, room - [...part].length);
    }
  }
  return kept;
}

const io: Io = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  // FORCE_COLOR is for pipes that end at a terminal after all, such as `| less -R`; NO_COLOR counts over it.
  colours: pc.createColors(pc.isColorSupported && (terminal || isSet("FORCE_COLOR"))),
  terminal,
  live: process.stderr.isTTY ? showLive : null,
  log: process.stdout,
  pid: process.pid,
  node: process.version,
  platform: process.platform,
  program,
  home: dirname(dirname(program)),
  stopped,
  outputLost,
  outputError: async () => {
    // An error is told a turn after the write that it is about.
    await new Promise<void>((resolve) => {
      process.stdout.write("", () => {
        resolve();
      });
    });
    return outputError;
  },
  started: () => {
    keepHeap();
  },
  onHangup: (run) => process.on("SIGHUP", run),
  onExit: (run) => process.on("exit", run),
  onUncaught: (run) => process.on("uncaughtException", run).on("unhandledRejection", run),
};

// Images of Toxiproxy have both of its programs, and scripts call them by their names.
const words = underName(basename(process.argv[1] ?? ""), process.argv.slice(2));
// A word such as `--version` is answered by less than the bundle has.
const short = words.length === 1 && /^--?v(?:ersion)?$/u.test(words[0] ?? "");
const bundled = short ? null : loadBundle<typeof Program>(dirname(program), process);
const { runCommand } = bundled ?? (await import("./cli/program.js"));
process.exitCode = await runCommand(words, io);
// Whatever a command left behind (a socket that lingers) must not keep a finished command alive.
process.exit();
