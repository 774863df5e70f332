/** What went wrong, in the words of the contract: the library's errors, and those of the JetStream API. */
import { EngineError, type EngineFailure } from "../../contract/engine.js";

/** Numbers of JetStream's errors, which stay what they are (nats-server, server/errors.json). */
export const JETSTREAM = {
  noPeers: 10_005,
  unavailable: 10_008,
  notLeader: 10_009,
  insufficient: 10_023,
  noMessage: 10_037,
  notEnabledForAccount: 10_039,
  storageExceeded: 10_047,
  nameInUse: 10_058,
  noStream: 10_059,
  wrongLastSequence: 10_071,
  notEnabled: 10_076,
  duplicateInProcess: 10_158,
  /** As 10071, without the number that it is: newer servers of a cluster say it of what is still on its way to the others. */
  wrongLastSequenceUnknown: 10_164,
} as const;

export class JetStreamError extends EngineError {
  readonly code: number;

  constructor(failure: EngineFailure, code: number, message: string) {
    super(failure, message);
    this.code = code;
  }
}

/** Nobody listens on that subject: there is no stream for it, or it has no leader, or there is no JetStream. */
export class NobodyError extends EngineError {
  constructor(engine: string, subject: string) {
    super("away", `${engine}: nobody answers ${subject}; is JetStream enabled there?`);
  }
}

/** No answer in time, though the connection is there. */
export class SilentError extends EngineError {}

const FAILURES: ReadonlyMap<number, EngineFailure> = new Map([
  [JETSTREAM.wrongLastSequence, "conflict"],
  [JETSTREAM.wrongLastSequenceUnknown, "conflict"],
  // Of a cluster some of whose servers are away.
  [JETSTREAM.noPeers, "away"],
  [JETSTREAM.unavailable, "away"],
  [JETSTREAM.notLeader, "away"],
  [JETSTREAM.duplicateInProcess, "away"],
]);

/** There is no room: for an account, a server or a disk. Newer servers say some of them with 503. */
const NO_ROOM: ReadonlySet<number> = new Set([10_002, 10_023, 10_027, 10_028, 10_047, 10_077]);

/** What was to be kept is not to blame for it: `away`, as room may come. */
export function withoutBlame(error: unknown): unknown {
  return error instanceof JetStreamError && error.failure === "failed" && NO_ROOM.has(error.code)
    ? new JetStreamError("away", error.code, error.message)
    : error;
}

/** The reply of the API or of a stream, or its error. */
export function replyOf(text: string, engine: string): Readonly<Record<string, unknown>> {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch {
    reply = null;
  }
  if (typeof reply !== "object" || reply === null)
    throw new EngineError("failed", `${engine}: an answer is no JSON object`);
  if (!("error" in reply)) return { ...reply };
  const error = reply.error as {
    readonly code?: unknown;
    readonly err_code?: unknown;
    readonly description?: unknown;
  } | null;
  const code = typeof error?.err_code === "number" ? error.err_code : 0;
  const words = typeof error?.description === "string" ? error.description : "it says no, without words";
  // 503 is for what another attempt may do: there is no leader, or it is about to be another one.
  const isOver =
    error?.code === 503 && code !== JETSTREAM.notEnabled && code !== JETSTREAM.notEnabledForAccount;
  throw new JetStreamError(
    FAILURES.get(code) ?? (isOver ? "away" : "failed"),
    code,
    `${engine}: ${words} (${code})`,
  );
}

export const isRefusal = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === "PermissionViolationError" || error.name === "AuthorizationError");

/** The server takes these credentials no more, and ends the connection. */
export const isDismissal = (error: unknown): boolean =>
  error instanceof Error &&
  (error.name === "AuthorizationError" || error.name === "UserAuthenticationExpiredError");

/** By their names, as the classes are in a package that may be there twice. */
export function translate(error: unknown, engine: string, subject: string | null): EngineError {
  if (error instanceof EngineError) return error;
  if (!(error instanceof Error)) return new EngineError("away", `${engine}: not reached`);
  const cause = error.cause instanceof Error ? error.cause : error;
  const options = { cause: error };
  const about = subject === null ? "" : ` (${subject})`;
  switch (cause.name) {
    case "PermissionViolationError":
      return new EngineError("forbidden", `${engine}: these credentials may not: ${cause.message}`, options);
    case "AuthorizationError":
    case "UserAuthenticationExpiredError":
      return new EngineError(
        "forbidden",
        `${engine}: it does not take these credentials: ${cause.message}`,
        options,
      );
    case "NoResponders":
      return new NobodyError(engine, subject ?? "the request");
    case "TimeoutError":
      return new SilentError("away", `${engine}: no answer in time${about}`, options);
    case "InvalidArgumentError":
      return new EngineError("failed", `${engine}: ${cause.message}${about}`, options);
    default:
      return new EngineError(
        "away",
        `${engine}: ${cause.message === "" ? "not reached" : cause.message}${about}`,
        options,
      );
  }
}
