/** Mistakes in the command line itself, which commander finds, in the words of all others. */
import type { Command, OutputConfiguration } from "commander";
import { suggest } from "../core/suggest.js";
import { COMMANDS } from "./commands.js";
import type { Io } from "./io.js";

/** For commander: in one line, by the name of this program. `options` are those of the command that was asked for. */
export function outputOf(
  io: Io,
  words: readonly string[],
  options: readonly string[] = [],
): OutputConfiguration {
  return {
    writeOut: io.out,
    writeErr: io.err,
    outputError: (text, write) => {
      const said = text
        .trim()
        .replace(/^error: /u, "")
        .replace(/^option '(?:-\w, )?(--\S+) (.+)' argument missing$/u, "$1: a value is missing ($1 $2)")
        .replace(/^required option '(?:-\w, )?(--\S+) (.+)' not specified$/u, "$1: is required ($1 $2)")
        .replace(/\n\(Did you mean (.*)\)$/u, " (did you mean $1)");
      write(`squall: ${misplaced(words, said) ?? misspelt(words, said, options) ?? said}\n`);
    },
  };
}

/** Flags without a command are those of `serve`: where a command comes behind them, nobody meant `serve`. Null for all else. */
function misplaced(words: readonly string[], said: string): string | null {
  if (words[0]?.startsWith("-") !== true || !/^(?:too many arguments|unknown option)/u.test(said))
    return null;
  const command = words.find((word) => COMMANDS.includes(word));
  return command === undefined ? null : `options stand behind the command: squall ${command} ${words[0]} …`;
}

export function optionsOf(command: Command): readonly string[] {
  return command.options.flatMap(({ long }) => long ?? []);
}

/** What is missing is there by a wrong name: that is the mistake, and commander looks for what is missing first. Null for all else. */
function misspelt(words: readonly string[], said: string, options: readonly string[]): string | null {
  const [, missing] = /^(--[\w-]+): is required/u.exec(said) ?? [];
  if (missing === undefined) return null;
  const given = words.flatMap((word) => /^(--[^=]+)/u.exec(word)?.[1] ?? []);
  const wrong = given.find((word) => !options.includes(word) && suggest(word, options) === missing);
  return wrong === undefined ? null : `unknown option '${wrong}' (did you mean ${missing}?)`;
}
