/** Search for a profile by what goes wrong: words of its name, its summary, what it breaks and who survives it. Pure. */
import type { ProfileSummary } from "./answers.js";

/** What people say, and what the library calls it. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  ack: ["answer", "acknowledgement", "completion"],
  deploy: ["restart", "replaced"],
  disconnect: ["cut", "reset", "closed", "drop"],
  dns: ["resolve", "name"],
  double: ["duplicate", "twice", "again"],
  duplicate: ["twice", "again", "double"],
  expired: ["certificate"],
  flaky: ["flap", "loss", "intermittent"],
  freeze: ["hang", "silent", "silence"],
  hang: ["silent", "silence", "wait"],
  latency: ["slow", "delay", "later"],
  overload: ["busy", "queue", "503"],
  retry: ["again", "repeat", "repeats"],
  slow: ["latency", "delay", "later"],
  ssl: ["tls", "certificate"],
  stuck: ["hang", "silent", "wait"],
  throttle: ["429", "rate", "limit"],
  timeout: ["time-out", "deadline", "wait", "silent"],
};

/** Those in which each word is found, the best first; all of them in their order for no words. */
export function search<Found extends ProfileSummary>(profiles: readonly Found[], asked: string): Found[] {
  const words = wordsOf(asked).slice(0, 12);
  if (words.length === 0) return [...profiles];
  return profiles
    .map((profile) => ({ profile, score: scoreOf(profile, words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ profile }) => profile);
}

type Places = readonly (readonly [readonly string[], number])[];

/** Of thousands, taking them apart again at each letter would be felt. */
const PLACES = new WeakMap<ProfileSummary, Places>();

function placesOf(profile: ProfileSummary): Places {
  const known = PLACES.get(profile);
  if (known !== undefined) return known;
  const { name, summary, breaks, survives, tags } = profile;
  const places: Places = [
    [wordsOf(name), 8],
    [tags.flatMap(wordsOf), 5],
    [wordsOf(breaks), 4],
    [wordsOf(summary), 3],
    [wordsOf(survives), 1],
  ];
  PLACES.set(profile, places);
  return places;
}

function scoreOf(profile: ProfileSummary, words: readonly string[]): number {
  const places = placesOf(profile);
  let all = 0;
  for (const word of words) {
    const own = best(places, word);
    const other = Math.max(0, ...(ALSO[word] ?? []).map((also) => best(places, also)));
    const score = Math.max(own, other / 2);
    if (score === 0) return 0;
    all += score;
  }
  return all;
}

/** A word that begins with what was asked for counts nearly as much as the word itself. */
function best(places: Places, word: string): number {
  return Math.max(
    0,
    ...places.flatMap(([found, weight]) =>
      found.map((one) => (one === word ? weight : one.startsWith(word) ? weight * 0.8 : 0)),
    ),
  );
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}
