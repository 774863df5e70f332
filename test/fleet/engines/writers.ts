/** A thousand who change one plan at the same time, each of whom reads, changes and puts, again when another one was faster. */
import { randomInt, randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { EngineError, type EngineOptions, type FleetEngine } from "../../../src/fleet/contract/engine.js";
import { scaled } from "../../support/scope.js";

const WRITERS = scaled(200, 1_000);
const CLIENTS = 20;
/** Whoever was too slow so often waits for up to so long, so that not all of them come again in one moment. */
const PAUSE_MAX_MS = 4_000;

export function countsAllWriters(open: (options: Partial<EngineOptions>) => Promise<FleetEngine>): void {
  it(`has each of ${WRITERS} changes exactly once, as nobody overwrites what he has not read`, async () => {
    const fleet = `t-${randomUUID()}`;
    const engines = await Promise.all(Array.from({ length: CLIENTS }, () => open({ fleet })));
    let conflicts = 0;
    const write = async (engine: FleetEngine, mine: number): Promise<number> => {
      for (let failed = 0; ; failed++) {
        const { bytes, serial } = await engine.read();
        const before = idsOf(bytes);
        expect(before).not.toContain(mine);
        try {
          return await engine.put(new TextEncoder().encode(JSON.stringify([...before, mine])), serial);
        } catch (error) {
          if (!(error instanceof EngineError) || error.failure !== "conflict") throw error;
          conflicts++;
          await new Promise((done) => setTimeout(done, randomInt(Math.min(PAUSE_MAX_MS, 100 * 2 ** failed))));
        }
      }
    };
    try {
      const begun = performance.now();
      const serials = await Promise.all(
        Array.from({ length: WRITERS }, (_, mine) => write(engines[mine % CLIENTS] as FleetEngine, mine)),
      );
      const took = performance.now() - begun;
      const [one] = engines as [FleetEngine];
      expect(new Set(serials).size).toBe(WRITERS);
      const all = idsOf((await one.read()).bytes);
      expect([...all].sort((left, right) => left - right)).toEqual(
        Array.from({ length: WRITERS }, (_, at) => at),
      );
      // Each plan is the one before and one more, and was put by who says so.
      const kept = [...(await one.history(64))].reverse();
      expect(kept).toHaveLength(64);
      for (const [at, { bytes, serial }] of kept.entries()) {
        const ids = idsOf(bytes);
        expect(ids).toEqual(all.slice(0, WRITERS - 63 + at));
        expect(serial).toBe(serials[ids.at(-1) ?? -1]);
      }
      console.log(`${WRITERS} writers: ${Math.round(took)} ms, ${conflicts} conflicts`);
    } finally {
      await Promise.all(engines.map((engine) => engine.close()));
    }
  });
}

const idsOf = (bytes: Uint8Array | null): number[] =>
  bytes === null ? [] : (JSON.parse(new TextDecoder().decode(bytes)) as number[]);
