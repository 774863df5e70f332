/** Errors of an address, with the proxy that wanted it. */
import { SquallError } from "../core/errors.js";

/** The same error, if it is that an address cannot be bound: the proxy's name is before it then. Throws any other. */
export function namingProxy(name: string, error: unknown): SquallError {
  if (!(error instanceof SquallError) || error.code !== "SQ_LISTEN_FAILED") throw error;
  return new SquallError(error.code, `proxy ${name}: ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
