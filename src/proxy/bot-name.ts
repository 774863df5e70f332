/** The names that bots are known by. */
import { createHash } from "node:crypto";

/** Names are kept, shown and hashed for each draw; beyond it they end in a hash of the whole. */
export const BOT_NAME_MAX = 200;
const HASH_DIGITS = 12;

export function shortened(name: string): string {
  if (name.length <= BOT_NAME_MAX) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, HASH_DIGITS);
  return `${name.slice(0, BOT_NAME_MAX - HASH_DIGITS - 1)}~${digest}`;
}
