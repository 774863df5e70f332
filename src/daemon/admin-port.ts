/** The admin port as the daemon opens it; and if it is taken, who has it. */
import { guestLimits } from "../admin/house.js";
import { Agent } from "node:https";
import type { AdminCertificate } from "../admin/secure-port.js";
import { startAdmin, type Admin } from "../admin/server.js";
import { formatAddress, type Address } from "../config/address.js";
import type { Config } from "../config/config.js";
import { jsonSchemas } from "../config/schema.js";
import { fetchAnyPort } from "../core/any-port.js";
import { SquallError } from "../core/errors.js";
import { CertificateFiles } from "../proxy/secure/certificate-files.js";
import { ownerOf } from "../proxy/sockets/owner.js";
import { PAGE_FOLDER } from "../page-folder.js";
import { version } from "../version.js";
import type { DaemonOptions } from "./options.js";
import type { Parts } from "./parts.js";
import { about } from "./specs.js";

/** How long whoever has it may take to say who it is. */
const WHO_MAX_MS = 3_000;

/** Throws SQ_ADMIN_PORT_TAKEN, saying by whom, or SQ_LISTEN_FAILED. */
export async function openAdminPort(
  parts: Parts,
  { admin, limits }: Config,
  { pid, node }: DaemonOptions,
): Promise<Admin> {
  const { control, telemetry, metrics, clock, types, context, authority, state, seed, descriptors } = parts;
  const { live, fleet } = parts;
  try {
    return await startAdmin({
      control,
      telemetry,
      metrics,
      live,
      clock,
      listen: admin.listen,
      certificate: admin.tls === null ? undefined : await certificateOf(parts, admin),
      token: admin.token ?? undefined,
      keepalive: limits.keepalive,
      hosts: admin.hosts,
      limits: { bodyBytes: admin.body, headerBytes: limits.header, ...guestLimits(descriptors.reserve) },
      types,
      schemas: jsonSchemas(types),
      page: PAGE_FOLDER,
      occupancy: { budget: context.budget, slots: context.slots, flows: context.flows },
      reading: () => parts.reading,
      state,
      fleet,
      authority,
      about: { version, pid, node, seed },
    });
  } catch (error) {
    if (!(error instanceof SquallError) || error.code !== "SQ_ADMIN_PORT_TAKEN") throw error;
    const who = await whoIsThere(admin.listen);
    throw new SquallError("SQ_ADMIN_PORT_TAKEN", `${error.message}: ${who}`, {
      hint: "stop it, or choose another port with --admin",
      cause: error,
    });
  }
}

/** Throws SQ_INVALID_CA, or SQ_INVALID_CONFIG where files of one's own cannot be used. */
async function certificateOf(
  { authority, clock, log }: Parts,
  { tls, listen, hosts }: Config["admin"],
): Promise<AdminCertificate> {
  const own = tls?.own ?? null;
  const files =
    own === null
      ? null
      : about(
          "admin.tls.cert",
          () =>
            new CertificateFiles(own, clock, (trouble) => {
              if (trouble === null)
                log.info(`the certificate of the admin port, ${own.cert}, was read again`);
              else log.warn(`the certificate of the admin port stays as it was: ${trouble}`);
            }),
        );
  const opened = await authority.open();
  const names = [listen.host, ...hosts, "localhost", "127.0.0.1", "::1"].filter((name) => name !== "");
  return {
    contexts: () => authority.opened ?? opened,
    own: files === null ? null : () => files.current,
    names: [...new Set(names)],
  };
}

/**
 * Another Squall, a Toxiproxy, or somebody else. All are asked at once, and Squall's own answer counts first: it answers as a Toxiproxy
 * as well, and one that is busy may be late.
 */
async function whoIsThere(listen: Address): Promise<string> {
  const at = formatAddress(listen).replace(/^(?:0\.0\.0\.0|\[::\])/u, "127.0.0.1");
  const answers = await Promise.all(
    // Not ours, or not in the mood.
    [`http://${at}/status`, `https://${at}/status`, `http://${at}/version`].map((url) =>
      ask(url).catch(() => null),
    ),
  );
  const squall = answers.slice(0, 2).find((answer) => typeof answer?.["version"] === "string");
  if (squall !== undefined && squall !== null) {
    const { version: theirs, pid } = squall;
    return `squall ${String(theirs)} is there already${typeof pid === "number" ? ` (process ${pid})` : ""}`;
  }
  const theirs = answers[2]?.["version"];
  if (typeof theirs === "string") return `a Toxiproxy ${theirs} is there already`;
  const owner = await ownerOf("tcp", listen.port);
  return `another program is there already${owner === null ? "" : ` (${owner})`}`;
}

async function ask(url: string): Promise<Record<string, unknown>> {
  // Not AbortSignal.timeout: its timer keeps no process alive, and fetch forgets a connection that is closed at once.
  const abort = new AbortController();
  const late = setTimeout(() => {
    abort.abort();
  }, WHO_MAX_MS);
  try {
    const response = await fetchAnyPort(url, {
      signal: abort.signal,
      // Whoever it is, nothing is told to them.
      ...(url.startsWith("https:") ? { agent: new Agent({ rejectUnauthorized: false }) } : {}),
    });
    return (await response.json()) as Record<string, unknown>;
  } finally {
    clearTimeout(late);
  }
}
