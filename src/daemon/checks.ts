/** What whoever starts the daemon should hear at once: what is open to strangers, and what will not last under load. */
import { formatAddress, isLoopback } from "../config/address.js";
import type { Config } from "../config/config.js";
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
