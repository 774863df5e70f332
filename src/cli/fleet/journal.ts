/** `squall journal --fleet`: the journals of all daemons of a fleet as one, with what is missing as lines among the entries. */
import type { FleetLine, FleetNotice } from "../../fleet/contract/journal.js";
import { harmless, jsonLine } from "../../telemetry/entry.js";
import { prettyForm, timeOfDay } from "../../telemetry/line.js";
import { AdminClient } from "../client.js";
import { followEvents } from "../follow.js";
import { CommandError, EXIT, type Io } from "../io.js";
import { journalLine, type JournalEntryView } from "../journal-line.js";
import { filtersOf, type JournalOptions } from "../journal-reader.js";
import type { OnOptions } from "../on/each.js";
import { wholeNumber } from "../remote.js";

export interface FleetJournalOptions extends JournalOptions {
  readonly fleet?: boolean;
  readonly daemon?: string;
}

type Told = Extract<FleetLine, { daemon: string }>;

interface FleetJournalView {
  readonly entries: readonly FleetLine[];
  readonly last_event: string;
  readonly whole: boolean;
}

/** The engine may be slow to be read, and is waited for. */
const ANSWER_MS = 30_000;
const NAME_MAX = 24;
const LIFE_MAX = 12;
/** Where the engine does not answer, or refuses: that may pass. */
const PASSING = [429, 502, 503];

export async function journalOfFleet(options: FleetJournalOptions & OnOptions, io: Io): Promise<void> {
  for (const name of ["on", "since"] as const)
    if (options[name] !== undefined)
      throw new CommandError(
        EXIT.usage,
        name === "on"
          ? "--on: names daemons, and --fleet means all of a fleet: one of them at a time"
          : "--since: each daemon numbers its own entries, so it cannot stand beside --fleet",
      );
  const client = new AdminClient({ ...options, timeout: ANSWER_MS }, io);
  const { daemon, limit } = options;
  const filters = new URLSearchParams(filtersOf(options));
  if (daemon !== undefined) filters.set("daemon", daemon);
  const query = new URLSearchParams(filters);
  if (limit !== undefined) query.set("limit", String(wholeNumber("limit", limit)));
  const naming = { option: (path: string) => `--${path}` };
  const answer = await client.call("GET", `/fleet/journal?${query.toString()}`, undefined, naming);
  const view = client.known(answer as FleetJournalView | null, "entries");
  const printer = new FleetPrinter(io, options.json === true);
  printer.widen(view.entries);
  for (const line of view.entries) printer.print(line);
  if (view.entries.length === 0 && options.json !== true) io.err(nothing(view, filters, options));
  if (options.follow !== true) return;
  await followEvents({
    client,
    io,
    path: () => `/fleet/events?${filters.toString()}`,
    lastEvent: view.last_event,
    hear: ({ data }) => {
      printer.print(JSON.parse(data) as FleetLine);
    },
    say: (text) => {
      io.err(`squall: ${text}\n`);
    },
    passing: PASSING,
  });
}

function nothing(
  { whole }: FleetJournalView,
  filters: URLSearchParams,
  { follow }: FleetJournalOptions,
): string {
  const wait = follow === true ? "; waiting for what comes" : "";
  const asked = [...filters].map(([name, value]) => ` --${name} ${value}`).join("");
  if (asked === "") return `squall: the journal of the fleet is empty${wait}\n`;
  const where = whole ? "" : " among the newest; older ones were not looked at";
  return `squall: no entry matches${asked}${where}${wait}\n`;
}

/** Prints lines, each once: a stream that was broken may tell some of them again. */
export class FleetPrinter {
  readonly #io: Io;
  readonly #json: boolean;
  /** The last number of each life of a daemon. */
  readonly #upto = new Map<string, number>();
  #width = 0;
  /** The life of each daemon that was seen last. */
  readonly #lives = new Map<string, string>();
  /** The engine is away, as far as was told. */
  #isAway = false;
  /** Names that several daemons go by. */
  readonly #shared = new Set<string>();

  constructor(io: Io, json: boolean) {
    this.#io = io;
    this.#json = json;
  }

  /** Makes the column of names wide enough for these. */
  widen(lines: readonly FleetLine[]): void {
    for (const line of lines)
      if ("daemon" in line) this.#width = Math.max(this.#width, this.#name(line).length);
  }

  print(line: FleetLine): void {
    if (!("daemon" in line)) {
      this.#note(line);
      return;
    }
    const life = JSON.stringify([line.daemon, line.life]);
    const upto = this.#upto.get(life) ?? 0;
    const to = line.kind === "gap" ? line.to : line.seq;
    if (to <= upto) return;
    this.#upto.set(life, to);
    this.#noteLife(line, upto);
    this.widen([line]);
    this.#io.out(this.#json ? `${jsonLine(line)}\n` : `${this.#text(line)}\n`);
  }

  /** What happened to the reading is no part of the journal, and not for whoever reads the lines. A stream that was asked for again may say it again. */
  #note({ kind, time, text }: FleetNotice): void {
    if (kind === "away" && this.#isAway) return;
    if (kind === "away" || kind === "back") this.#isAway = kind === "away";
    const at = Number.isNaN(Date.parse(time)) ? "" : `${timeOfDay(time)} `;
    this.#io.err(`squall: ${at}${harmless(text)}\n`);
  }

  /** Numbers begin again, or are those of one and another, and it should be known why. */
  #noteLife({ daemon, life, late }: Told, upto: number): void {
    const before = this.#lives.get(daemon);
    if (late === true && upto > 0) return;
    this.#lives.set(daemon, life);
    if (before === undefined || before === life || this.#json || this.#shared.has(daemon)) return;
    if (upto > 0) {
      this.#shared.add(daemon);
      this.#io.err(
        `squall: several daemons go by the name ${nameOf(daemon)}, each with numbers of its own: their lives are shown from here on\n`,
      );
    } else this.#io.err(`squall: ${nameOf(daemon)} was started anew: its numbers begin again\n`);
  }

  #name({ daemon, life }: Told): string {
    return this.#shared.has(daemon)
      ? `${nameOf(daemon)} (${harmless(life).slice(0, LIFE_MAX)})`
      : nameOf(daemon);
  }

  #text(line: Told): string {
    const { colours } = this.#io;
    const time = line.engine_time ?? line.time;
    const late = line.late === true ? colours.dim("  (late)") : "";
    const seq = line.kind === "gap" ? "" : String(line.seq);
    const text =
      line.kind === "gap"
        ? prettyForm({ level: "warn", topic: "gap", time, text: gapText(line) }, colours)
        : journalLine({ ...line, time } as unknown as JournalEntryView, colours);
    return `${colours.bold(this.#name(line).padEnd(this.#width))}  ${colours.dim(seq.padStart(6))}  ${text}${late}`;
  }
}

/** Daemons choose their names. */
function nameOf(daemon: string): string {
  const name = harmless(daemon);
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX - 1)}…`;
}

const WHY = {
  dropped: ": the daemon gave them up, since the engine was away or there were too many",
  aged: ": they are older than what the engine keeps",
  missing: "",
};

/** `1,204-1,260 missing` */
export function gapText({ from, to, why }: Extract<FleetLine, { kind: "gap" }>): string {
  const numbers = from === to ? counted(from) : `${counted(from)}-${counted(to)}`;
  return `${numbers} missing${(WHY as Readonly<Record<string, string | undefined>>)[why] ?? ""}`;
}

const counted = (count: number): string => count.toLocaleString("en-US");
