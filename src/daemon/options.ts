/** What a daemon is started with, and how the configuration is read with it. */
import { isPopulateFile } from "../admin/toxiproxy/populate-file.js";
import { readConfig, type Config, type ReadConfig } from "../config/config.js";
import type { LocatedMap } from "../config/located.js";
import type { Override } from "../config/overrides.js";
import type { LogStream } from "../telemetry/log.js";

export interface DaemonOptions {
  /** The configuration as text, from where it was read; without it, defaults and overrides alone count. */
  readonly text?: string;
  /** Its file: relative paths start from its folder, and it is read again at a reload. */
  readonly file?: string;
  readonly overrides?: readonly Override[];
  /** Proxies beside those of the text, and in the place of those of the same names. */
  readonly proxies?: LocatedMap;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where this package is: the profiles that come with it are used if no others are named. */
  readonly home: string;
  readonly logStream: LogStream;
  /** True where the process is the daemon's own: its CPU, memory and descriptors are metrics then. */
  readonly ownProcess: boolean;
  readonly pid: number;
  /** The runtime, such as v20.20.2. */
  readonly node: string;
  /** Resolves when the daemon is to stop, started or not: its start then waits for nobody in the network. */
  readonly unwanted?: Promise<unknown>;
}

/** The configuration in this text, under the environment and the flags. Throws SQ_INVALID_CONFIG. */
export function configIn(text: string | undefined, options: DaemonOptions): Config {
  return readIn(text, options).config;
}

/** The same, with the places of its settings. Throws SQ_INVALID_CONFIG. */
export function readIn(
  text: string | undefined,
  { file, env, cwd, overrides = [], proxies }: DaemonOptions,
): ReadConfig {
  return readConfig({
    // A list of proxies says nothing but proxies.
    ...(text === undefined || isPopulateFile(text) ? {} : { text }),
    ...(file === undefined ? {} : { file }),
    env,
    overrides,
    folder: cwd,
    ...(proxies === undefined ? {} : { proxies }),
  });
}
