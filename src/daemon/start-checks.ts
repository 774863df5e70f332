/**
 * What is wrong with a configuration that its text alone does not show: whom it activates, and files that it names. Asked
 * by the daemon before it acts on it, and by `squall validate`, so that the one finds what the other refuses.
 */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { isPopulateFile } from "../admin/toxiproxy/populate-file.js";
import type { ReadConfig } from "../config/config.js";
import type { Control } from "../control.js";
import type { ActivationInput } from "../control/requests.js";
import { SquallError, type Problem } from "../core/errors.js";
import { readPair } from "../tls/pem-files.js";
import { StateFile } from "../state/file.js";
import { checkAuthority, needsAuthority } from "./authority.js";
import { readIn, type DaemonOptions } from "./options.js";
import { Parts } from "./parts.js";
import { dateWarnings } from "./certificate-dates.js";
import { about } from "./specs.js";

export interface Checked {
  readonly problems: readonly Problem[];
  /** What this machine lacks, or what a daemon would go on without. */
  readonly warnings: readonly Problem[];
}

/** What the configuration switches on. */
export function activationsOf({ config }: ReadConfig): readonly ActivationInput[] {
  return config.activate.map(({ profile, params, seed, ttl, proxies, mode }) => ({
    what: { profile },
    params,
    mode,
    ...(seed === null ? {} : { seed }),
    ...(ttl === null ? {} : { ttl }),
    ...(proxies === null ? {} : { proxies }),
  }));
}

/** Throws SQ_INVALID_CONFIG with the place if something that it switches on cannot be. */
export function checkActivations(read: ReadConfig, control: Pick<Control, "checkActivations">): void {
  const inputs = activationsOf(read);
  for (const [index, input] of inputs.entries()) {
    attempt(read, ["activate", String(index), "profile"], () => {
      control.checkActivations([input]);
    });
  }
  attempt(read, ["activate"], () => {
    control.checkActivations(inputs);
  });
}

function attempt(read: ReadConfig, path: readonly string[], run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof SquallError) || error.code === "SQ_ENGINE_UNAVAILABLE") throw error;
    const [written] = error.details ?? [];
    // Mistakes in the profile itself have their own places. Where the profile does not fit the proxies, either may be wrong.
    if (written !== undefined && error.path === undefined) throw error;
    const where = written === undefined ? "" : ` (${written.file}:${written.line}:${written.column})`;
    const about = error.path === undefined ? "" : `${error.path}${where}: `;
    throw read.error(path, `${about}${error.message}`, error.hint);
  }
}

/** An error that knows only the name of its setting, with the place where that was written. */
export function located(read: ReadConfig, error: unknown): unknown {
  const isBare = error instanceof SquallError && error.details === undefined && error.path !== undefined;
  if (!isBare || error.code !== "SQ_INVALID_CONFIG") return error;
  return read.error((error.path ?? "").split("."), error.message, error.hint);
}

/** All that a start with these would be refused for, as far as it does not depend on who else has a port. */
export async function checkStart(options: DaemonOptions): Promise<Checked> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const { text } = options;
  const read = readIn(text, options);
  const note = (path: readonly string[], error: unknown, harmless = false): void => {
    const found = located(read, error);
    if (!(found instanceof SquallError)) throw found;
    const list = harmless || found.code === "SQ_ENGINE_UNAVAILABLE" ? warnings : problems;
    // What stands in a list of Toxiproxy's form has no place in squall.yaml.
    const atHome = text === undefined || !isPopulateFile(text);
    list.push(...(found.details ?? read.error(atHome ? path : [], found.message, found.hint).details ?? []));
  };
  const { state, journal, fleet } = read.config;
  if (state !== null) await StateFile.check(state).catch((error: unknown) => note(["state"], error));
  const unneeded = !needsAuthority(read.config);
  await checkAuthority(read.config.tls).catch((error: unknown) => note(["tls", "ca"], error, unneeded));
  const own = read.config.admin.tls?.own ?? null;
  if (own !== null) {
    try {
      about("admin.tls.cert", () => readPair(own));
    } catch (error) {
      note(["admin", "tls"], error);
    }
  }
  if (journal.file !== null) {
    await access(dirname(journal.file), constants.W_OK).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      const unwritable = read.error(["journal", "file"], `entries could not be written there: ${why}`);
      warnings.push(...(unwritable.details ?? []));
    });
  }
  if (fleet !== null) {
    const { fleetFileTroubles } = await import("./fleet-files.js");
    for (const { setting, message } of fleetFileTroubles(fleet))
      warnings.push(...(read.error(setting, message).details ?? []));
  }
  const parts = new Parts(
    options,
    { ...read.config, journal: { ...journal, file: null } },
    null,
    (problem) => {
      warnings.push(problem);
    },
  );
  for (const { setting, message } of dateWarnings(read.config, parts.clock.wallTime()))
    warnings.push(...(read.error(setting, message).details ?? []));
  try {
    const { files, library, proxySet, control } = parts;
    try {
      library.replaceFiles(await files.profiles());
    } catch (error) {
      note(["profiles"], error);
      return { problems, warnings };
    }
    try {
      for (const spec of files.proxies()) proxySet.prepare(spec, "file");
      checkActivations(read, control);
    } catch (error) {
      note(["activate"], error);
    }
    return { problems, warnings };
  } finally {
    parts.plan.stop();
    parts.metrics.close();
    parts.context.resolver.close();
    await parts.telemetry.close();
    await parts.log.close();
  }
}
