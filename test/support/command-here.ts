/** The real `squall` command within the process of a test, with all that it says: for what needs no process of its own. */
import pc from "picocolors";
import type { Io } from "../../src/cli/io.js";
import { runCommand } from "../../src/cli/program.js";
import { ROOT, squall, type Said } from "./process.js";
import { WHOLE } from "./scope.js";

/** Runs a command to its end, in a world with no colours and no environment but what is given; what would run on is stopped at once. */
export async function commandHere(words: readonly string[], world: Partial<Io> = {}): Promise<Said> {
  const said = { out: "", err: "" };
  const code = await runCommand(words, {
    out: (more) => void (said.out += more),
    err: (more) => void (said.err += more),
    env: {},
    cwd: ROOT,
    colours: pc.createColors(false),
    terminal: false,
    live: null,
    log: process.stdout,
    pid: process.pid,
    node: process.version,
    platform: process.platform,
    program: "squall",
    home: ROOT,
    stopped: Promise.resolve("SIGTERM"),
    outputLost: new Promise(() => undefined),
    outputError: () => Promise.resolve(null),
    started: () => undefined,
    onHangup: () => undefined,
    onExit: () => undefined,
    onUncaught: () => undefined,
    ...world,
  });
  return { code, ...said };
}

/**
 * Runs a command to its end: within this process in `npm test`, which costs a hundredth of one of its own, and as a process of its own in
 * `npm run test:all`. For tests of what a command says that hold for both.
 */
export async function command(
  words: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Record<string, string> },
): Promise<Said> {
  if (!WHOLE) return commandHere(words, { cwd, env });
  const { code, out, err } = await squall(words, { cwd, env });
  return { code, out, err };
}
