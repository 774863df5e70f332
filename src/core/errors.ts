/**
 * Errors that a user or a peer can cause, from one table: code, HTTP status and what it is about.
 * Codes are stable and never used again for something else; docs/errors.md lists them, and a test keeps both in step.
 */

export const ERRORS = {
  SQ_BAD_REQUEST: { status: 400, about: "The request is not what this call takes." },
  SQ_BAD_PARAM: { status: 400, about: "A query parameter has a value that it cannot have." },
  SQ_UNAUTHORIZED: { status: 401, about: "The admin token is missing or wrong." },
  SQ_FORBIDDEN_HOST: {
    status: 403,
    about: "The Host or Origin header names a host that the admin port does not answer to.",
  },
  SQ_FLEET_FORBIDDEN: {
    status: 403,
    about: "This daemon, or its credentials at the engine, may not do that to the fleet.",
  },
  SQ_NOT_FOUND: { status: 404, about: "No such path." },
  SQ_PROFILE_NOT_FOUND: { status: 404, about: "No profile has that name." },
  SQ_EXCHANGE_NOT_FOUND: {
    status: 404,
    about:
      "Nothing is known of that exchange, connection, question or flow: nobody watched, or it had to make room.",
  },
  SQ_ACTIVATION_NOT_FOUND: { status: 404, about: "No activation has that id." },
  SQ_PROXY_NOT_FOUND: { status: 404, about: "No proxy has that name." },
  SQ_FAULT_NOT_FOUND: { status: 404, about: "The proxy has no fault of that name." },
  SQ_NO_FLEET: { status: 404, about: "This daemon belongs to no fleet." },
  SQ_DAEMON_NOT_FOUND: {
    status: 404,
    about: "The fleet has no daemon of that name now, or it does not say where its admin API is.",
  },
  SQ_METHOD_NOT_ALLOWED: { status: 405, about: "The path exists, but not with this method." },
  SQ_TIMEOUT: { status: 408, about: "The request did not arrive in time." },
  SQ_PROXY_EXISTS: { status: 409, about: "A proxy of that name exists already." },
  SQ_FAULT_EXISTS: { status: 409, about: "The proxy has a fault of that name already." },
  SQ_PROFILE_IN_FILE: {
    status: 409,
    about: "The profile belongs to a file and cannot be deleted through the API.",
  },
  SQ_DAEMON_AMBIGUOUS: {
    status: 409,
    about: "Several daemons of the fleet go by that name, and it is not known which one is meant.",
  },
  SQ_FLEET_CONFLICT: {
    status: 409,
    about: "Others changed the plan of the fleet again and again meanwhile; nothing was done.",
  },
  SQ_TOO_LARGE: { status: 413, about: "The body is larger than the admin port takes." },
  SQ_INVALID_PROFILE: {
    status: 422,
    about: "The profile has mistakes; `details` lists each with its position.",
  },
  SQ_INVALID_CONFIG: {
    status: 422,
    about: "The configuration has mistakes; `details` lists each with its position.",
  },
  SQ_INVALID_ACTIVATION: {
    status: 422,
    about: "The activation cannot be put into force as it was asked for.",
  },
  SQ_ENGINE_UNAVAILABLE: {
    status: 422,
    about: "A fault insists on an engine that cannot carry it out here.",
  },
  SQ_INVALID_STATE: {
    status: 422,
    about: "The state file cannot be read, or is none that this Squall can go on with.",
  },
  SQ_INVALID_FLEET_PLAN: {
    status: 422,
    about: "A fleet's plan, or the text of one of its profiles, is not what this Squall understands.",
  },
  SQ_INVALID_JOURNAL: {
    status: 422,
    about: "The file is no journal that Squall wrote, or has no entry; `details` lists the lines.",
  },
  SQ_INVALID_CA: {
    status: 422,
    about: "The files of the CA cannot be read, or are no CA that can sign certificates.",
  },
  SQ_TOO_MANY: { status: 429, about: "A limit of the daemon is reached." },
  SQ_INTERNAL: { status: 500, about: "A mistake of Squall itself; the log has the trace." },
  SQ_LISTEN_FAILED: { status: 500, about: "The listening address cannot be bound." },
  SQ_ADMIN_PORT_TAKEN: { status: 500, about: "The admin port is in use by somebody else." },
  SQ_STATE_LOCKED: { status: 500, about: "Another daemon keeps its state in that file." },
  SQ_FLEET_FAILED: { status: 502, about: "The engine of the fleet refused; the message has its words." },
  SQ_DAEMON_UNREACHABLE: { status: 502, about: "Another daemon of the fleet does not answer." },
  SQ_FLEET_AWAY: {
    status: 503,
    about: "The engine of the fleet does not answer; what was asked for may have been done all the same.",
  },
  SQ_NOT_READY: {
    status: 503,
    about: "A proxy cannot listen at the moment, or the daemon has not joined its fleet yet.",
  },
  SQ_STOPPING: {
    status: 503,
    about: "The daemon is stopping or has stopped, and a change would not be there after the restart.",
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** One mistake in a text that a user wrote, with where it is. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Where in the document, such as `faults[2].jitter`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  /** The line of the file, for the caret; of a long one what is around the column. */
  readonly source?: string;
  /** Characters of the line that were left out before `source`. */
  readonly cut?: number;
}

export interface ErrorDetail {
  readonly path?: string;
  readonly hint?: string;
  readonly details?: readonly Problem[];
  readonly cause?: unknown;
}

export class SquallError extends Error {
  override readonly name = "SquallError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly path: string | undefined;
  readonly hint: string | undefined;
  readonly details: readonly Problem[] | undefined;

  constructor(code: ErrorCode, text: string, detail: ErrorDetail = {}) {
    super(text, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.status = ERRORS[code].status;
    this.path = detail.path;
    this.hint = detail.hint;
    this.details = detail.details;
  }

  /** The shape that the admin API answers: a superset of Toxiproxy's `{error, status}`. */
  toJSON(): Record<string, unknown> {
    return {
      error: this.message,
      status: this.status,
      code: this.code,
      ...(this.path === undefined ? {} : { path: this.path }),
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** `file:12:15 faults[2].jitter: expected …`, the line, a caret, and the hint. */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const head = `${where} ${problem.path === "" ? "" : `${problem.path}: `}${problem.message}`;
  const hint = problem.hint === undefined ? "" : ` (${problem.hint})`;
  if (problem.source === undefined) return head + hint;
  const { text, caret } = excerpt(problem.source, problem.column - (problem.cut ?? 0));
  return `${head}${hint}\n    ${text}\n    ${" ".repeat(caret)}^`;
}

/** Long lines are cut around the column, and tabs become single spaces, so that the caret stands right. */
function excerpt(source: string, column: number): { text: string; caret: number } {
  const from = Math.max(0, column - 1 - 60);
  const text = source.slice(from, from + 120).replace(/[\t\u0000-\u001f\u007f]/gu, " ");
  return { text, caret: Math.min(column - 1 - from, text.length) };
}
