/** `--kind`, where a part of the name is enough: `hit` for `fault_hit`, if no other kind has that word in its name. */
import { ENTRY_KINDS } from "../admin/entry-answers.js";
import { oneOf } from "../faults/params.js";
import { CommandError, EXIT } from "./io.js";

/** Throws a CommandError for a word that several kinds have. One that none has is left to the daemon, which may be newer than this program. */
export function entryKind(word: string): string {
  const kinds: readonly string[] = ENTRY_KINDS;
  if (kinds.includes(word)) return word;
  const named = kinds.filter((kind) => kind.split("_").includes(word));
  const [only, second] = named;
  if (second !== undefined)
    throw new CommandError(
      EXIT.usage,
      `--kind: ${JSON.stringify(word)} is not one kind: expected ${oneOf(named)}`,
    );
  return only ?? word;
}
