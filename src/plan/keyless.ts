/** Warnings of faults with `draw`: how many subjects had not got what they were to be drawn by. */
import type { Book } from "../core/ledger.js";
import type { CompiledFault } from "./value.js";

/** One for each fault, over all proxies: `lose-the-ack: 3 of 40 had no header idempotency-key to be drawn by`. */
export function keylessWarnings(faults: readonly CompiledFault[], books: readonly Book[]): string[] {
  const warnings = faults.flatMap(({ name, draw }) => {
    const own = books.filter(({ labels }) => labels.fault === name);
    const keyless = own.reduce((sum, book) => sum + book.keyless, 0);
    if (draw === undefined || keyless === 0) return [];
    const matched = own.reduce((sum, book) => sum + book.matched, 0);
    const what = draw.by.replace(/^header:/u, "header ");
    return [
      `${name}: ${keyless} of ${matched} had no ${what} to be drawn by, and were drawn by their numbers`,
    ];
  });
  // The same name may stand in several phases.
  return [...new Set(warnings)];
}
