/**
 * Two or three faults at once, drawn by a seed: the daemon lives, each answer is that of its request or the connection
 * ends, the books agree, and nothing stays behind. All ordered pairs are run by `npm run long`.
 */
import { describe, expect, it } from "vitest";
import { FAULT_TYPES } from "../../../src/faults/kinds/index.js";
import { trouble, USES } from "../../support/fault-mixes.js";
import { seeded } from "../../support/http-script.js";

const SEED = Number(process.env["SQUALL_MIX_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const MIXES = 60;

describe(`faults mixed with seed ${SEED} (SQUALL_MIX_SEED)`, () => {
  const random = seeded(SEED);
  const draw = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const types = Object.keys(USES);
  for (let mix = 0; mix < MIXES; mix++) {
    const made = Array.from({ length: mix % 4 === 3 ? 3 : 2 }, () => draw(USES[draw(types)] ?? [])());
    const faults = made.map((one, index) => ({ ...one, name: `${one.name}-${index}` }));
    const balances = random() < 0.5;
    const seed = Math.floor(random() * 1_000);
    const what = faults
      .map(({ type, at, params }) => `${type} ${at} ${JSON.stringify(params)}`)
      .join(", then ");
    it(`${what}${balances ? ", in a pool" : ""}`, async () => {
      expect(await trouble({ faults, balances, seed })).toEqual([]);
    });
  }
});

it("every fault type that acts on HTTP traffic is among those that are mixed", () => {
  const http = FAULT_TYPES.filter(
    (type) => type.exchange ?? type.stream ?? type.connection ?? type.listener ?? type.upstreams,
  );
  expect(http.map(({ type }) => type).filter((type) => USES[type] === undefined)).toEqual([]);
});
