/** `squall journal`: what was done to whom, so far and, with `--follow`, from now on. */
import type { Command } from "commander";
import { AdminClient } from "./client.js";
import { entryKind } from "./entry-kind.js";
import type { Io } from "./io.js";
import { JournalReader, type JournalOptions } from "./journal-reader.js";
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
    .option("-f, --follow", "go on printing what comes, and go on after the stream breaks")
    .action(async (options: JournalOptions & OnOptions) => {
      const { kind, on } = options;
      const given = kind === undefined ? options : { ...options, kind: entryKind(kind) };
      if (on === undefined) await new JournalReader(given, io, new AdminClient(given, io)).run();
      else await (await import("./on/journal.js")).journalOn(given, io);
    });
}
