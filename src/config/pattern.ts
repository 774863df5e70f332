/**
 * Patterns of paths and of values, as `match` and `identify` write them.
 *
 * In a path `:name` is one whole segment, `*` any characters within a segment and `**` any characters at all; in a
 * value `*` is any characters. The whole text must match, as it was sent, and case counts. What is matched comes from
 * strangers, so no text may make it slow: the time is bounded by the pattern times the text.
 */

type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "segment"; readonly name: string }
  /** `*` of a path: anything but a slash. */
  | { readonly kind: "star" }
  /** `**` of a path, `*` of a value. */
  | { readonly kind: "any" };

export type TextTest = (text: string) => boolean;

const SEGMENT = /^:([A-Za-z_]\w*)$/u;

/** What is wrong with a pattern of a path, or undefined. */
export function pathMistake(pattern: string): string | undefined {
  if (!pattern.startsWith("/") && !pattern.startsWith("*")) return 'expected a path that begins with "/"';
  if (/[?#]/u.test(pattern))
    return 'expected a path without "?" and "#": use "query" for what stands behind it';
  if (/[^\x21-\x7e]/u.test(pattern)) return "expected a path as it is sent, with %20 for a space";
  if (pattern.includes("***")) return 'expected "*" or "**"';
  const odd = pattern.split("/").find((part) => part.startsWith(":") && !SEGMENT.test(part));
  return odd === undefined ? undefined : "expected a name such as :id as the whole segment";
}

/** The names of the segments, in order. */
export function parametersOf(pattern: string): string[] {
  return pathTokens(pattern).flatMap((token) => (token.kind === "segment" ? [token.name] : []));
}

/** Whether a whole path is of this pattern. */
export function pathTest(pattern: string): TextTest {
  return testOf(pathTokens(pattern));
}

/** Whether a whole value is of this pattern. */
export function valueTest(pattern: string): TextTest {
  return testOf(valueTokens(pattern));
}

/** What stands in a path for the n-th named segment; undefined if the path is not of the pattern. */
export function segmentOf(pattern: string, n: number): (path: string) => string | undefined {
  const tokens = pathTokens(pattern);
  const dead = new Int32Array(tokens.length + 1);
  const wanted = tokens
    .map((token, index) => (token.kind === "segment" ? index : -1))
    .filter((index) => index >= 0)[n];
  const starts = new Int32Array(tokens.length);
  return (path) => {
    if (wanted === undefined || !run(tokens, path, dead, starts)) return undefined;
    const start = starts[wanted] ?? 0;
    const end = path.indexOf("/", start);
    return path.slice(start, end === -1 ? path.length : end);
  };
}

function pathTokens(pattern: string): Token[] {
  return pattern
    .split(/(\*\*|\*|(?<=\/):[A-Za-z_]\w*(?=\/|$))/u)
    .filter((part) => part !== "")
    .map((part): Token => {
      if (part === "**") return { kind: "any" };
      if (part === "*") return { kind: "star" };
      const name = SEGMENT.exec(part)?.[1];
      return name === undefined ? { kind: "text", text: part } : { kind: "segment", name };
    });
}

function valueTokens(pattern: string): Token[] {
  return pattern
    .split(/(\*+)/u)
    .filter((part) => part !== "")
    .map((part): Token => (part.startsWith("*") ? { kind: "any" } : { kind: "text", text: part }));
}

/** The forms that are common are told apart once, so that they cost one comparison each. */
function testOf(tokens: readonly Token[]): TextTest {
  const [first, second, third] = tokens;
  if (first === undefined) return (text) => text === "";
  if (second === undefined && first.kind === "any") return () => true;
  if (first.kind === "text") {
    const { text: start } = first;
    if (second === undefined) return (text) => text === start;
    if (second.kind === "any" && third === undefined) return (text) => text.startsWith(start);
  }
  const dead = new Int32Array(tokens.length + 1);
  return (text) => run(tokens, text, dead, null);
}

/**
 * Each wildcard takes as little as it can, and one more when what follows does not hold. The last `**` may give all
 * before it for settled, and so may the last `*` within its segment. A `*` that failed up to the end of a segment is
 * `dead` from there back, or a `**` before it would have it tried from each character anew.
 */
function run(tokens: readonly Token[], text: string, dead: Int32Array, starts: Int32Array | null): boolean {
  const { length } = text;
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  let any = -1;
  let anyAt = 0;
  for (;;) {
    const one = tokens[token];
    if (one === undefined) {
      if (at === length) return true;
    } else if (one.kind === "text") {
      if (text.startsWith(one.text, at)) {
        at += one.text.length;
        token++;
        continue;
      }
    } else if (one.kind === "segment") {
      const slash = text.indexOf("/", at);
      const end = slash === -1 ? length : slash;
      if (end > at) {
        if (starts !== null) starts[token] = at;
        at = end;
        token++;
        continue;
      }
    } else if (one.kind === "any") {
      any = ++token;
      anyAt = at;
      star = -1;
      dead.fill(-1);
      continue;
    } else if (any === -1 || (dead[token + 1] ?? -1) < at) {
      star = ++token;
      starAt = at;
      continue;
    }
    if (star !== -1) {
      if (starAt < length && text.charCodeAt(starAt) !== 0x2f) {
        at = ++starAt;
        token = star;
        continue;
      }
      dead[star] = starAt;
      star = -1;
    }
    if (any === -1 || anyAt >= length) return false;
    at = anyAt = nextStart(tokens, any, text, anyAt + 1);
    if (at === -1) return false;
    token = any;
  }
}

/** Where what stands behind a `**` may begin at the earliest; -1 if nowhere. */
function nextStart(tokens: readonly Token[], behind: number, text: string, from: number): number {
  const next = tokens[behind];
  if (next?.kind !== "text") return from;
  // The engine's own search does not take time by the product of both, as one that tries each place would.
  if (behind < tokens.length - 1) return text.indexOf(next.text, from);
  const start = text.length - next.text.length;
  return start >= from && text.endsWith(next.text) ? start : -1;
}

/** Whether it is anything but a plain text. */
export function isPattern(text: string): boolean {
  return /\*|(?<=\/):/u.test(text);
}
