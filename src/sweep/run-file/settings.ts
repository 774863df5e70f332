/** What a sweep is told of the runs that it makes: the run file, flags over it, and squall.yaml beneath, checked and resolved. */
import type { Config } from "../../config/config.js";
import type { LocatedMap } from "../../config/located.js";
import type { ServiceInput, SloInput } from "./shape.js";

/** Words are started as they are; a line goes through `sh -c`. */
export type Command =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "line"; readonly line: string };

/** Times are in milliseconds, sizes in bytes, paths absolute. Texts may have placeholders. */
export interface RunSettings {
  /** What is judged; null in service mode, if the bots are started by somebody else. */
  readonly command: Command | null;
  readonly setup: Command | null;
  readonly upstream: Command | null;
  readonly check: Command | null;
  readonly ready: readonly string[];
  readonly readyTimeout: number;
  readonly audit: string | null;
  readonly ignore: readonly string[];
  /** A share: 0.05 for 5 %. */
  readonly tolerance: number;
  /** Of the kind of that name, in milliseconds; null where nobody asked for it. */
  readonly outage: number | null;
  /** JSON pointers beside those of `ignore`, after faults that last. */
  readonly outageIgnore: readonly string[];
  /** `POST /v1/jobs/:id/complete`: a method and a pattern of a path. */
  readonly idempotent: readonly string[];
  readonly slo: SloInput | null;
  readonly settle: number;
  /** null: from the fault-free runs. */
  readonly timeout: number | null;
  readonly dump: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: number;
  /** `net`: each worker has a network of its own. */
  readonly isolate: "none" | "net";
  readonly baselines: number;
  /** Of the run file and flags, with placeholders still in them; on top of those of the configuration. */
  readonly proxies: LocatedMap | null;
  /** Names of all proxies, in their order. */
  readonly proxyNames: readonly string[];
  /** Names of free ports that `upstream` takes. */
  readonly ports: readonly string[];
  readonly routes: readonly string[];
  readonly openapi: readonly string[];
  readonly kinds: readonly string[];
  readonly skipKinds: readonly string[];
  readonly seed: number;
  readonly budget: number | null;
  /** null: each run is one run of the command. */
  readonly service: ServiceInput | null;
  readonly directory: string;
  readonly disk: number;
  readonly keep: boolean;
  /** Where commands run: the folder of the run file, or where Squall was started. */
  readonly folder: string;
  /** squall.yaml; null if there is none. */
  readonly config: { readonly file: string; readonly text: string } | null;
  /** The proxies, as they are when all placeholders have a value: where they listen and what they speak. */
  readonly checked: Config["proxies"];
  /** A hash of all that decides what a run is, for whoever continues. */
  readonly fingerprint: string;
}
