/** What a command may touch of the world outside: handed in by main.ts, so that tests can hand in their own. */
import type { Colors } from "picocolors/types.js";
import type { LogStream } from "../telemetry/log.js";

export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Colours for standard output; all functions are the identity where there is no terminal. */
  readonly colours: Colors;
  readonly terminal: boolean;
  /** Shows a line on the terminal of standard error that the next call replaces, and none for null; null where there is no terminal. */
  readonly live: ((line: string | null) => void) | null;
  /** Where a daemon logs. */
  readonly log: LogStream;
  readonly pid: number;
  readonly node: string;
  /** Such as `linux`: only there is all of 127.0.0.0/8 this machine. */
  readonly platform: string;
  /** Where this program is: for children that run it again, and for the profiles that come with it. */
  readonly program: string;
  readonly home: string;
  /** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly stopped: Promise<string>;
  /** Resolves when standard output cannot be written: its reader has gone, or its disk is full. */
  readonly outputLost: Promise<Error>;
  /** The first such error, when all that was said so far has gone out; null if all is well. */
  readonly outputError: () => Promise<NodeJS.ErrnoException | null>;
  /** Whatever runs for long has begun to do its work. */
  readonly started: () => void;
  /** Calls back at each SIGHUP. */
  readonly onHangup: (run: () => void) => void;
  /** Calls back when the process ends by itself, whatever for; what is done there must not wait. */
  readonly onExit: (run: () => void) => void;
  /** From then on hears of exceptions and rejections that nobody caught, which do not end the process any more. */
  readonly onUncaught: (run: (error: unknown) => void) => void;
}

/** Exit codes, as docs/cli.md lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  invalid: 3,
  unreachable: 4,
} as const;

/** Ends a command with a code and a text for standard error. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  constructor(
    readonly exitCode: number,
    text: string,
  ) {
    super(text);
  }
}
