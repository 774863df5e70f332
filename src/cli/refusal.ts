/** What a daemon refused, in one sentence: each mistake once, and by the option that it was made with, where one was. */

export interface RefusedAnswer {
  readonly error?: unknown;
  readonly hint?: unknown;
  readonly path?: unknown;
  readonly details?: readonly RefusedDetail[];
}

interface RefusedDetail {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** How a command says the place of a mistake: "--delay" for `faults[0].delay`; null where the message says it all. */
export interface Naming {
  readonly option: (path: string) => string | null | undefined;
  /** Said where the daemon has none. */
  readonly hint?: (path: string) => string | undefined;
  /** What the daemon calls by another name, such as the text of a request. */
  readonly file?: (file: string) => string;
}

/** What the daemon calls what it was sent. */
const REQUEST = "request";

export function refusalText(text: string, status: number, naming?: Naming): string {
  let answer: RefusedAnswer;
  try {
    answer = JSON.parse(text) as RefusedAnswer;
  } catch {
    return `the daemon answered ${status}: ${text.slice(0, 200)}`;
  }
  const { error, hint, path, details = [] } = answer;
  const mistakes = [...new Set(details.map((one) => mistakeText(one, naming)))];
  const [only] = mistakes;
  if (mistakes.length > 1)
    return [`${mistakes.length} mistakes`, ...mistakes.map((mistake) => `  ${mistake}`)].join("\n");
  if (only !== undefined) return only;
  const named = typeof path === "string" ? (naming?.option(path) ?? null) : null;
  // The daemon says the name of a query parameter itself.
  const said = named === null ? String(error) : String(error).replace(`${String(path)}: `, "");
  return `${named === null ? "" : `${named}: `}${said}${withHint(typeof hint === "string" ? hint : undefined)}`;
}

function mistakeText(
  { file, line, column, path, message, hint }: RefusedDetail,
  naming: Naming | undefined,
): string {
  // A list of all that would be right says less than the one that was meant.
  const better = hint === undefined || hint.startsWith("known: ") ? naming?.hint?.(path) : undefined;
  const said = `${message}${withHint(better ?? hint)}`;
  const option = file === REQUEST && naming !== undefined ? naming.option(path) : undefined;
  if (option === null) return said;
  if (option !== undefined) return `${option}: ${said}`;
  return `${naming?.file?.(file) ?? file}:${line}:${column} ${path === "" ? "" : `${path}: `}${said}`;
}

function withHint(hint: string | undefined): string {
  return hint === undefined ? "" : ` (${hint})`;
}
