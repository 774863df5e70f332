/** One daemon's journal as the command line reads it: what there is, and from then on what comes, over breaks of the stream. */
import { jsonLine, type JournalQuery } from "../telemetry/entry.js";
import { matcher } from "../telemetry/journal.js";
import type { AdminClient, ServerEvent } from "./client.js";
import { followEvents } from "./follow.js";
import type { Io } from "./io.js";
import { journalLine, type JournalEntryView } from "./journal-line.js";
import { wholeNumber, type RemoteOptions } from "./remote.js";

const FILTERS = ["bot", "fault", "proxy", "kind", "profile", "path"] as const;
type Filter = (typeof FILTERS)[number];

export interface JournalOptions extends RemoteOptions, Partial<Readonly<Record<Filter, string>>> {
  readonly since?: string;
  readonly limit?: string;
  readonly follow?: boolean;
}

export interface JournalView {
  readonly entries: readonly JournalEntryView[];
  readonly last: number;
  readonly dropped: number;
  /** Absent from daemons of earlier versions. */
  readonly last_event?: string;
}

/** The last entries that match, as the daemon hands them out. */
export async function journalView(client: AdminClient, options: JournalOptions): Promise<JournalView> {
  const { since, limit } = options;
  const query = new URLSearchParams(filtersOf(options));
  if (since !== undefined) query.set("since", String(wholeNumber("since", since)));
  if (limit !== undefined) query.set("limit", String(wholeNumber("limit", limit)));
  const naming = { option: (path: string) => `--${path}` };
  const answer = await client.call("GET", `/journal?${query.toString()}`, undefined, naming);
  return client.known(answer as JournalView | null, "entries");
}

/** Where entries go, and what is said between them. */
interface Readers {
  readonly print: (entry: JournalEntryView) => void;
  readonly say: (text: string) => void;
}

/** One daemon's journal. */
export class JournalReader {
  readonly #options: JournalOptions;
  readonly #io: Io;
  readonly #client: AdminClient;
  readonly #wanted: (entry: JournalEntryView) => boolean;
  readonly #readers: Readers;

  constructor(options: JournalOptions, io: Io, client: AdminClient, readers?: Readers) {
    this.#options = options;
    this.#io = io;
    this.#client = client;
    this.#wanted = matcher(filtersOf(options));
    this.#readers = readers ?? {
      print: (entry) => {
        io.out(options.json === true ? `${jsonLine(entry)}\n` : this.line(entry));
      },
      // Between the lines, and not among them.
      say: (text) => {
        io.err(`squall: ${text}\n`);
      },
    };
  }

  async run(): Promise<void> {
    const view = await journalView(this.#client, this.#options);
    for (const entry of view.entries) this.print(entry);
    if (view.entries.length === 0 && this.#options.json !== true) this.#io.err(this.#nothing(view));
    if (this.#options.follow === true) await this.follow(view);
  }

  print(entry: JournalEntryView): void {
    this.#readers.print(entry);
  }

  line(entry: JournalEntryView): string {
    const { colours } = this.#io;
    // What has no number was never told: a gap.
    const seq = entry.seq === 0 ? "" : String(entry.seq);
    return `${colours.dim(seq.padStart(6))}  ${journalLine(entry, colours)}\n`;
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

  /** Prints what comes, until somebody ends the command. */
  async follow(view: JournalView): Promise<void> {
    await followEvents({
      client: this.#client,
      io: this.#io,
      path: (lastEvent) => (lastEvent === null ? `/events?after=${view.last}` : "/events"),
      lastEvent: view.last_event ?? null,
      hear: (event) => {
        this.#hear(event);
      },
      say: this.#readers.say,
    });
  }

  #hear({ data }: ServerEvent): void {
    const entry = JSON.parse(data) as JournalEntryView | GapView;
    if (entry.kind !== "gap") {
      if (this.#wanted(entry)) this.print(entry);
    } else if (this.#options.json === true) this.#readers.print(entry as unknown as JournalEntryView);
    else this.#readers.say(gapText(entry));
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

export function filtersOf(options: JournalOptions): JournalQuery & Record<string, string> {
  return Object.fromEntries(
    FILTERS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  ) as JournalQuery & Record<string, string>;
}
