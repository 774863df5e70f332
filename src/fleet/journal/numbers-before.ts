/**
 * Up to where each daemon was heard before a cursor. Whoever comes back there knows nothing of what was read before, and would take
 * numbers that are missing in front of a daemon's next batch for numbers that were shown.
 */
import type { Clock } from "../../core/clock.js";
import { EngineError } from "../contract/engine.js";
import { CURSOR_START } from "../contract/journal.js";
import type { Numbers } from "./merger.js";
import { pause, READ_AGAIN_FIRST, type ReadEngine } from "./reading.js";

/** Batches before the cursor that are enough: daemons that were not heard in so many had nothing to say for long. */
const BEFORE_ENOUGH = 64;
/** Newest batches that are looked at in search of the cursor. */
const LOOK_MAX = 4_096;

/** Asks until the engine answers, or the signal aborts. Rejects where the credentials do not allow it. */
export async function numbersBefore(
  engine: ReadEngine,
  clock: Clock,
  cursor: string,
  signal: AbortSignal,
): Promise<readonly Numbers[]> {
  for (let newest = 2 * BEFORE_ENOUGH; cursor !== CURSOR_START && !signal.aborted;) {
    try {
      const { numbers, all } = await within(engine, cursor, newest, signal);
      if (all || newest >= LOOK_MAX || numbers.length >= BEFORE_ENOUGH) return numbers;
      newest *= 4;
    } catch (error) {
      if (!(error instanceof EngineError) || error.failure === "forbidden") throw error;
      await pause(engine, clock, READ_AGAIN_FIRST, signal);
    }
  }
  return [];
}

/** Those of the newest batches that are not behind the cursor, and whether there are no others. */
async function within(
  engine: ReadEngine,
  cursor: string,
  newest: number,
  signal: AbortSignal,
): Promise<{ readonly numbers: readonly Numbers[]; readonly all: boolean }> {
  const seen: Numbers[] = [];
  let upTo = 0;
  let looked = 0;
  for await (const batch of engine.tail({ from: { newest }, follow: false, signal })) {
    looked++;
    if (batch === null) continue;
    seen.push({ daemon: batch.daemon, life: batch.life, upto: batch.upto, cursor: batch.cursor });
    if (batch.cursor === cursor) upTo = seen.length;
  }
  return { numbers: seen.slice(0, upTo), all: looked < newest };
}
