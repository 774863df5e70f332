/** Asks many daemons the same, side by side, and keeps of each what became of it: one that is away never keeps the others waiting. */
import { AdminClient, Refusal, type ClientOptions } from "../client.js";
import { CommandError, EXIT, type Io } from "../io.js";
import { rowLines } from "../rows.js";
import { hostsOf, type Host } from "./hosts.js";

export interface OnOptions extends ClientOptions {
  readonly on?: readonly string[];
}

export interface Daemon {
  readonly host: Host;
  readonly client: AdminClient;
}

/** `silent`: whether it did what it was asked for is not known. */
export type Outcome<T> =
  | { readonly daemon: Daemon; readonly state: "applied"; readonly value: T }
  | { readonly daemon: Daemon; readonly state: "refused" | "silent"; readonly why: string };

/** How long a daemon has for each answer. */
const ANSWER_MS = 5_000;
/** Calls under way at once. */
const AT_ONCE = 64;

/** Throws a CommandError for a list that cannot be understood. */
export async function daemonsOf(options: OnOptions, io: Io): Promise<readonly Daemon[]> {
  if (options.admin !== undefined)
    throw new CommandError(EXIT.usage, "--on: names the daemons, so --admin cannot stand beside it");
  const hosts = await hostsOf(options.on ?? [], io);
  return hosts.map((host) => {
    const { admin, servername } = host;
    const given = {
      ...options,
      admin,
      timeout: ANSWER_MS,
      ...(servername === undefined ? {} : { servername }),
    };
    return { host, client: new AdminClient(given, io) };
  });
}

/** In the order of `daemons`. */
export async function askEach<T>(
  daemons: readonly Daemon[],
  ask: (client: AdminClient, daemon: Daemon) => Promise<T>,
): Promise<Outcome<T>[]> {
  const outcomes: Outcome<T>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < daemons.length; index = next++) {
      const daemon = daemons[index];
      if (daemon !== undefined) outcomes[index] = await outcomeOf(daemon, ask);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, daemons.length) }, worker));
  return outcomes;
}

async function outcomeOf<T>(
  daemon: Daemon,
  ask: (client: AdminClient, daemon: Daemon) => Promise<T>,
): Promise<Outcome<T>> {
  try {
    return { daemon, state: "applied", value: await ask(daemon.client, daemon) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { daemon, state: error instanceof Refusal ? "refused" : "silent", why: error.message };
  }
}

/** `2 applied, 1 refused, 0 silent`, with the word of the command for what went well. */
export function countText(outcomes: readonly Outcome<unknown>[], well: string): string {
  const count = (state: Outcome<unknown>["state"]): number =>
    outcomes.filter((outcome) => outcome.state === state).length;
  return `${count("applied")} ${well}, ${count("refused")} refused, ${count("silent")} silent`;
}

/** A line for each daemon, names padded to one width. */
export function rowsText<T>(
  outcomes: readonly Outcome<T>[],
  { colours }: Pick<Io, "colours">,
  well: (value: T) => string,
): string {
  return rowLines(
    outcomes.map((outcome) => {
      const { name } = outcome.daemon.host;
      if (outcome.state === "applied") return { name, text: well(outcome.value) };
      const tint = outcome.state === "refused" ? colours.red : colours.yellow;
      return { name, text: `${tint(outcome.state)}: ${outcome.why}` };
    }),
  );
}

/** Ends the command with a code of its own where not every daemon did what it was asked for, and says so last. */
export function endOf(outcomes: readonly Outcome<unknown>[], text: (count: string) => string): void {
  const done = outcomes.filter(({ state }) => state === "applied").length;
  if (done === outcomes.length) return;
  const code = outcomes.every(({ state }) => state === "silent") ? EXIT.unreachable : EXIT.failed;
  throw new CommandError(code, text(`${done} of ${outcomes.length} daemons`));
}
