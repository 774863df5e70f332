/** `GET /status`, as far as commands show it. */

export interface ProblemView {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

export interface StatusView {
  readonly version: string;
  readonly uptime_seconds: number;
  readonly proxies: readonly {
    readonly name: string;
    readonly listen: string;
    readonly upstream: string;
    readonly state: string;
    readonly connections: { readonly active: number; readonly total: number };
  }[];
  /** Absent from daemons of earlier versions; null where there is none. */
  readonly fleet?: {
    readonly name: string;
    readonly daemon: string;
    readonly engine: string;
    readonly connected: boolean;
    readonly problem: string | null;
    readonly serial: number;
    readonly state: string;
    readonly why: string | null;
    /** Absent from daemons of earlier versions. */
    readonly warnings?: readonly string[];
  } | null;
  readonly last_reload: {
    readonly ok: boolean;
    readonly at: string;
    /** Absent from daemons of earlier versions. */
    readonly problems?: readonly ProblemView[];
  } | null;
}
