/** A replay file read back: checked as any profile is, and as a case that can be run. */
import { basename, join } from "node:path";
import type { CaseBlock } from "../../config/case-block.js";
import { Library } from "../../config/library.js";
import { child, SourceText, toPlain, type Located } from "../../config/located.js";
import { Problems } from "../../config/problems.js";
import type { ProfileSource } from "../../config/profile.js";
import { FAULT_TYPES } from "../../faults/kinds/index.js";
import { stringify } from "yaml";
import type { FaultInput } from "../contract/run.js";

export interface ReadCase {
  readonly name: string;
  readonly file: string;
  readonly faults: readonly FaultInput[];
  readonly case: CaseBlock;
  /** Its run file: what stands under `run`, named so that mistakes are told where they are. */
  readonly run: { readonly file: string; readonly text: string };
}

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

/** Throws SQ_INVALID_PROFILE with all that is wrong with it. */
export function readCase(text: string, file: string): ReadCase {
  const source = onlyProfile(text, file);
  const problems = new Problems();
  if (source.case === null)
    problems.add(
      source.tree,
      "this profile is no replay file: it has no case",
      "squall shrink and squall sweep write such files; squall use takes this one",
    );
  addElsewhere(source, "a replay file", problems);
  problems.throwIfAny("SQ_INVALID_PROFILE");
  if (source.case === null) throw problems.error("SQ_INVALID_PROFILE");
  const { folder = "", run } = source.case;
  return {
    name: source.name,
    file,
    faults: faultsOf(source),
    case: source.case,
    run: { file: join(folder, `${basename(file)} case.run`), text: stringify(run) },
  };
}

/** Faults that come from anywhere but the list under `faults` are not those that are run, so a profile with such ones is refused. */
function addElsewhere({ tree }: Pick<ProfileSource, "tree">, what: string, problems: Problems): void {
  for (const key of ["phases", "extends", "params"]) {
    const node = child(tree, key);
    if (node !== undefined) problems.add(node, `${what} has its faults under faults, and no ${key}`);
  }
}

/** The faults of a profile that is to be shrunk. Throws SQ_INVALID_PROFILE where some of them would be left out. */
export function shrinkable(source: Pick<ProfileSource, "tree">): FaultInput[] {
  const problems = new Problems();
  addElsewhere(source, "a profile that is shrunk", problems);
  const faults = faultsOf(source);
  if (faults.length === 0 && problems.count === 0)
    problems.add(source.tree, "a profile that is shrunk has its faults under faults");
  problems.throwIfAny("SQ_INVALID_PROFILE");
  return faults;
}

/** The one profile of a text. Throws SQ_INVALID_PROFILE where it has none, several, or mistakes. */
export function onlyProfile(text: string, file: string): ProfileSource {
  const library = new Library(TYPES);
  library.putAll([text], file);
  const sources = library.entries.map((entry) => entry.source);
  const [source, second] = sources;
  const problems = new Problems();
  if (second !== undefined) problems.add(second.tree, "expected one profile, got a second one");
  if (source === undefined) {
    const start = { place: { text: new SourceText(file, text), offset: 0 }, path: "" };
    problems.add(start, "expected a profile, and there is nothing in the file");
  }
  problems.throwIfAny("SQ_INVALID_PROFILE");
  if (source === undefined) throw problems.error("SQ_INVALID_PROFILE");
  return source;
}

/** As they were written, with the names that those without one get. */
export function faultsOf({ tree }: Pick<ProfileSource, "tree">): FaultInput[] {
  return named(child(tree, "faults"));
}

function named(list: Located | undefined): FaultInput[] {
  if (list?.kind !== "list") return [];
  const seen = new Map<string, number>();
  return list.items.map((item) => {
    const plain = { ...(toPlain(item) as Record<string, unknown>) };
    const type = String(plain["type"]);
    const count = (seen.get(type) ?? 0) + 1;
    seen.set(type, count);
    const name = typeof plain["name"] === "string" ? plain["name"] : count === 1 ? type : `${type}-${count}`;
    return { ...plain, type, name };
  });
}
