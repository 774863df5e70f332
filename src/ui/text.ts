/**
 * Text of clients, made safe to look at. Templates make no markup of it; what is left are characters that are not seen, turn the
 * direction of what stands beside them, or pile up: those are written as escapes. Pure.
 */

/** Not seen, or not what they seem: controls, formats, separators, unassigned and private ones, and blanks other than the space. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800]|(?! )\p{Zs}/gu;
/** More marks on one letter than any script has. */
const PILE = /(\p{M}{3})\p{M}+/gu;

/** Nothing of the above: nearly every name, and a browser is spared the tables of all characters before its first view. */
const PLAIN = /^[ -~]*$/u;

const LENGTH_MAX = 120;

/** One line of at most `max` characters; what was left out is told by an ellipsis. */
export function seen(text: string, max = LENGTH_MAX): string {
  // Longer than any name: not all of 10 kB need be looked at. Half a character at the cut is shown as what it is.
  const head = text.length > 4 * max ? text.slice(0, 4 * max) : text;
  const plain = PLAIN.test(head) ? head : head.replaceAll(UNSEEN, escaped).replaceAll(PILE, "$1…");
  const letters = [...plain];
  const whole = letters.length <= max && head.length === text.length;
  return whole ? plain : `${letters.slice(0, max - 1).join("")}…`;
}

function escaped(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).padStart(2, "0");
  return code.length <= 2 ? `\\x${code}` : `\\u{${code}}`;
}
