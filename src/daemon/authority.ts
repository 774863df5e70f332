/** The CA as the daemon holds it: what the configuration says of it, and what an operator hears when it is opened. */
import type { AuthorityConfig } from "../config/authority.js";
import type { Config } from "../config/config.js";
import type { Clock } from "../core/clock.js";
import type { Facts } from "../core/events.js";
import type { Repeater } from "../plan/run-again.js";
import type { Log } from "../telemetry/log.js";
import { checkCA, checkShare } from "../tls/authority-files.js";
import { Door } from "../tls/door.js";
import { KeyLog } from "../tls/key-log.js";

/** Nothing is read or made before something asks for it. */
export function authorityDoor(
  config: AuthorityConfig,
  {
    clock,
    facts,
    log,
  }: { readonly clock: Clock; readonly facts: Facts; readonly log: Pick<Log, "info" | "warn"> },
): Door {
  const { source, share, names, key, keylog } = config;
  return new Door({
    source,
    ...(share === null ? {} : { share }),
    names,
    key,
    clock,
    keyLog:
      keylog === null
        ? null
        : new KeyLog(keylog, ({ message }) => {
            log.warn(`secrets of TLS connections cannot be written: ${message}`);
          }),
    tell: (authority) => {
      const { files, subject, notAfter } = authority;
      const where = files === null ? "in memory, or in files of yours" : `for bots: ${files.folder}`;
      log.info(`the CA for bots is ${subject} (${where})`, { until: new Date(notAfter).toISOString() });
      for (const warning of authority.warnings()) log.warn(warning);
    },
    changed: ({ subject, fingerprint, notAfter, warnings }, trouble) => {
      const until = new Date(notAfter).toISOString();
      facts.tell({
        kind: "ca_reread",
        subject,
        fingerprint,
        until,
        ...(trouble === null ? {} : { trouble }),
      });
      if (trouble === null) for (const warning of warnings()) log.warn(warning);
    },
  });
}

/** Whether bots are shown certificates of it from the start on, or wait for the one that they must trust. */
export function needsAuthority({ tls, proxies }: Pick<Config, "tls" | "proxies">): boolean {
  if (tls.share !== null) return true;
  return proxies.some(({ secure, enabled }) => enabled && secure !== null && secure.mode !== "passthrough");
}

/** Throws SQ_INVALID_CA where the CA could not be opened; nothing is made. */
export async function checkAuthority({ source, share }: AuthorityConfig): Promise<void> {
  if (source !== "memory") await checkCA(source);
  if (share !== null) await checkShare(share);
}

/** Said at the start, since nobody should find it out later. */
export function checkKeyLog({ keylog }: AuthorityConfig, log: Pick<Log, "warn">): void {
  if (keylog === null) return;
  log.warn(
    `secrets of TLS connections are written to ${keylog}: whoever reads it can read all that is sent`,
    {
      hint: "tls.keylog is for Wireshark; leave it out otherwise",
    },
  );
}

/** What the admin port's certificate is held against; see `Repeater`. Of one's own the usual roots, or the operator, know enough. */
export function trustOf({ admin }: Pick<Config, "admin">, { authority }: Door): Repeater["ca"] {
  if (admin.tls === null || admin.tls.own !== null) return null;
  const file = authority?.files?.ca;
  return file === undefined ? "variable" : { file };
}
