/** Flags as Go's tools take them: one dash or two, a value behind a space or "=", the last one counts or all do. */
import { CommandError, EXIT } from "./io.js";

type Names = Readonly<Record<string, readonly string[]>>;

/** By the long name, with the short ones. */
export interface FlagSet {
  readonly values: Names;
  readonly switches: Names;
}

export interface Given {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly switches: ReadonlySet<string>;
  /** What is no flag. */
  readonly words: readonly string[];
  readonly usage: string;
}

/** Up to the first word that is no flag, or wherever they stand: scripts put them behind the name of the proxy as well. */
export function readFlags(
  words: readonly string[],
  flags: FlagSet,
  where: "before the verb" | "anywhere",
): { readonly given: Given; readonly rest: readonly string[] } {
  const values = new Map<string, string[]>();
  const switches = new Set<string>();
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const [, name, inline] = /^--?([A-Za-z]\w*)(?:=(.*))?$/su.exec(word) ?? [];
    if (name === undefined) {
      rest.push(word);
      if (where === "anywhere") continue;
      rest.push(...words.slice(index + 1));
      break;
    }
    const value = named(flags.values, name);
    const flag = named(flags.switches, name);
    if (value !== undefined) {
      const text = inline ?? words[++index];
      if (text === undefined) throw new CommandError(EXIT.failed, `flag needs an argument: ${word}`);
      values.set(value, [...(values.get(value) ?? []), text]);
    } else if (flag !== undefined) {
      if (inline !== "false") switches.add(flag);
    } else {
      throw new CommandError(EXIT.failed, `flag provided but not defined: ${word}`);
    }
  }
  return { given: { values, switches, words: rest, usage: "" }, rest };
}

function named(names: Names, given: string): string | undefined {
  return Object.entries(names).find(([long, short]) => long === given || short.includes(given))?.[0];
}
