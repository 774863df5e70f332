/** A job as a bot has it, and the work that is done on it. */
import type { BodyAccount } from "./transfer.js";

export interface Job {
  readonly id: string;
  readonly type: string;
  readonly payload: unknown;
  /** 1 for the first lease of the job, 2 if a bot had it before. */
  readonly attempt: number;
  /** Of a payload that is too large for JSON, and is fetched by itself. */
  readonly body?: BodyAccount | undefined;
}

export interface Desk {
  /** Aborted when the result is not wanted any more. */
  readonly signal: AbortSignal;
  /** From 0 to 1; told to the server with the next heartbeat. */
  readonly progress: (share: number) => void;
  /** The file with the payload, for a job that has it as a body. */
  readonly payload: string | null;
  /** Where a new file may be written; it is gone when the job is. */
  readonly newFile: () => Promise<string>;
  /** Gives a file to the server as an artifact of the job, and resolves when the server has all of it. */
  readonly attach: (name: string, file: string) => Promise<void>;
}

/** Does a job and resolves with its result. A rejection is reported to the server as a failure of the job. */
export type Work = (job: Job, desk: Desk) => Promise<unknown>;
