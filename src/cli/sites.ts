/** `squall sites`: runs the command without faults and lists its distinct calls, by which a sweep places its faults. */
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { BaselineBroken, HarnessError } from "../sweep/contract/run.js";
import { runBaselines } from "../sweep/harness/baselines.js";
import { startRunner } from "../sweep/harness/runner.js";
import { varying, withRoutes } from "../sweep/run-file/edit-routes.js";
import { routeWarnings, sitesSummary, sitesTable } from "../sweep/sites/listing.js";
import { siteNames } from "../sweep/sites/names.js";
import { findSites, type Sites } from "../sweep/sites/sites.js";
import { CommandError, type Io } from "./io.js";
import { knownRoutes } from "./known-routes.js";
import { readText } from "./read-text.js";
import { interruptOf, runSettings, withRunFlags, type RunFlags } from "./run-flags.js";

interface SitesFlags extends RunFlags {
  readonly json?: boolean;
  readonly edit?: boolean;
  readonly eachBot?: boolean;
}

/** The fault-free runs do not pass, or do not agree. */
const BROKEN = 5;
/** Nothing went through any proxy. */
const NOTHING_SEEN = 6;

export function addSites(program: Command, io: Io): void {
  withRunFlags(program.command("sites"))
    .description("run a command without faults, and list its distinct calls: the places for faults")
    .option("--each-bot", "take bots one by one, where their names differ in figures alone")
    .option("--edit", "write the route templates into the run file, to be corrected there")
    .option("--json", "print the sites as JSON")
    .action(async (words: readonly string[], flags: SitesFlags) => {
      const sites = await record(words, flags, io);
      if (sites.list.length === 0)
        throw new CommandError(
          NOTHING_SEEN,
          "nothing went through any proxy: the command must be told where they listen, such as by --env JOBS_URL={url:jobs}",
        );
      if (flags.edit === true) edit(sites, flags, io);
    });
}

async function record(words: readonly string[], flags: SitesFlags, io: Io): Promise<Sites> {
  const settings = runSettings(flags, words, io);
  const known = await knownRoutes(settings, io);
  try {
    const runner = await startRunner({
      settings,
      env: io.env,
      cwd: io.cwd,
      home: io.home,
      signal: interruptOf(io),
      tell: (text) => io.err(`squall: ${text}\n`),
      anywhere: flags.yesReally === true,
      onExit: io.onExit,
    });
    try {
      const runs = await runBaselines(runner, settings);
      const records = runs.map((run) => run.record);
      const sites = findSites(records, known, { eachBot: flags.eachBot === true });
      print(
        sites,
        runs.map(({ ms }) => ms),
        flags,
        io,
      );
      return sites;
    } finally {
      await runner.close();
    }
  } catch (error) {
    if (error instanceof BaselineBroken) throw new CommandError(BROKEN, error.message);
    if (error instanceof HarnessError) throw new CommandError(NOTHING_SEEN, error.message);
    if (error instanceof Error && error.name === "AbortError")
      throw new CommandError(NOTHING_SEEN, "interrupted: nothing is known");
    throw error;
  }
}

function print(sites: Sites, times: readonly number[], { json }: SitesFlags, io: Io): void {
  const { list } = sites;
  if (json === true) {
    const names = siteNames(list);
    io.out(
      `${JSON.stringify(
        list.map((site) => ({ name: names.get(site.id), ...site })),
        null,
        2,
      )}\n`,
    );
  } else {
    const each = times.reduce((sum, ms) => sum + ms, 0) / Math.max(1, times.length) / 1_000;
    io.out(
      `fault-free: ${times.length} of ${times.length} passed, ${each.toFixed(1)} s each; ${sitesSummary(list)}\n`,
    );
    const [head = "", ...rows] = list.length === 0 ? [] : sitesTable(list, "default");
    if (head !== "") io.out(`\n${io.colours.dim(head)}\n`);
    for (const row of rows) io.out(`${row}\n`);
  }
  for (const warning of routeWarnings(sites)) io.err(`squall: ${warning}\n`);
}

const RUN_FILE_MAX = 2 ** 20;

function edit({ list }: Sites, { run }: SitesFlags, io: Io): void {
  const names = ["squall.run.yaml", "squall.run.yml"];
  const file = run ?? names.find((name) => existsSync(join(io.cwd, name))) ?? "squall.run.yaml";
  const path = resolve(io.cwd, file);
  const before = existsSync(path) ? readText(path, RUN_FILE_MAX) : null;
  const { text, added } = withRoutes(
    before,
    varying(list.flatMap((site) => (site.protocol === "http" ? [site.template] : []))),
  );
  if (added.length === 0) {
    io.err(`squall: ${file} has all routes already\n`);
    return;
  }
  writeFileSync(path, text);
  io.err(`squall: wrote ${added.length} route${added.length === 1 ? "" : "s"} to ${file}\n`);
}
