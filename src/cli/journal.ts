/** `squall journal`: what was done to whom, so far and, with `--follow`, from now on. */
import type { Command } from "commander";
import { AdminClient } from "./client.js";
import { entryKind } from "./entry-kind.js";
import type { FleetJournalOptions } from "./fleet/journal.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { JournalReader } from "./journal-reader.js";
import type { OnOptions } from "./on/each.js";
import { onMany, remote } from "./remote.js";

export function addJournal(program: Command, io: Io): void {
  onMany(remote(program.command("journal")))
    .description("show what was done to whom")
    .option("--bot <name>", "only this bot")
    .option("--fault <name>", "only this fault")
    .option("--proxy <name>", "only this proxy")
    .option("--kind <kind>", "only entries of this kind, such as fault_hit, or hit for short")
    .option("--profile <name>", "only what this profile did")
    .option("--path <path>", "only exchanges with this path, or pattern such as /v1/jobs/*")
    .option("--since <seq>", "only entries after this sequence number")
    .option("--limit <n>", "at most so many entries (default 100)")
    .option("--fleet", "of all daemons of the fleet that the daemon belongs to, as one")
    .option("--daemon <name>", "with --fleet: only what this daemon wrote")
    .option("-f, --follow", "go on printing what comes, and go on after the stream breaks")
    .action(async (options: FleetJournalOptions & OnOptions) => {
      const { kind, on, fleet } = options;
      const given = kind === undefined ? options : { ...options, kind: entryKind(kind) };
      if (fleet === true) await (await import("./fleet/journal.js")).journalOfFleet(given, io);
      else if (options.daemon !== undefined)
        throw new CommandError(EXIT.usage, "--daemon: one of a fleet is meant, so it stands beside --fleet");
      else if (on === undefined) await new JournalReader(given, io, new AdminClient(given, io)).run();
      else await (await import("./on/journal.js")).journalOn(given, io);
    });
}
