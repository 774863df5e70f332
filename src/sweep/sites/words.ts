/** Segments of paths that are words of an API and never somebody's values, however many stand beside them. */
import { isVersion } from "../../core/route-template.js";

const WORDS: ReadonlySet<string> = new Set(
  (
    "a about accept account accounts action actions active activity admin all api apis archive attachments auth authorize batch bulk cancel " +
    "check claim close comments complete config confirm copy count create current delete details disable download edit enable end " +
    "events exists export fail failed files filter finish form graphql groups health healthz heartbeat history images import index info init " +
    "items jobs join json latest leave links list lock login logout logs me members messages meta metadata metrics move new next open " +
    "options orders pause permissions ping poll preview projects public publish query queue queues read ready readyz refresh register release " +
    "reject remove renew report reports reset restart restore resume retry revoke roles root rpc rules run runs search self send session " +
    "sessions settings setup share start state stats status stop submit subscribe summary sync tags tasks teams test token tokens unlock " +
    "unread unsubscribe update upload uploads user users v validate verify version versions webhooks work"
  ).split(" "),
);

export function isWord(segment: string): boolean {
  return WORDS.has(segment.toLowerCase()) || isVersion(segment);
}

/**
 * Names of collections are plural: `droplets`, `ssh_keys`, `registered-domains`. Names that people give to single things are seldom so,
 * and of many of those never most.
 */
export function isPlural(segment: string): boolean {
  return /^[A-Za-z]+(?:[_-][A-Za-z]+)*[a-z]s$/u.test(segment) && !/(?:ss|us|is)$/u.test(segment);
}

/** One such word, without another beside it: no name, where names stand beside it. */
export function isPluralWord(segment: string): boolean {
  return isPlural(segment) && /^[a-z]+$/u.test(segment);
}

export function isBareWord(segment: string): boolean {
  return /^[A-Za-z]+$/u.test(segment);
}

/**
 * Whether these stand for what can be asked, and not for things that somebody named: most are plural, or are written with underscores
 * (`memory_free`, `load_15`) where names have hyphens, dots or capitals.
 */
export function areOperations(segments: readonly string[]): boolean {
  const half = segments.length / 2;
  if (segments.filter(isPlural).length > half) return true;
  const joined = segments.filter((segment) => /^[a-z]+(?:_[a-z0-9]+)+$/u.test(segment)).length;
  return joined > half && segments.every((segment) => /^[a-z0-9_]+$/u.test(segment));
}
