/** A text with mistakes, and how each is told: `line:column path: message (hint)`. */
import type { Problem } from "../../src/core/errors.js";
import { SquallError } from "../../src/core/errors.js";

export interface BrokenText {
  readonly name: string;
  readonly text: string;
  readonly problems: readonly string[];
}

/** The error that a call ends with; anything but a SquallError is passed on. */
export function refusalOf(call: () => unknown): SquallError {
  try {
    call();
  } catch (error) {
    if (error instanceof SquallError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

export function told(problems: readonly Problem[] | undefined, file: string): string[] {
  return (problems ?? []).map(({ file: name, line, column, path, message, hint }) => {
    const where = name === file ? "" : `${name}:`;
    return `${where}${line}:${column} ${path === "" ? "" : `${path}: `}${message}${hint === undefined ? "" : ` (${hint})`}`;
  });
}
