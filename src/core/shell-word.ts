/** Words of commands that people copy into a shell. */

/** As a POSIX shell takes it for one word: in single quotes where it has characters that mean something there. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
