/** All ordered pairs of fault types, before one upstream and before a pool, and triples drawn by a seed: see `npm test` for what is asserted. */
import { describe, expect, it } from "vitest";
import { trouble, USES } from "../support/fault-mixes.js";
import { seeded } from "../support/http-script.js";

const SEED = Number(process.env["SQUALL_MIX_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const TRIPLES = 1_000;

describe(`all mixes, with seed ${SEED} (SQUALL_MIX_SEED)`, () => {
  const random = seeded(SEED);
  const types = Object.keys(USES);
  const drawn = (type: string) => {
    const uses = USES[type] ?? [];
    const use = uses[Math.floor(random() * uses.length)];
    if (use === undefined) throw new Error(`no use of ${type}`);
    return use();
  };

  async function mixed(wanted: readonly string[], balances: boolean): Promise<string[]> {
    const faults = wanted.map((type, index) => ({ ...drawn(type), name: `${type}-${index}` }));
    const seed = Math.floor(random() * 1_000);
    const wrong = await trouble({ faults, balances, seed });
    const what = faults
      .map(({ type, at, params }) => `${type} ${at} ${JSON.stringify(params)}`)
      .join(", then ");
    return wrong.map((text) => `${what}${balances ? ", in a pool" : ""}, seed ${seed}: ${text}`);
  }

  for (const first of types) {
    it(`${first} before each other one`, async () => {
      const wrong: string[] = [];
      for (const second of types)
        for (const balances of [false, true]) wrong.push(...(await mixed([first, second], balances)));
      expect(wrong).toEqual([]);
    });
  }

  it(`${TRIPLES} triples`, async () => {
    const wrong: string[] = [];
    const draw = () => types[Math.floor(random() * types.length)] ?? "";
    for (let triple = 0; triple < TRIPLES; triple++)
      wrong.push(...(await mixed([draw(), draw(), draw()], triple % 2 === 1)));
    expect(wrong).toEqual([]);
  });
});
