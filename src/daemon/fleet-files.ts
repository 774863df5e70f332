/** Files that `fleet` names and that cannot be used: a daemon serves alone until they can, so a start is not refused for them. */
import type { FleetConfig } from "../config/fleet.js";
import { readCredentials, readSeed } from "../fleet/engines/nats/user-file.js";
import { readCertificates, readPair } from "../tls/pem-files.js";

export interface FileTrouble {
  /** The setting that names the file. */
  readonly setting: readonly string[];
  readonly message: string;
}

export function fleetFileTroubles({
  credentials,
  tls,
}: Pick<FleetConfig, "credentials" | "tls">): FileTrouble[] {
  const { file, nkey } = credentials;
  const { ca = null, cert = null, key = null } = tls ?? {};
  return [
    ...trouble(["fleet", "credentials", "file"], file, (path) => readCredentials(path, null)),
    ...trouble(["fleet", "credentials", "nkey"], nkey, (path) => readSeed(path, null)),
    ...trouble(["fleet", "tls", "ca"], ca, readCertificates),
    ...trouble(["fleet", "tls", "cert"], cert, (path) =>
      key === null ? null : readPair({ cert: path, key }),
    ),
  ];
}

function trouble(
  setting: readonly string[],
  path: string | null,
  read: (path: string) => unknown,
): FileTrouble[] {
  if (path === null) return [];
  try {
    read(path);
    return [];
  } catch (error) {
    return [{ setting, message: error instanceof Error ? error.message : String(error) }];
  }
}
