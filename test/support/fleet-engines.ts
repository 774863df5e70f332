/** Options of an engine, with what hardly any test is about. */
import type { EngineOptions } from "../../src/fleet/contract/engine.js";

export const NO_CREDENTIALS = { file: null, nkey: null, user: null, password: null, token: null } as const;

export function engineOptions(
  urls: string | readonly string[],
  more: Partial<EngineOptions> = {},
): EngineOptions {
  return {
    fleet: "t",
    urls: typeof urls === "string" ? [urls] : urls,
    client: "test",
    credentials: NO_CREDENTIALS,
    tls: null,
    replicas: 1,
    now: () => performance.now(),
    wallTime: () => Date.now(),
    log: () => undefined,
    ...more,
  };
}
