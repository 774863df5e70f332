/** Bots that are the same program: their names differ in figures or hexadecimal digits alone, and so they make the same calls. */
import { isIP } from "node:net";

/** `bot-#` of `bot-1` and `bot-17`; `address` of all whom nothing but an address tells. */
export function botClassOf(name: string): string {
  if (isIP(name) !== 0) return "address";
  return name.replace(/[0-9A-Za-z]+/gu, (word) => {
    if (/^\d+$/u.test(word)) return "#";
    if (/^[0-9a-f]{3,}$/iu.test(word) && /\d/u.test(word)) return "#";
    return word.replace(/\d+$/u, "#");
  });
}

/** The pattern of `match: { bot }` that fits all of a class. */
export function botPattern(botClass: string): string {
  return botClass === "address" ? "*" : botClass.replaceAll("#", "*");
}

/** `bot-2` before `bot-10`. */
export function byName(a: string, b: string): number {
  return order.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

const order = new Intl.Collator("en", { numeric: true });
