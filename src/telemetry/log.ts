/**
 * The log, for people at a terminal (pretty) or for machines (JSON lines). Each log is its own: nothing is
 * kept in winston's globals, and the stream it writes to is handed in. A reader that is slow or has gone
 * costs lines, which are counted, and never the daemon.
 */
import { Writable } from "node:stream";
import pc from "picocolors";
import winston from "winston";
import { SystemClock, type Clock } from "../core/clock.js";
import { recordFields } from "./entry.js";
import { inWords, jsonForm, prettyForm, type LineLevel, type LogLine, type TimedLine } from "./line.js";

export type { LineLevel, LogLine } from "./line.js";

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ["auto", "pretty", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What is used of `process.stdout`. */
export interface LogStream {
  write(text: string): unknown;
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
    const colours = pc.createColors(options.colours ?? (pretty && stream.isTTY === true));
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

/** Between winston and the stream: takes every line at once and writes as many as the stream has room for. */
class Outlet {
  readonly writable: Writable;
  readonly #stream: LogStream;
  #gone = false;
  lost = 0;

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
    if (this.#gone || (this.#stream.writableLength ?? 0) > WAITING_MAX_BYTES) {
      this.lost++;
      return;
    }
    try {
      this.#stream.write(line);
    } catch {
      this.#lose();
    }
  }

  /** Whoever read the log has gone, as in `squall serve | head`: the daemon goes on without it. */
  readonly #onError = (): void => {
    this.#lose();
  };

  #lose(): void {
    this.#gone = true;
    this.lost++;
  }
}
