/** Certificates that the configuration names and that are over, still to come, or as good as over: said at the start and at each reload. */
import type { Config } from "../config/config.js";
import type { Millis } from "../core/clock.js";
import { dateWarning } from "../tls/dates.js";

export interface DateWarning {
  /** The setting that names the file. */
  readonly setting: readonly string[];
  readonly message: string;
}

/** One for each file, at the first setting that names it. `now` is in milliseconds since 1970. */
export function dateWarnings(
  config: Pick<Config, "admin" | "fleet" | "proxies">,
  now: Millis,
): DateWarning[] {
  const seen = new Set<string>();
  return namedIn(config).flatMap(({ setting, file, use }) => {
    if (seen.has(file)) return [];
    seen.add(file);
    const message = dateWarning(file, use, now);
    return message === null ? [] : [{ setting, message }];
  });
}

interface NamedFile {
  readonly setting: readonly string[];
  readonly file: string;
  readonly use: "shown" | "trusted";
}

function namedIn({ admin, fleet, proxies }: Pick<Config, "admin" | "fleet" | "proxies">): NamedFile[] {
  const own = admin.tls?.own ?? null;
  const { ca: engineCa = null, cert: engineCert = null } = fleet?.tls ?? {};
  return [
    ...(own === null ? [] : [{ setting: ["admin", "tls", "cert"], file: own.cert, use: "shown" as const }]),
    ...(engineCa === null
      ? []
      : [{ setting: ["fleet", "tls", "ca"], file: engineCa, use: "trusted" as const }]),
    ...(engineCert === null
      ? []
      : [{ setting: ["fleet", "tls", "cert"], file: engineCert, use: "shown" as const }]),
    ...proxies.flatMap(({ name, secure, tls }): NamedFile[] => {
      const at = (...rest: readonly string[]): readonly string[] => ["proxies", name, ...rest];
      const { certificates = [], clients = null } = secure ?? {};
      const { ca = null, own: shown = null } = tls ?? {};
      return [
        ...certificates.map(({ cert }, index) => ({
          setting: at("secure", "certificates", String(index), "cert"),
          file: cert,
          use: "shown" as const,
        })),
        ...(clients === null
          ? []
          : [{ setting: at("secure", "clients", "ca"), file: clients.ca, use: "trusted" as const }]),
        ...(ca === null ? [] : [{ setting: at("tls", "ca"), file: ca, use: "trusted" as const }]),
        ...(shown === null ? [] : [{ setting: at("tls", "cert"), file: shown.cert, use: "shown" as const }]),
      ];
    }),
  ];
}
