/** The one line of a program's output that says best what went wrong, without what differs from run to run. */

/** Escape sequences of terminals. */
const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]/gu;
const STACK = /^\s+at |^\s*File "|^\s*\^+\s*$|^Node\.js v\d|^\s*[}\])]+,?;?\s*$|^goroutine \d|^\s*\d+ \|/u;
const TROUBLE =
  /error|exception|fail|fatal|panic|refused|reset|timed? ?out|timeout|not found|cannot|could not|unable|abort|invalid|unexpected|denied|✗|✘|×/iu;
/** Lines that sum up what others said, such as those of npm and of test runners. */
const SUMMARY =
  /^(?:npm (?:err!|error)|error: (?:script|command) .*exited|tests?:? +\d|test (?:files|suites))/iu;
const MAX = 120;

/** Null where nothing was said. Errors go before other lines, and standard error before standard output. */
export function errorLine(output: { readonly stdout: string; readonly stderr: string }): string | null {
  const [err, out] = [linesOf(output.stderr), linesOf(output.stdout)];
  const line = lastTrouble(err) ?? lastTrouble(out) ?? err.at(-1) ?? null;
  return line === null ? null : normalise(line);
}

function linesOf(text: string): string[] {
  return text
    .replaceAll(ESCAPES, "")
    .split(/\r?\n/u)
    .filter((line) => line.trim() !== "" && !STACK.test(line));
}

function lastTrouble(lines: readonly string[]): string | undefined {
  const telling = lines.filter((line) => TROUBLE.test(line) && !SUMMARY.test(line.trim()));
  // What was thrown is more than what was logged of it afterwards.
  return (
    telling.findLast((line) => /^(?:uncaught )?[\w.]*(?:error|exception)\b.*:/iu.test(line.trim())) ??
    telling.at(-1)
  );
}

/**
 * A text by which two runs with the same cause are told alike: what is counted, timed, drawn or numbered becomes `#`.
 */
export function normalise(text: string): string {
  const line = text
    .replaceAll(ESCAPES, "")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?/gu, "#")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/giu, "#")
    .replaceAll(/\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/gu, "#")
    .replaceAll(/(?:\/[\w.@-]+){2,}\/([\w.@-]+)/gu, (_all, last: string) => last)
    .replaceAll(/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/giu, "#")
    .replaceAll(/\b0x[0-9a-f]+\b/giu, "#")
    // Drawn ids such as 7f3e and a1b2c3; words with a number behind them are words.
    .replaceAll(/\b(?=[a-z]*\d)(?=\d*[a-z])(?![a-z]+\d+\b)[0-9a-z]{4,}\b/gu, "#")
    // What a parser stumbled over is drawn anew with each spoilt body.
    .replaceAll(/(["'`])[^"'`\s]\1/gu, "$1#$1")
    .replaceAll(/\d+(?:\.\d+)*/gu, "#")
    .replaceAll(/#(?:[:.,/-]#)+/gu, "#")
    .replaceAll(/\s+/gu, " ")
    .trim();
  return line.length <= MAX ? line : `${line.slice(0, MAX - 1)}…`;
}
