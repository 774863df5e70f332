/** `squall journal`: what was done to whom, so far and, with `--follow`, from now on, over breaks of the stream. */
import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import { jsonLine } from "../telemetry/entry.js";
import { matcher, type JournalQuery } from "../telemetry/journal.js";
import { AdminClient, Refusal, type ServerEvent } from "./client.js";
import { entryKind } from "./entry-kind.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { journalLine, type JournalEntryView } from "./journal-line.js";
import { remote, wholeNumber, type RemoteOptions } from "./remote.js";

const FILTERS = ["bot", "fault", "proxy", "kind", "profile", "path"] as const;
type Filter = (typeof FILTERS)[number];

interface JournalOptions extends RemoteOptions, Partial<Readonly<Record<Filter, string>>> {
  readonly since?: string;
  readonly limit?: string;
  readonly follow?: boolean;
}

interface JournalView {
  readonly entries: readonly JournalEntryView[];
  readonly last: number;
  readonly dropped: number;
  /** Absent from daemons of earlier versions. */
  readonly last_event?: string;
}

/** Follows the stream from there. */
interface From {
  readonly last: number;
  readonly lastEvent: string | null;
}

const WAIT_FIRST_MS = 100;
const WAIT_MAX_MS = 2_000;

export function addJournal(program: Command, io: Io): void {
  remote(program.command("journal"))
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
    .action(async (options: JournalOptions) => {
      await new JournalCommand(options, io).run();
    });
}

class JournalCommand {
  readonly #options: JournalOptions;
  readonly #io: Io;
  readonly #client: AdminClient;
  readonly #wanted: (entry: JournalEntryView) => boolean;

  constructor(given: JournalOptions, io: Io) {
    const options = given.kind === undefined ? given : { ...given, kind: entryKind(given.kind) };
    this.#options = options;
    this.#io = io;
    this.#client = new AdminClient(options, io);
    this.#wanted = matcher(filtersOf(options));
  }

  async run(): Promise<void> {
    const { since, limit, follow } = this.#options;
    const query = new URLSearchParams(filtersOf(this.#options));
    if (since !== undefined) query.set("since", String(wholeNumber("since", since)));
    if (limit !== undefined) query.set("limit", String(wholeNumber("limit", limit)));
    const naming = { option: (path: string) => `--${path}` };
    const answer = await this.#client.call("GET", `/journal?${query.toString()}`, undefined, naming);
    const view = this.#client.known(answer as JournalView, "entries");
    for (const entry of view.entries) this.#print(entry);
    if (view.entries.length === 0 && this.#options.json !== true) this.#io.err(this.#nothing(view));
    if (follow === true) await this.#follow({ last: view.last, lastEvent: view.last_event ?? null });
  }

  #print(entry: JournalEntryView): void {
    const { json } = this.#options;
    // What has no number was never told: a gap.
    const seq = entry.seq === 0 ? "" : String(entry.seq);
    this.#io.out(
      json === true
        ? `${jsonLine(entry)}\n`
        : `${this.#io.colours.dim(seq.padStart(6))}  ${journalLine(entry, this.#io.colours)}\n`,
    );
  }

  #nothing({ last, dropped }: JournalView): string {
    const { since, follow } = this.#options;
    const asked = [
      ...(since === undefined ? [] : [`--since ${since}`]),
      ...Object.entries(filtersOf(this.#options)).map(([name, value]) => `--${name} ${value}`),
    ];
    const wait = follow === true ? "; waiting for what comes" : "";
    if (last === 0) return `squall: the journal is empty${wait}\n`;
    const there = `there are ${last - dropped} entries, up to number ${last}`;
    const gone = dropped === 0 ? "" : `, and ${dropped} older ones have left the memory`;
    return `squall: no entry matches ${asked.join(" ")}: ${there}${gone}${wait}\n`;
  }

  async #follow(from: From): Promise<void> {
    const stop = new AbortController();
    // What comes is for whoever reads it.
    void Promise.race([this.#io.stopped, this.#io.outputLost]).then(() => {
      stop.abort();
    });
    let { lastEvent } = from;
    for (let failures = 0; !stop.signal.aborted;) {
      const path = lastEvent === null ? `/events?after=${from.last}` : "/events";
      let why = "the daemon ended it";
      try {
        const opened = (): void => {
          if (failures > 0) this.#say("the stream is back");
          failures = 0;
        };
        const options = { signal: stop.signal, lastEventId: lastEvent, opened };
        for await (const event of this.#client.events(path, options)) {
          lastEvent = event.id ?? lastEvent;
          this.#hear(event);
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        // A daemon that refuses, or that is none, will go on like that.
        const passes = !(error instanceof CommandError) || error.exitCode === EXIT.unreachable;
        if (!passes && !(error instanceof Refusal && error.status === 429)) throw error;
        why = error instanceof Error ? error.message : String(error);
      }
      if (failures === 0) this.#say(`the stream broke, and is asked for again: ${why}`);
      const wait = Math.min(WAIT_FIRST_MS * 2 ** Math.min(failures++, 10), WAIT_MAX_MS);
      await pause(wait, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  }

  #hear({ data }: ServerEvent): void {
    const entry = JSON.parse(data) as JournalEntryView | GapView;
    if (entry.kind !== "gap") {
      if (this.#wanted(entry)) this.#print(entry);
    } else if (this.#options.json === true) this.#io.out(`${data}\n`);
    else this.#say(gapText(entry));
  }

  /** Between the lines, and not among them. */
  #say(text: string): void {
    this.#io.err(`squall: ${text}\n`);
  }
}

interface GapView {
  readonly kind: "gap";
  readonly lost: number | null;
}

function gapText({ lost }: GapView): string {
  if (lost === null)
    return "the daemon was started anew: its journal begins again at number 1, and the end of the one before may be missing";
  return `${lost} ${lost === 1 ? "entry is" : "entries are"} missing: the journal had moved on`;
}

function filtersOf(options: JournalOptions): JournalQuery & Record<string, string> {
  return Object.fromEntries(
    FILTERS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  ) as JournalQuery & Record<string, string>;
}
