/**
 * What route a path is of, by the looks of its segments alone: `/v1/jobs/17/complete` is `/v1/jobs/:n/complete`. It knows no other
 * paths, so that the journal can say it of each exchange; the sweep, which has seen all of them, begins with it and goes further.
 */

/** A segment that varies, by what it looks like; each is one whole segment to `match: { path }`. */
export type Placeholder = ":n" | ":id" | ":hex" | ":date" | ":email";

/** Longer ones are no word of anybody's. */
const WORD_MAX = 96;

const DECIMAL = /^-?\d+$/u;
const UUID = /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/iu;
/** Crockford's base 32, which begins with 0 to 7: its 128 bits do not fill the 130 that 26 characters have. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/iu;
const OBJECT_ID = /^[0-9a-f]{24}$/iu;
const HEX = /^(?:0x)?[0-9a-f]{8,}$/iu;
const DATE = /^\d{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?(?:[T ].*)?$/u;
const EMAIL = /^[^@\s/]+@[^@\s/.]+(?:\.[^@\s/.]+)+$/u;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/u;
/** `ch_3MmlLrLkdIwHu7ix`, `sess-9fK2xQ7a`: a short word says what it is of. */
const PREFIXED = /^[A-Za-z]{1,8}[_-]([0-9A-Za-z]{8,})$/u;
/** `bot-dd47f93e-8eff`: a word, and groups of hexadecimal digits. */
const PREFIXED_HEX = /^[A-Za-z]{1,12}((?:[_-][0-9a-f]{4,})+)$/u;
/** `app.3f2a9c1b.js`, `main-5d41402abc4b2a76.css`: the name and the ending stay, the hash varies. */
const HASHED_FILE = /^(.*?[.-])([0-9A-Za-z_]{6,64})(\.[A-Za-z][0-9A-Za-z]{0,7})$/u;
const FILE = /^(.+)(\.[a-z][0-9a-z]{1,5})$/u;
/** `v1`, `v2.1`, `2.0`, and the dates that some name their versions by. */
const VERSION = /^(?:v\d+(?:\.\d+)*(?:(?:alpha|beta|rc)\d*)?|\d+\.\d+|\d{4}-\d{2}-\d{2})$/iu;
/** Words before a version. */
const BEFORE_VERSION: ReadonlySet<string> = new Set(["api", "apis", "rest", "public"]);

/** The pattern of the path, in the form that `match: { path }` takes. `path` is as it was sent, without a query. */
export function templateOf(path: string): string {
  const segments = path.split("/");
  return segments
    .map((segment, index) => {
      if ((isVersion(segment) || isShortVersion(segments, index)) && isEntrance(segments, index))
        return asPattern(segment);
      return placeholderOf(segment) ?? fileOf(segment) ?? asPattern(segment);
    })
    .join("/");
}

/** Whether the segment stands where a path begins, or behind nothing but words such as `api` and a version. */
export function isEntrance(segments: readonly string[], index: number): boolean {
  return segments
    .slice(0, index)
    .every(
      (before, at) =>
        before === "" || isBeforeVersion(before) || isVersion(before) || isShortVersion(segments, at),
    );
}

/** The 2 of `/rest/api/2/issue`: behind such a word, and with something behind it. */
function isShortVersion(segments: readonly string[], index: number): boolean {
  return (
    /^\d{1,2}$/u.test(segments[index] ?? "") &&
    isBeforeVersion(segments[index - 1] ?? "") &&
    index < segments.length - 1
  );
}

function isBeforeVersion(segment: string): boolean {
  return BEFORE_VERSION.has(segment.toLowerCase());
}

export function isVersion(segment: string): boolean {
  return VERSION.test(segment);
}

/** What the segment of a path looks like; null for a word. */
export function placeholderOf(segment: string): Placeholder | null {
  if (segment === "") return null;
  if (segment.length > WORD_MAX) return ":id";
  const text = decoded(segment);
  if (DECIMAL.test(text)) return ":n";
  if (UUID.test(text) || OBJECT_ID.test(text) || (ULID.test(text) && /\d/u.test(text))) return ":id";
  // Letters alone may be a word: `deadbeef`, `defaced`. Sixteen of them are none.
  if (HEX.test(text) && (/\d/u.test(text) || text.length >= 16)) return ":hex";
  if (DATE.test(text)) return ":date";
  if (EMAIL.test(text)) return ":email";
  if (IPV4.test(text)) return ":id";
  const ending = PREFIXED.exec(text)?.[1];
  if (ending !== undefined && (isMixed(ending, 1) || isRestless(ending))) return ":id";
  const groups = PREFIXED_HEX.exec(text)?.[1] ?? "";
  if (/\d/u.test(groups) && /[a-f]/u.test(groups) && groups.replace(/[_-]/gu, "").length >= 8) return ":id";
  if (isToken(text)) return ":id";
  return null;
}

/** Base64url and base58 of 16 characters and more; words with hyphens are looked at one by one, since `release-of-2024-to-all` is none. */
function isToken(text: string): boolean {
  const bare = text.replace(/={1,2}$/u, "");
  if (bare.length < 16 || !/^[0-9A-Za-z_-]+$/u.test(bare)) return false;
  const runs = bare.split(/[_-]/u);
  if (runs.some((run) => run.length >= 16 && (isMixed(run, 2) || isRestless(run)))) return true;
  return runs.some((run) => /\d/u.test(run) && /[a-z]/u.test(run) && /[A-Z]/u.test(run)) && isMixed(bare, 2);
}

/** So many digits at least, and letters beside them: `getUserList2` has one, and what was drawn at random has more. */
function isMixed(text: string, digits: number): boolean {
  const figures = text.replace(/[^0-9]/gu, "").length;
  const letters = text.replace(/[^A-Za-z]/gu, "").length;
  if (letters === 0 || figures < digits) return false;
  // A word with a number at its end is a name that somebody gave.
  return !/^[A-Z]?[a-z]+\d+$|^[A-Z]+\d+$/u.test(text) || figures > letters;
}

/** Hardly fewer capitals than small letters: words that are written together, such as `listAllOfMyApiKeys`, have fewer. */
function isRestless(text: string): boolean {
  const capitals = text.replace(/[^A-Z]/gu, "").length;
  const small = text.replace(/[^a-z]/gu, "").length;
  return capitals >= 0.3 * (capitals + small) && small >= 0.3 * (capitals + small) && capitals > 3;
}

/** `17.json` and `app.3f2a9c1b.js`: the ending stays, and so does the name before a hash. */
function fileOf(segment: string): string | null {
  const [, stem = "", extension = ""] = FILE.exec(segment) ?? [];
  const [, name = "", hash = "", ending = ""] = HASHED_FILE.exec(segment) ?? [];
  const isHash = (HEX.test(hash) || isMixed(hash, 2)) && /\d/u.test(hash) && !DECIMAL.test(hash);
  const hashed = isHash && !UUID.test(stem) ? `${asPattern(name)}*${asPattern(ending)}` : null;
  // `main-5d41402abc4b2a76.css` has a name before its hash, and `17.json` has none.
  if (hashed !== null && /^[A-Za-z]+[.-]$/u.test(name)) return hashed;
  return extension !== "" && placeholderOf(stem) !== null ? `*${asPattern(extension)}` : hashed;
}

/** A word as a pattern that matches it: characters that mean something in patterns, or cannot stand in them, are `*`. */
export function asPattern(segment: string): string {
  const whole = segment.startsWith(":") ? `*${segment.slice(1)}` : segment;
  return whole.replace(/[*?#]|[^\x21-\x7e]/gu, "*").replace(/\*{2,}/gu, "*");
}

function decoded(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
