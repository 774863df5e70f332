/** The one line of a program's output that says best what went wrong, without what differs from run to run. */

/** Escape sequences of terminals. */
const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]/gu;
const STACK = /^\s+at |^\s*File "|^\s*\^+\s*$|^Node\.js v\d|^\s*[}\])]+,?;?\s*$|^goroutine \d|^\s*\d+ \|/u;
const TROUBLE =
  /error|exception|fail|fatal|panic|refused|reset|timed? ?out|timeout|not found|cannot|could not|unable|abort|invalid|unexpected|denied|✗|✘|×/iu;
/**
 * Lines that sum up what others said: of npm, yarn, pnpm and make, and of test runners such as Jest, Vitest, pytest, unittest, Mocha,
 * `go test`, `cargo test`, RSpec, PHPUnit, Maven, Gradle and TAP.
 */
const SUMMARY = [
  /^(?:npm (?:err!|error)|error: (?:script|command) .*exited|error command failed|elifecycle|g?make(?:\[\d+\])?: \*\*\*)/iu,
  /^(?:tests?:? +\d|test (?:files|suites)|test result:|error: test failed|[#ℹ] [a-z]+ \d+|\d+ failing)/iu,
  /^(?:=+ )?\d+ (?:failed|passed|errors?|examples?|tests?)\b/iu,
  /^(?:\[\w+\] )?(?:tests run:|build fail|failed to execute goal)/iu,
  /^(?:--- )?FAIL(?:ED|URES)?(?::|!|\s+\(|\s+\S+$|\s+\S+\s+\[?[\w. ]+\]?$|$)/u,
];
/** What was thrown, with what Python, Jest and Node put in front of it. */
const THROWN = /^(?:E {2,}|caused by: |uncaught )*[\w.]*(?:error|exception)\b.*:/iu;
/** What was told of a test that failed: by `go test`, by Jest's `expect`, by pytest's last lines. */
const TOLD = /^\w+_test\.go:\d+: |^expect\(.*\)\.|^(?:FAILED|ERROR) \S+(?:::\S+)+ - /u;
const MAX = 120;

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** As signatures have it. Null where nothing was said. Errors go before other lines, and standard error before standard output. */
export function errorLine(output: Output): string | null {
  const line = telling(output);
  return line === null ? null : normalise(line);
}

/** The same line as it was written, for people. */
export function spokenLine(output: Output): string | null {
  const line = telling(output);
  return line === null ? null : shortened(line);
}

function telling(output: Output): string | null {
  const [err, out] = [linesOf(output.stderr), linesOf(output.stdout)];
  const line = lastTrouble(err) ?? lastTrouble(out) ?? summary(err) ?? summary(out) ?? err.at(-1);
  return line === undefined ? null : line.trim().replace(/^E {2,}/u, "");
}

function linesOf(text: string): string[] {
  return text
    .replaceAll(ESCAPES, "")
    .split(/\r?\n/u)
    .filter((line) => line.trim() !== "" && !STACK.test(line));
}

function lastTrouble(lines: readonly string[]): string | undefined {
  const own = lines.map((line) => line.trim()).filter((line) => !SUMMARY.some((form) => form.test(line)));
  return (
    // What was thrown is more than what was logged of it afterwards.
    own.findLast((line) => THROWN.test(line)) ??
    own.findLast((line) => TOLD.test(line)) ??
    own.findLast((line) => TROUBLE.test(line))
  );
}

/** Better than nothing. */
const summary = (lines: readonly string[]): string | undefined =>
  lines.findLast((line) => TROUBLE.test(line));

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
  return shortened(line);
}

const shortened = (line: string): string => (line.length <= MAX ? line : `${line.slice(0, MAX - 1)}…`);
