/** What to say to somebody who names a profile that is not there. */
import { parse } from "node:path";
import { formatProblem, type Problem } from "../core/errors.js";
import { didYouMean } from "../core/suggest.js";
import type { AnyFaultType } from "../faults/contract/index.js";
import { exampleOptions } from "../faults/example-words.js";

/** A file that was found and left out, with its first mistake. */
export interface LeftOut {
  readonly file: string;
  readonly problem: Problem;
}

/**
 * With what to do with a name that is a fault type's, or the nearest name there is. Where files were left out, the profile may well be in
 * one of them: whoever wrote it hears of the mistake here.
 */
export function unknownProfile(
  name: string,
  known: readonly string[],
  types: ReadonlyMap<string, Pick<AnyFaultType, "example">>,
  leftOut: readonly LeftOut[] = [],
): { message: string; hint?: string } {
  const hint =
    namedLikeIt(name, leftOut) ?? useOf(name, types) ?? didYouMean(name, known) ?? mayHaveIt(leftOut);
  return { message: `no profile is called ${JSON.stringify(name)}`, ...(hint === undefined ? {} : { hint }) };
}

function useOf(name: string, types: ReadonlyMap<string, Pick<AnyFaultType, "example">>): string | undefined {
  const type = types.get(name);
  if (type === undefined) return undefined;
  return `it is a fault type: squall add PROXY ${`${name} ${exampleOptions(type)}`.trim()}`;
}

function namedLikeIt(name: string, leftOut: readonly LeftOut[]): string | undefined {
  const one = leftOut.find(({ file }) => parse(file).name === name);
  if (one === undefined) return undefined;
  const { file, line, column, path, message } = one.problem;
  return `${one.file} is left out: ${formatProblem({ file, line, column, path, message })}`;
}

function mayHaveIt(leftOut: readonly LeftOut[]): string | undefined {
  const [first] = leftOut;
  if (first === undefined) return undefined;
  const files = leftOut.length === 1 ? `${first.file} is` : `${leftOut.length} files of ./profiles are`;
  return `${files} left out, and squall validate says why`;
}
