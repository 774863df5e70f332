/** Holds the books against one another: the client's, the server's, the journal's and those of the metrics. */
import type { JournalEntry } from "../../../src/index.js";
import type { Seen } from "./client.js";
import type { Asked } from "./server.js";

type Of<K extends JournalEntry["kind"]> = Extract<JournalEntry, { kind: K }>;

/** Samples of the text format of Prometheus, by their whole name: `squall_requests_total{proxy="jobs",…}`. */
export class Figures {
  readonly #values = new Map<string, number>();

  constructor(text: string) {
    for (const line of text.split("\n")) {
      const match = /^([a-z_]+(?:\{.*\})?) (\S+)$/u.exec(line);
      if (match !== null) this.#values.set(match[1] ?? "", Number(match[2]));
    }
  }

  /** The sum of a metric's samples that have all of these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    let sum = 0;
    for (const [key, value] of this.#values) {
      if (key !== name && !key.startsWith(`${name}{`)) continue;
      if (Object.entries(labels).every(([label, is]) => key.includes(`${label}="${is}"`))) sum += value;
    }
    return sum;
  }

  /** By the values of one label. */
  by(name: string, label: string, labels: Readonly<Record<string, string>> = {}): Map<string, number> {
    const sums = new Map<string, number>();
    for (const key of this.#values.keys()) {
      if (!key.startsWith(`${name}{`)) continue;
      const value = new RegExp(`[{,]${label}="([^"]*)"`, "u").exec(key)?.[1];
      if (value !== undefined && !sums.has(value))
        sums.set(value, this.sum(name, { ...labels, [label]: value }));
    }
    return sums;
  }
}

/** What is told of one fault on one proxy. */
export interface FaultBooks {
  readonly proxy: string;
  readonly fault: string;
  readonly before: Figures;
  readonly after: Figures;
  /** Of this round alone. */
  readonly entries: readonly JournalEntry[];
  /** Effects that are no hits. */
  readonly spares: readonly string[];
  /** Hits are datagrams, of which the journal has an entry for each flow. */
  readonly byFlow?: boolean;
}

export interface Bytes {
  readonly got: number;
  readonly sent: number;
}

export interface RoundBooks extends FaultBooks {
  readonly type: string;
  readonly seen: readonly Seen[];
  readonly asked: readonly Asked[];
  /** Connections that the clients opened, and how many of those they reset. */
  readonly opened: number;
  /** Those that they tried to open: where an RST comes at once, a client may not hear that it was connected. */
  readonly tried: number;
  readonly resets: number;
  readonly http: boolean;
  /** What all connections of the round carried. */
  readonly bytes: { readonly clients: Bytes; readonly servers: Bytes };
  /** See `Setting`. */
  readonly losesRequests: boolean;
  readonly losesClients: boolean;
  /** A fault takes bytes that came, and counts itself but not them. */
  readonly losesBytes: boolean;
}

const DIRECTIONS = ["upstream", "downstream"] as const;

/** What does not agree, in words; nothing if all does. */
export function disagreements(books: RoundBooks): string[] {
  const found: string[] = [];
  const same = (what: string, one: unknown, other: unknown): void => {
    const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
    if (a !== b) found.push(`${what}: ${a} and ${b}`);
  };
  faults(books, same);
  connections(books, same);
  if (books.http) exchanges(books, same);
  else bytes(books, same);
  return found;
}

export type Same = (what: string, one: unknown, other: unknown) => void;

const grown = ({ before, after }: FaultBooks, name: string, labels: Record<string, string>): number =>
  after.sum(name, labels) - before.sum(name, labels);

/** Hits and effects: journal, report and metrics. */
export function faults(books: FaultBooks, same: Same): void {
  const { proxy, fault, entries } = books;
  const labels = { proxy, fault };
  const ended = entries.find((entry): entry is Of<"activation_ended"> => entry.kind === "activation_ended");
  const report = ended?.faults.find((one) => one.proxy === proxy && one.fault === fault);
  const hits = entries.filter((entry): entry is Of<"fault_hit"> => entry.kind === "fault_hit");
  const totals = entries.filter((entry): entry is Of<"fault_total"> => entry.kind === "fault_total");
  const subjects = new Map<string, Record<string, number>>();
  for (const hit of hits) {
    const key = subjectOf(hit);
    if (!subjects.has(key)) subjects.set(key, {});
    const effects = subjects.get(key) ?? {};
    effects[hit.effect] = (effects[hit.effect] ?? 0) + hit.amount;
  }
  for (const total of totals) {
    if (!subjects.has(subjectOf(total))) same(`a total without a hit of ${subjectOf(total)}`, 0, 1);
    subjects.set(subjectOf(total), { ...total.effects });
  }
  same(
    "hits of activation_ended and of the metrics",
    report?.hits ?? 0,
    grown(books, "squall_fault_hits_total", labels),
  );
  same(
    "subjects of activation_ended and of the metrics",
    report?.subjects ?? 0,
    grown(books, "squall_fault_subjects_total", labels),
  );
  const told = books.byFlow === true ? Math.min(report?.hits ?? 0, subjects.size) : (report?.hits ?? 0);
  same("hits of activation_ended and of the journal", told, subjects.size);
  for (const [effect, amount] of Object.entries(report?.effects ?? {})) {
    same(
      `${effect} of activation_ended and of the metrics`,
      amount,
      grown(books, "squall_faults_total", { ...labels, effect }),
    );
    if (books.spares.includes(effect)) continue;
    const told = [...subjects.values()].reduce((sum, effects) => sum + (effects[effect] ?? 0), 0);
    same(`${effect} of activation_ended and of the journal`, amount, told);
  }
  for (const { kind } of entries)
    if (kind === "mistake")
      same("a mistake", "", JSON.stringify(entries.find((entry) => entry.kind === "mistake")));
}

function subjectOf({ connection, exchange, bot }: Of<"fault_hit"> | Of<"fault_total">): string {
  return `${bot} connection ${connection} exchange ${exchange?.id ?? "-"}`;
}

function connections(books: RoundBooks, same: Same): void {
  const { proxy, opened, tried, resets, after, type } = books;
  const accepted = grown(books, "squall_connections_total", { proxy });
  if (!books.losesClients) same("connections opened and accepted", opened, accepted);
  else if (type !== "down")
    same(`connections accepted, of ${opened} to ${tried}`, opened <= accepted && accepted <= tried, true);
  same("connections that are open", 0, after.sum("squall_connections_active", { proxy }));
  for (const [reason, total] of after.by("squall_connections_errors_total", "reason", { proxy })) {
    const more = total - books.before.sum("squall_connections_errors_total", { proxy, reason });
    if (reason === "client_reset") same("connections that clients reset, at most", more <= resets, true);
    else same(`failures without a fault's doing: ${reason}`, more, 0);
  }
}

/** Of byte streams: what came and went at both ends. An RST takes bytes along that were delivered, so then there may be less. */
function bytes(books: RoundBooks, same: Same): void {
  const { proxy, fault, bytes: ends } = books;
  const lossy = books.losesClients || books.losesRequests;
  const total = (name: string, direction: string): number => grown(books, name, { proxy, direction });
  const agree = (what: string, end: number, told: number): void => {
    if (lossy) same(`${what}: ${end}, at most ${told}`, end <= told, true);
    else same(what, end, told);
  };
  agree("bytes that the server got", ends.servers.got, total("squall_bytes_total", "upstream"));
  agree("bytes that clients got", ends.clients.got, total("squall_bytes_total", "downstream"));
  const came = (direction: string): number => total("toxiproxy_proxy_received_bytes_total", direction);
  const missing = DIRECTIONS.reduce((sum, one) => sum + came(one) - total("squall_bytes_total", one), 0);
  const swallowed = grown(books, "squall_faults_total", { proxy, fault, effect: "swallowed" });
  same(
    `bytes swallowed: ${swallowed}, of ${missing} that came and did not go on`,
    swallowed <= missing,
    true,
  );
  if (lossy || books.losesBytes) return;
  same("bytes that clients sent", ends.clients.sent, came("upstream"));
  same("bytes that the server sent", ends.servers.sent, came("downstream"));
  same("bytes that came and did not go on", missing, 0);
}

function exchanges(books: RoundBooks, same: Same): void {
  const { proxy, before, after, entries, seen, asked } = books;
  // Status by status.
  const codes = new Set([...after.by("squall_requests_total", "code", { proxy }).keys()].sort());
  for (const code of codes) {
    const counted =
      after.sum("squall_requests_total", { proxy, code }) -
      before.sum("squall_requests_total", { proxy, code });
    const saw = seen.filter(({ status }) => (status === null ? "none" : String(status)) === code).length;
    if (code === "none" && books.losesClients)
      same("exchanges without a status, at most those of clients", counted <= saw, true);
    else same(`exchanges with ${code}, of clients and of the metrics`, saw, counted);
  }
  const sent = grown(books, "squall_upstream_requests_total", { proxy });
  if (books.losesRequests)
    same("requests that the server got, at most those sent", asked.length <= sent, true);
  else same("requests that the server got, and that were sent", asked.length, sent);
  const answered = asked.filter(({ status }) => status !== null).length;
  const answers = grown(books, "squall_upstream_responses_total", { proxy });
  if (books.losesRequests) same("answers that came, at most those given", answers <= answered, true);
  else same("answers of the server, and those that came", answered, answers);
  // One by one.
  const over = entries.filter((entry): entry is Of<"exchange_over"> => entry.kind === "exchange_over");
  const byPath = new Map(over.map((entry) => [entry.exchange.path, entry]));
  same("exchanges told once each", over.length, byPath.size);
  for (const hit of entries) {
    if (hit.kind !== "fault_hit" || hit.exchange === undefined) continue;
    const told = byPath.get(hit.exchange.path);
    same(
      `${hit.exchange.path} is told at its end, with its fault`,
      told?.faults.includes(hit.fault) ?? "not at all",
      true,
    );
    const client = seen.find(({ path }) => path === hit.exchange?.path);
    same(`the bot of ${hit.exchange.path}`, hit.bot, client?.bot);
  }
  for (const entry of over) {
    const { path } = entry.exchange;
    const client = seen.find((one) => one.path === path);
    if (client === undefined) {
      same(`${path}, which no client asked for`, path, null);
      continue;
    }
    same(`the status of ${path}, of its client and of the journal`, client.status, entry.client_status);
    // Who leaves a connection that is cut at the same moment does not know what came first.
    const ends = client.end === "left" && books.losesClients ? [entry.end] : ENDS[client.end];
    same(`the end of ${path} (${client.end})`, ends.includes(entry.end) ? entry.end : ends, entry.end);
    const server = asked.filter((one) => one.path === path);
    if (entry.upstream_status !== null)
      same(
        `what the upstream answered to ${path}`,
        server.some(({ status }) => status === entry.upstream_status),
        true,
      );
    else if (!books.losesRequests)
      same(
        `${path} was not answered by the upstream`,
        server.filter(({ status }) => status !== null).length,
        0,
      );
  }
}

/** What the journal may call what the client saw. */
const ENDS: Readonly<Record<Seen["end"], readonly string[]>> = {
  complete: ["complete"],
  cut: ["cut", "reset", "closed"],
  // Whoever had ended its side and got nothing cannot be told from one that left; an RST may be read as an end.
  reset: ["reset", "cut", "client_left"],
  closed: ["closed", "cut", "reset", "client_left"],
  left: ["client_left"],
  malformed: ["closed", "complete"],
};
