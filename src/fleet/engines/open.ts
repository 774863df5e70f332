/**
 * The engine that `fleet.engine` names. An adapter's package is loaded here and nowhere else, when a fleet is configured: a daemon
 * without one starts as fast as ever, and needs neither package to be there.
 */
import { SquallError } from "../../core/errors.js";
import type { EngineOptions, FleetEngine, OpenEngine } from "../contract/engine.js";
import { checkFleetName, parseAddress } from "./address.js";

interface Adapter {
  readonly package: string;
  readonly version: string;
  readonly load: () => Promise<{ readonly open: OpenEngine }>;
}

const NATS: Adapter = {
  package: "@nats-io/transport-node",
  version: "3.3.1",
  load: () => import("./nats/open.js"),
};

const REDIS: Adapter = {
  package: "@redis/client",
  version: "6.3.1",
  load: () => import("./redis/open.js"),
};

const ADAPTERS: ReadonlyMap<string, Adapter> = new Map([
  ["nats", NATS],
  ["tls", NATS],
  ["redis", REDIS],
  ["rediss", REDIS],
]);

/** The adapter, which goes on to connect by itself. Rejects with SQ_INVALID_CONFIG where there never will be an engine. */
export async function openEngine(options: EngineOptions): Promise<FleetEngine> {
  checkFleetName(options.fleet);
  const schemes = new Set(options.urls.map((url) => parseAddress(url).scheme));
  const adapters = new Set([...schemes].map(adapterOf));
  const [adapter, ...others] = adapters;
  if (adapter === undefined || others.length > 0)
    throw invalid("fleet.engine: name one engine, or several servers of the same engine");
  const { open } = await adapter.load();
  try {
    return await open(options);
  } catch (error) {
    if (!isMissing(error, adapter.package)) throw error;
    throw new SquallError(
      "SQ_INVALID_CONFIG",
      `fleet.engine: ${[...schemes].join(" and ")}:// needs the package ${adapter.package}, which is not installed here`,
      {
        path: "fleet.engine",
        hint: `npm install ${adapter.package}@${adapter.version}; npm leaves it out with --omit=optional`,
        cause: error,
      },
    );
  }
}

function adapterOf(scheme: string): Adapter {
  const adapter = ADAPTERS.get(scheme);
  if (adapter !== undefined) return adapter;
  throw invalid(
    `fleet.engine: there is no engine for ${scheme}://; those that there are: ${[...ADAPTERS.keys()].map((known) => `${known}://`).join(", ")}`,
  );
}

const invalid = (text: string): SquallError =>
  new SquallError("SQ_INVALID_CONFIG", text, { path: "fleet.engine" });

/** That package itself, and not one that it needs in turn: of that one the error itself says more. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  const missing = error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND";
  return missing && error.message.includes(name);
}
