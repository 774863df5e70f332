/**
 * Which file has which subcommands. Each is loaded when its command is asked for: what reads YAML, talks HTTP or keeps metrics takes
 * longer to load than most commands take to run.
 */
import type { Command } from "commander";
import { CommandError, EXIT, type Io } from "./io.js";

interface Group {
  readonly names: readonly string[];
  readonly add: (program: Command, io: Io) => Promise<void>;
}

/** In the order of the help. */
const GROUPS: readonly Group[] = [
  { names: ["serve"], add: async (program, io) => (await import("./local.js")).addServe(program, io) },
  {
    names: ["validate"],
    add: async (program, io) => (await import("./validate.js")).addValidate(program, io),
  },
  { names: ["explain"], add: async (program, io) => (await import("./explain.js")).addExplain(program, io) },
  { names: ["draws"], add: async (program, io) => (await import("./draws.js")).addDraws(program, io) },
  {
    names: ["profiles"],
    add: async (program, io) => (await import("./profiles.js")).addProfiles(program, io),
  },
  {
    names: ["use", "add", "heal"],
    add: async (program, io) => (await import("./active.js")).addActiveCommands(program, io),
  },
  { names: ["status"], add: async (program, io) => (await import("./status.js")).addStatus(program, io) },
  { names: ["journal"], add: async (program, io) => (await import("./journal.js")).addJournal(program, io) },
  { names: ["sites"], add: async (program, io) => (await import("./sites.js")).addSites(program, io) },
  { names: ["ca"], add: async (program, io) => (await import("./authority.js")).addCa(program, io) },
  { names: ["env"], add: async (program, io) => (await import("./authority.js")).addEnv(program, io) },
  { names: ["replay"], add: async (program, io) => (await import("./replay.js")).addReplay(program, io) },
  { names: ["hunt"], add: async (program, io) => (await import("./hunt.js")).addHunt(program, io) },
  { names: ["shrink"], add: async (program, io) => (await import("./shrink.js")).addShrink(program, io) },
  { names: ["demo"], add: async (program, io) => (await import("./demo.js")).addDemo(program, io) },
  {
    names: ["mock-server"],
    add: async (program) => (await import("./mock.js")).addMockServer(program),
  },
  { names: ["bot"], add: async (program) => (await import("./bot.js")).addBot(program) },
  { names: ["sweep"], add: async (program, io) => (await import("./sweep.js")).addSweep(program, io) },
  { names: ["load"], add: async (program, io) => (await import("./mock.js")).addLoad(program, io) },
];

export const COMMANDS: readonly string[] = GROUPS.flatMap(({ names }) => names);

/**
 * Adds the command that these words ask for; all of them where they ask for help.
 *
 * @throws CommandError if there is no such command: commander would take the word for one that `serve` was given too many.
 */
export async function addCommands(program: Command, words: readonly string[], io: Io): Promise<void> {
  const asked = askedFor(words);
  const group = GROUPS.find(({ names }) => names.includes(asked));
  const meant = asked === "help" ? (words[1] ?? "") : asked;
  if (group === undefined && !["", "help", "--help", "-h", ...COMMANDS].includes(meant))
    throw await unknownCommand(meant);
  for (const { add } of group === undefined ? GROUPS : [group]) await add(program, io);
}

/** Flags without a command are those of `serve`, but for `-h`: so Toxiproxy is started. */
function askedFor([first = "", ...rest]: readonly string[]): string {
  if (!first.startsWith("-")) return first;
  return [first, ...rest].some((word) => word === "-h" || word === "--help") ? "" : "serve";
}

async function unknownCommand(asked: string): Promise<CommandError> {
  const { didYouMean } = await import("../core/suggest.js");
  const hint = didYouMean(asked, [...COMMANDS, "help", "toxiproxy-cli"]);
  return new CommandError(
    EXIT.usage,
    `there is no command ${JSON.stringify(asked)} (${hint ?? "squall --help lists them"})`,
  );
}
