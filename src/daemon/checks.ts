/** What whoever starts the daemon should hear at once: what is open to strangers, and what will not last under load. */
import { existsSync, readFileSync } from "node:fs";
import { formatAddress, isLoopback } from "../config/address.js";
import type { Config } from "../config/config.js";
import type { Library } from "../config/library.js";
import { tellLeftOut } from "../config/places.js";
import { formatProblem } from "../core/errors.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import type { LivePlan } from "../plan/live.js";
import { askedInVain, type Reachable } from "../plan/reach.js";
import type { Descriptors } from "../proxy/descriptors.js";
import type { Log } from "../telemetry/log.js";

/** Said now rather than under load. */
export function checkDescriptors({ limits }: Config, { limit, connections }: Descriptors, log: Log): void {
  const wanted = limits.connections;
  if (connections >= wanted) return;
  log.warn(
    `this process may open ${limit} descriptors: enough for ${connections} connections and their upstreams, not for the ${wanted} of limits.connections`,
    { hint: "ulimit -n, LimitNOFILE of systemd, or --ulimit nofile of docker" },
  );
}

export function checkCallers({ admin: { listen, token } }: Config, log: Log): void {
  if (isLoopback(listen.host) || token !== null) return;
  log.warn(
    `the admin port listens on ${formatAddress(listen)} without a token: whoever reaches it may send traffic anywhere from here`,
  );
}

/** Where this process runs, as far as it decides who reaches its loopback. */
export type Surroundings = "machine" | "container" | "pod";

/** What is looked at to tell; tests hand in their own. */
interface Marks {
  readonly exists: (path: string) => boolean;
  /** The process that started this one: 0 or 1 where a container was started to run this one. */
  readonly parent: () => number;
}

const MARKS: Marks = {
  exists: existsSync,
  parent: () => {
    try {
      // The second field is a name in parentheses, which may hold anything.
      return Number(/\) \S (\d+) /u.exec(readFileSync("/proc/self/stat", "latin1"))?.[1] ?? NaN);
    } catch {
      return NaN;
    }
  },
};

/**
 * Docker and Podman leave a file in each container; our image and systemd set `container`; Kubernetes tells of its API. A shell in a
 * container in which people develop or a build runs has its clients beside it, and counts as a machine.
 */
export function surroundings(
  env: Readonly<Record<string, string | undefined>>,
  { exists, parent }: Marks = MARKS,
): Surroundings {
  const marked = exists("/.dockerenv") || exists("/run/.containerenv") || (env["container"] ?? "") !== "";
  const pod = (env["KUBERNETES_SERVICE_HOST"] ?? "") !== "";
  if (!(marked || pod) || !(parent() <= 1)) return "machine";
  return pod ? "pod" : "container";
}

/**
 * A container has a loopback of its own: what listens there answers nobody outside, even on a port that is published. The
 * containers of a pod share one, so that a sidecar may well want it.
 */
export function checkContainer({ admin, proxies }: Config, where: Surroundings, log: Log): void {
  const listens = proxies.length > 0 ? proxies.map(({ listen }) => listen) : [admin.listen];
  if (where === "machine" || !listens.every(({ host }) => isLoopback(host))) return;
  const what = proxies.length > 0 ? "every proxy" : "the admin port";
  const all = listens.map(formatAddress).join(", ");
  if (where === "pod") {
    log.info(
      `${what} listens on the loopback of this pod (${all}): only containers of the same pod reach it`,
    );
    return;
  }
  log.warn(
    `this is a container, and ${what} listens on its loopback (${all}): nobody outside of the container reaches it, not through a published port either`,
    {
      hint: `listen: ":${listens[0]?.port ?? 0}" for all addresses of the container, and publish the port to 127.0.0.1 of the host; as it is only where clients share the container's network`,
    },
  );
}

/** Conditions of what is on that hold for nobody. */
export function checkConditions(
  { value }: Pick<LivePlan, "value">,
  proxies: readonly Reachable[],
  types: ReadonlyMap<string, AnyFaultType>,
  log: Log,
): void {
  for (const { profile, compiled } of value.activations)
    for (const { fault, message, place } of askedInVain(compiled, proxies, types)) {
      const where = place === undefined ? "" : ` (${place.file}:${place.line}:${place.column})`;
      log.warn(`${profile}/${fault}${where}: ${message}`);
    }
}

/** Which of one's own profiles count in place of those that come with Squall, and which files do not count. */
export function checkLibrary({ leftOut, replaced }: Pick<Library, "leftOut" | "replaced">, log: Log): void {
  for (const problem of tellLeftOut(leftOut)) log.warn(formatProblem(problem));
  for (const { name, file } of replaced)
    log.info(`the profile ${name} of ${file} counts in place of the one of that name that comes with Squall`);
}
