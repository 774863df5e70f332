/**
 * `squall journal --on …`: the journals of many daemons as one, in the order of their clocks, each entry with the daemon that wrote it.
 * With `--follow` entries are printed as they come, since none can be held back for one that may still be under way.
 */
import { jsonLine } from "../../telemetry/entry.js";
import { CommandError, EXIT, type Io } from "../io.js";
import { JournalReader, journalView, type JournalOptions } from "../journal-reader.js";
import type { JournalEntryView } from "../journal-line.js";
import { askEach, daemonsOf, endOf, type OnOptions } from "./each.js";

const LIMIT_DEFAULT = 100;

export async function journalOn(options: JournalOptions & OnOptions, io: Io): Promise<void> {
  if (options.since !== undefined)
    throw new CommandError(
      EXIT.usage,
      "--since: each daemon numbers its own entries, so it cannot stand beside --on",
    );
  const daemons = await daemonsOf(options, io);
  const width = Math.max(...daemons.map(({ host }) => host.name.length));
  const readers = new Map(
    daemons.map((daemon) => {
      const { name } = daemon.host;
      const print = (entry: JournalEntryView): void => {
        if (options.json === true) io.out(`${jsonLine({ daemon: name, ...entry })}\n`);
        else io.out(`${io.colours.bold(name.padEnd(width))}  ${reader.line(entry)}`);
      };
      const say = (text: string): void => {
        io.err(`squall: ${name}: ${text}\n`);
      };
      const reader = new JournalReader(options, io, daemon.client, { print, say });
      return [daemon, reader] as const;
    }),
  );
  const outcomes = await askEach(daemons, async (client, daemon) => {
    const reader = readers.get(daemon);
    return { reader, view: await journalView(client, options) };
  });
  const entries = outcomes.flatMap((one) =>
    one.state !== "applied"
      ? []
      : one.value.view.entries.map((entry) => ({
          entry,
          reader: one.value.reader,
          time: Date.parse(entry.time),
        })),
  );
  // Entries of one daemon keep their order, whatever its clock did: the sort is stable, and times of one daemon hardly ever go back.
  entries.sort((one, other) => one.time - other.time);
  const limit = options.limit === undefined ? LIMIT_DEFAULT : Number(options.limit);
  for (const { entry, reader } of entries.slice(Math.max(0, entries.length - limit))) reader?.print(entry);
  for (const one of outcomes)
    if (one.state !== "applied") io.err(`squall: ${one.daemon.host.name}: ${one.state}: ${one.why}\n`);
  if (entries.length === 0) io.err("squall: no entry matches on any daemon that answered\n");
  if (options.follow === true)
    await Promise.all(
      outcomes.map(async (one) => {
        if (one.state === "applied") await one.value.reader?.follow(one.value.view);
      }),
    );
  endOf(outcomes, (count) => `the journals of ${count} are in it`);
}
