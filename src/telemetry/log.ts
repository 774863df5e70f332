/**
 * The log, for people at a terminal (pretty) or for machines (JSON lines). Each log is its own: nothing is
 * kept in winston's globals, and the stream it writes to is handed in. A reader that is slow or has gone
 * costs lines, which are counted, and never the daemon.
 */
import { Writable } from "node:stream";
import pc from "picocolors";
import winston from "winston";
import { type Clock } from "../core/clock.js";
import { SystemClock } from "../core/system-clock.js";
import { recordFields } from "./entry.js";
import { inWords, jsonForm, prettyForm, type LineLevel, type LogLine, type TimedLine } from "./line.js";

export type { LineLevel, LogLine } from "./line.js";

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ["auto", "pretty", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What is used of `process.stdout`. */
export interface LogStream {
  /** `done` is called when it has gone out, or with why it could not; a stream need not do that. */
  write(text: string, done?: (error?: Error | null) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean;
  /** Bytes that wait in it. */
  readonly writableLength?: number;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** `auto` is pretty on a terminal and JSON elsewhere. */
  readonly format: LogFormat;
  readonly stream: LogStream;
  /** As the stream is a terminal or not, if not given. */
  readonly colours?: boolean;
  /** For the time of lines that carry none. */
  readonly clock?: Clock;
}

export interface Log {
  enabled(level: LineLevel): boolean;
  write(line: LogLine): void;
  error(text: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(text: string, fields?: Readonly<Record<string, unknown>>): void;
  info(text: string, fields?: Readonly<Record<string, unknown>>): void;
  debug(text: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Lines that could not be written. */
  readonly lost: number;
  /** Why the last of them could not; null if the stream takes lines, or takes them again. */
  readonly problem: string | null;
  /** Resolves when every line has been handed to the stream, which stays open. */
  close(): Promise<void>;
}

const SEVERITY = { error: 0, warn: 1, info: 2, debug: 3 } as const;
/** So many bytes may wait in the stream for a slow reader. */
const WAITING_MAX_BYTES = 1024 * 1024;

export function createLog(options: LogOptions): Log {
  return new WinstonLog(options);
}

class WinstonLog implements Log {
  readonly #level: LogLevel;
  readonly #clock: Clock;
  readonly #out: Outlet;
  readonly #transport: winston.transport;
  readonly #logger: winston.Logger;
  #closing: Promise<void> | null = null;

  constructor(options: LogOptions) {
    const { level, format, stream, clock = new SystemClock() } = options;
    this.#level = level;
    this.#clock = clock;
    const pretty = format === "pretty" || (format === "auto" && stream.isTTY === true);
    const colours = pc.createColors(
      options.colours ?? (pretty && stream.isTTY === true && pc.isColorSupported),
    );
    const print = pretty ? (line: TimedLine) => prettyForm(line, colours) : jsonForm;
    this.#out = new Outlet(stream);
    this.#transport = new winston.transports.Stream({ stream: this.#out.writable, eol: "\n" });
    this.#logger = winston.createLogger({
      levels: SEVERITY,
      level: level === "silent" ? "error" : level,
      silent: level === "silent",
      format: winston.format.printf(({ line }) => print(line as TimedLine)),
      transports: [this.#transport],
    });
  }

  get lost(): number {
    return this.#out.lost;
  }

  get problem(): string | null {
    return this.#out.problem;
  }

  enabled(level: LineLevel): boolean {
    return this.#level !== "silent" && SEVERITY[level] <= SEVERITY[this.#level];
  }

  write(line: LogLine): void {
    if (this.#closing !== null || !this.enabled(line.level)) return;
    const time = line.time ?? new Date(this.#clock.wallTime()).toISOString();
    this.#logger.log({ level: line.level, message: "", line: { ...line, time } satisfies TimedLine });
  }

  error(text: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#say("error", text, fields);
  }

  warn(text: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#say("warn", text, fields);
  }

  info(text: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#say("info", text, fields);
  }

  debug(text: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#say("debug", text, fields);
  }

  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => {
      this.#transport.once("finish", () => {
        this.#out.close();
        resolve();
      });
      this.#logger.end();
    });
    return this.#closing;
  }

  #say(level: LineLevel, text: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (!this.enabled(level)) return;
    const shown = recordFields(fields);
    this.write({ level, text, note: inWords(shown), fields: shown });
  }
}

/**
 * Between winston and the stream: takes every line at once and writes as many as the stream has room for. A reader that
 * has gone (EPIPE) does not come back; a disk that is full may have room again, and is asked with each line.
 */
class Outlet {
  readonly writable: Writable;
  readonly #stream: LogStream;
  #gone = false;
  lost = 0;
  problem: string | null = null;

  constructor(stream: LogStream) {
    this.#stream = stream;
    stream.on("error", this.#onError);
    this.writable = new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        this.#write(line);
        done();
      },
    });
  }

  close(): void {
    // What still waits in the stream may yet fail, and an error that nobody hears ends the process.
    if ((this.#stream.writableLength ?? 0) === 0) this.#stream.off("error", this.#onError);
  }

  #write(line: string): void {
    if (this.#gone) {
      this.lost++;
      return;
    }
    if ((this.#stream.writableLength ?? 0) > WAITING_MAX_BYTES) {
      this.lost++;
      this.problem = "its reader is too slow";
      return;
    }
    try {
      this.#stream.write(line, this.#written);
    } catch (error) {
      this.lost++;
      this.#note(error as NodeJS.ErrnoException);
    }
  }

  readonly #written = (error?: Error | null): void => {
    if (error === undefined || error === null) {
      if (!this.#gone) this.problem = null;
      return;
    }
    this.lost++;
    this.#note(error);
  };

  /** The stream says of each line what became of it; here, whether it is worth while to go on. */
  readonly #onError = (error: NodeJS.ErrnoException): void => {
    this.#note(error);
  };

  #note(error: NodeJS.ErrnoException): void {
    this.problem = error.message;
    this.#gone ||= error.code !== undefined && READER_GONE.has(error.code);
  }
}

const READER_GONE: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED", "EBADF"]);
