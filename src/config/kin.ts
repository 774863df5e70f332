/**
 * Which of the files that come with Squall one's own profiles build on. With these few it can be said whether one's own are right, since
 * what comes with Squall builds on nobody else; reading all of it takes several times as long.
 */
import { Problems } from "./problems.js";
import { readText, type ProfileFile } from "./read-profiles.js";

/** How the files that come with Squall say whose they are. One that does not counts as everybody's parent. */
const NAME = /^profile: ([a-z0-9][a-z0-9._-]*)$/mu;
const WORD = /[a-z0-9][a-z0-9._-]*/gu;

/** One's own files, and those of the library that they, or their parents, name. */
export function withKin(files: readonly ProfileFile[]): ProfileFile[] {
  const own = files.filter(({ origin }) => origin !== "library");
  const library = files.filter(({ origin }) => origin === "library");
  const sources = own.flatMap((file) => [...readText(file, new Problems()).values()]);
  const names = new Set(sources.flatMap((source) => source.extends));
  const kin = new Set<ProfileFile>();
  for (let before = -1; before < kin.size;) {
    before = kin.size;
    for (const file of library) {
      const name = NAME.exec(file.text)?.[1];
      if (kin.has(file) || (name !== undefined && !names.has(name))) continue;
      kin.add(file);
      // Any word may be the name of a parent: one too many costs a moment, and one too few would be wrong.
      for (const word of file.text.match(WORD) ?? []) names.add(word);
    }
  }
  return [...library.filter((file) => kin.has(file)), ...own];
}
