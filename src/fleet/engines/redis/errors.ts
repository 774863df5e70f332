/** What Redis and its client say went wrong, in the words of the contract. */
import { EngineError, type EngineFailure } from "../../contract/engine.js";

/** First words of error replies (Redis and Valkey, networking.c and acl.c). */
const REPLIES: ReadonlyMap<string, readonly [EngineFailure, string]> = new Map([
  ["NOPERM", ["forbidden", "these credentials may not"]],
  ["NOAUTH", ["forbidden", "it asks for a password"]],
  ["WRONGPASS", ["forbidden", "it does not take these credentials"]],
  ["LOADING", ["away", "it is reading its data"]],
  ["BUSY", ["away", "a script of somebody else keeps it busy"]],
  ["MASTERDOWN", ["away", "it has lost its master"]],
  ["READONLY", ["away", "it is a replica"]],
  ["CLUSTERDOWN", ["away", "its cluster is down"]],
  ["TRYAGAIN", ["away", "its cluster is moving"]],
  ["MOVED", ["failed", "it is a node of a cluster that does not have this fleet's keys"]],
]);

/** What was to be kept is not to blame where there is no memory, no disk or no replica for it: `away`, as that may pass. */
export function withoutBlame(error: unknown): unknown {
  const isOfServer =
    error instanceof EngineError &&
    error.failure === "failed" &&
    error.cause instanceof Error &&
    /^-?(?:OOM|MISCONF|NOREPLICAS)\b/u.test(error.cause.message);
  return isOfServer ? new EngineError("away", error.message, { cause: error.cause }) : error;
}

/** Thrown while dialling: a server that only copies another one. */
export class ReplicaError extends Error {}

export function translate(error: unknown, engine: string, about: string | null): EngineError {
  if (error instanceof EngineError) return error;
  if (!(error instanceof Error)) return new EngineError("away", `${engine}: not reached`);
  const options = { cause: error };
  const what = about === null ? "" : ` (${about})`;
  // An error of a script may have the reply that it is about behind words of its own.
  const word = /\b(?:NOPERM|ACL failure)\b/u.test(error.message)
    ? "NOPERM"
    : (/^-?([A-Z]+)\b/u.exec(error.message)?.[1] ?? "");
  const [failure, words] = REPLIES.get(word) ?? [null, null];
  if (failure !== null)
    return new EngineError(failure, `${engine}: ${words}: ${error.message}${what}`, options);
  if (error.name === "ErrorReply" || error.constructor.name.endsWith("ErrorReply") || isReply(error))
    return new EngineError("failed", `${engine}: ${error.message}${what}`, options);
  const text = error.message === "" ? "not reached" : error.message;
  return new EngineError("away", `${engine}: ${text}${what}`, options);
}

/** By the classes' names, as the package may be there twice. */
function isReply(error: Error): boolean {
  for (
    let proto: unknown = Object.getPrototypeOf(error);
    proto instanceof Error;
    proto = Object.getPrototypeOf(proto)
  )
    if (proto.constructor.name === "ErrorReply") return true;
  return false;
}
