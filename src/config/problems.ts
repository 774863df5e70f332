/** Collects all mistakes of a text, so that a user sees them at once and not one after the other. */
import { SquallError, formatProblem, type ErrorCode, type Problem } from "../core/errors.js";
import type { Place, SourceText } from "./located.js";

/** So many are kept; a text with more is broken in a way that a longer list would not explain. */
export const PROBLEMS_KEPT = 100;

interface At {
  readonly place: Place;
  readonly path: string;
}

export class Problems {
  readonly #found: {
    readonly problem: Problem;
    readonly text: SourceText;
    readonly file: number;
    readonly offset: number;
  }[] = [];
  readonly #files = new Map<string, number>();
  readonly #known = new Set<string>();
  #more = 0;

  get count(): number {
    return this.#found.length + this.#more;
  }

  add(at: At, message: string, hint?: string): void {
    const { text, offset } = at.place;
    if (this.#found.length >= PROBLEMS_KEPT) {
      this.#more++;
      return;
    }
    const identity = JSON.stringify([text.name, offset, at.path, message]);
    if (this.#known.has(identity)) return;
    this.#known.add(identity);
    const { line, column, source, cut } = text.at(offset);
    const problem: Problem = {
      file: text.name,
      line,
      column,
      path: at.path,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(source === undefined ? {} : { source }),
      ...(cut === undefined ? {} : { cut }),
    };
    this.#found.push({ problem, text, file: this.#rank(text), offset });
  }

  /** Takes over what another collection found. */
  absorb(other: Problems): void {
    for (const { problem, text, offset } of other.#found) {
      this.add({ place: { text, offset }, path: problem.path }, problem.message, problem.hint);
    }
    this.#more += other.#more;
  }

  /** In the order of the documents, and within each from top to bottom. */
  list(): Problem[] {
    return this.#found
      .toSorted((a, b) => a.file - b.file || a.offset - b.offset)
      .map(({ problem }) => problem);
  }

  error(code: ErrorCode): SquallError {
    const details = this.list();
    const [first] = details;
    const others = this.count - 1;
    const rest = others > 0 ? ` (and ${others} more ${others === 1 ? "mistake" : "mistakes"})` : "";
    const text = first === undefined ? "something is wrong" : headOf(first) + rest;
    return new SquallError(code, text, { details });
  }

  throwIfAny(code: ErrorCode): void {
    if (this.count > 0) throw this.error(code);
  }

  #rank(text: SourceText): number {
    const known = this.#files.get(text.name);
    if (known !== undefined) return known;
    this.#files.set(text.name, this.#files.size);
    return this.#files.size - 1;
  }
}

function headOf(problem: Problem): string {
  const { source: _source, ...head } = problem;
  return formatProblem(head);
}

/** All problems as a person reads them: positions, lines and carets, and how many were left out. */
export function formatProblems(details: readonly Problem[], count = details.length): string {
  const more = count - details.length;
  return [...details.map(formatProblem), ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}
