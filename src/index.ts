/** The library: what another program may import. */
export { startDaemon, type Daemon, type DaemonOptions, type StopOptions } from "./daemon.js";
export { SquallError, formatProblem, type ErrorCode, type Problem } from "./core/errors.js";
export type {
  ActivationInput,
  ActivationView,
  ActiveView,
  Control,
  ProfileSummary,
  ProxyView,
} from "./control.js";
export { version } from "./version.js";
