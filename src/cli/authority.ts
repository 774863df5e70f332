/** `squall ca` and `squall env`: the CA that bots must trust, from the folder that the configuration names or from a running daemon. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { isPopulateFile } from "../admin/toxiproxy/populate-file.js";
import type { AuthorityConfig } from "../config/authority.js";
import { readConfig } from "../config/config.js";
import { makeFolder } from "../core/make-folder.js";
import { SystemClock } from "../core/system-clock.js";
import { jsonLine } from "../telemetry/entry.js";
import { openAuthority, renewAuthority } from "../tls/authority.js";
import { TRUST_SHELLS, trustLines, type TrustFiles, type TrustShell } from "../tls/trust.js";
import { AdminClient } from "./client.js";
import { readConfigFile } from "./files.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { remote, type RemoteOptions } from "./remote.js";

const VERBS = ["show", "export", "renew"] as const;
type Verb = (typeof VERBS)[number];
const DAY_MS = 86_400_000;

interface Where extends RemoteOptions {
  readonly config?: string;
  readonly folder?: string;
}

interface CaOptions extends Where {
  readonly bundle?: boolean;
  readonly out?: string;
  readonly newKey?: boolean;
}

interface EnvOptions extends Where {
  readonly shell?: string;
  readonly write?: string;
}

/** What is said of a CA, wherever it is. */
interface Trust {
  readonly subject: string;
  readonly fingerprint: string;
  readonly not_after: string;
  /** What it may sign for; empty for everything. */
  readonly names: readonly string[];
  readonly warnings: readonly string[];
  readonly files: TrustFiles | null;
}

/** A CA with its texts, read when they are asked for. */
interface Found {
  readonly trust: Trust;
  readonly ca: () => Promise<string>;
  readonly bundle: () => Promise<string>;
}

export function addCa(program: Command, io: Io): void {
  whereabouts(program.command("ca [what]"))
    .description("the CA that bots must trust: show (by default), export its certificate, or renew it")
    .option("--bundle", "export: with the usual roots, for programs in which a file replaces all of them")
    .option("--out <file>", "export: into this file instead of standard output")
    .option("--new-key", "renew: with another key; bots that trust the old certificate refuse the new one")
    .action(async (what: string | undefined, options: CaOptions) => {
      const verb = verbOf(what);
      checkCombination(verb, options);
      if (verb === "renew") await renew(options, io);
      else if (verb === "export") await exported(options, io);
      else show(await find(options, io), options, io);
    });
}

export function addEnv(program: Command, io: Io): void {
  whereabouts(program.command("env"))
    .description('print the variables by which programs trust the CA: eval "$(squall env)"')
    .option("--shell <name>", `${TRUST_SHELLS.join(", ")}; bash by default, and for all shells like it`)
    .option("--write <folder>", "write ca.pem and bundle.pem there first, and name those")
    .action(async (options: EnvOptions) => {
      const shell = shellOf(options);
      const found = await find(options, io);
      const files = options.write === undefined ? found.trust.files : await written(found, options.write, io);
      if (files === null)
        throw new CommandError(
          EXIT.failed,
          "the CA is in no folder that variables could name (--write FOLDER writes its certificate there)",
        );
      for (const warning of found.trust.warnings) io.err(`squall: warning: ${warning}\n`);
      io.out(trustLines(shell, files));
    });
}

function whereabouts(command: Command): Command {
  return remote(command)
    .option("-c, --config <file>", "the configuration whose CA is meant, without asking a daemon")
    .option("--folder <folder>", "the folder of the CA, without asking a daemon");
}

// -- what is asked ----------------------------------------------------------------------------------

function verbOf(what: string | undefined): Verb {
  const verb = VERBS.find((one) => one === (what ?? "show"));
  if (verb !== undefined) return verb;
  throw new CommandError(EXIT.usage, `expected ${VERBS.join(", ")}, got ${JSON.stringify(what)}`);
}

function checkCombination(verb: Verb, { bundle, out, newKey, json }: CaOptions): void {
  const refused =
    verb !== "export" && bundle === true
      ? "--bundle"
      : verb !== "export" && out !== undefined
        ? "--out"
        : verb !== "renew" && newKey === true
          ? "--new-key"
          : verb === "export" && json === true
            ? "--json"
            : null;
  if (refused !== null) throw new CommandError(EXIT.usage, `${refused}: squall ca ${verb} does not take it`);
}

function shellOf({ shell, json }: EnvOptions): TrustShell {
  const asked = shell ?? (json === true ? "json" : "bash");
  const known = TRUST_SHELLS.find((one) => one === asked);
  if (known !== undefined) return known;
  throw new CommandError(
    EXIT.usage,
    `--shell: expected ${TRUST_SHELLS.join(", ")}, got ${JSON.stringify(asked)}`,
  );
}

// -- what is done -----------------------------------------------------------------------------------

function show({ trust }: Found, { json }: CaOptions, io: Io): void {
  if (json === true) {
    io.out(`${jsonLine(trust)}\n`);
    return;
  }
  const { subject, fingerprint, not_after: end, names, files, warnings } = trust;
  const days = Math.floor((Date.parse(end) - Date.now()) / DAY_MS);
  const lines = [
    io.colours.bold(subject),
    `  valid until  ${end.slice(0, 10)}, ${days < 0 ? "expired" : `${days} days left`}`,
    `  SHA-256      ${fingerprint}`,
    `  signs for    ${names.length === 0 ? "everything" : names.join(", ")}`,
    ...(files === null
      ? ["  in memory, or in files of yours: squall ca export"]
      : [`  bots read    ${files.ca}`, `               ${files.bundle}`]),
  ];
  io.out(`${lines.join("\n")}\n`);
  for (const warning of warnings) io.err(`${io.colours.yellow("warning")} ${warning}\n`);
}

async function exported({ bundle, out, ...where }: CaOptions, io: Io): Promise<void> {
  const found = await find(where, io);
  const text = await (bundle === true ? found.bundle() : found.ca());
  if (out === undefined) io.out(text);
  else writeFileSync(resolve(io.cwd, out), text);
}

async function renew(options: CaOptions, io: Io): Promise<void> {
  const config = localCa(options, io);
  if (config === null)
    throw new CommandError(
      EXIT.usage,
      "there is no folder with a CA to renew: name it with --folder, or with tls.ca in squall.yaml",
    );
  const { source, names, key } = config;
  const newKey = options.newKey === true;
  await renewAuthority({ source, names, key, clock: new SystemClock(), newKey });
  show(await opened(config), options, io);
  io.err(
    `squall: a daemon that runs takes it for new connections, and open ones stay${newKey ? "; bots must be given the new ca.pem, and refuse what is new until then" : ""}\n`,
  );
}

async function written(found: Found, folder: string, io: Io): Promise<TrustFiles> {
  const whole = resolve(io.cwd, folder);
  const files = { ca: join(whole, "ca.pem"), bundle: join(whole, "bundle.pem") };
  const [ca, bundle] = [await found.ca(), await found.bundle()];
  makeFolder(whole);
  writeFileSync(files.ca, ca);
  writeFileSync(files.bundle, bundle);
  return files;
}

// -- where it is ------------------------------------------------------------------------------------

/** A CA in memory is the daemon's alone. */
async function find(options: Where, io: Io): Promise<Found> {
  const config = localCa(options, io);
  return config === null ? ofDaemon(new AdminClient(options, io)) : opened(config);
}

/** The CA that is named here; null if the daemon has to be asked. */
function localCa(options: Where, io: Io): AuthorityConfig | null {
  const { config, folder, admin } = options;
  if (folder !== undefined)
    return { source: { folder: resolve(io.cwd, folder) }, share: null, names: [], key: "ec", keylog: null };
  if (config === undefined && admin !== undefined) return null;
  const found = readConfigFile(config, io);
  const text = found === null || isPopulateFile(found.text) ? {} : found;
  const { tls } = readConfig({ ...text, env: io.env, folder: io.cwd }).config;
  if (tls.source !== "memory") return tls;
  if (config === undefined) return null;
  throw new CommandError(
    EXIT.invalid,
    `${config} names no CA: without tls.ca it is in the memory of the daemon (--admin asks that)`,
  );
}

async function opened({ source, names: confined, key }: AuthorityConfig): Promise<Found> {
  const authority = await openAuthority({ source, names: confined, key, clock: new SystemClock() });
  const { subject, fingerprint, notAfter, names, files } = authority;
  return {
    trust: {
      subject,
      fingerprint,
      not_after: new Date(notAfter).toISOString(),
      names,
      warnings: authority.warnings(),
      files: files === null ? null : { ca: files.ca, bundle: files.bundle },
    },
    ca: () => Promise.resolve(authority.ca),
    bundle: () => Promise.resolve(authority.bundle),
  };
}

async function ofDaemon(client: AdminClient): Promise<Found> {
  const trust = client.known((await client.call("GET", "/env")) as Trust, "warnings");
  return {
    trust,
    ca: () => client.text("/ca.pem"),
    bundle: () => client.text("/bundle.pem"),
  };
}
