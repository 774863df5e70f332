/** Members by key: as a Map has them, and nobody is kept alive who has left. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Register } from "../../src/core/register.js";

describe("a register", () => {
  it("has what a Map of the same history has", () => {
    const step = fc.tuple(fc.constantFrom("set", "delete", "clear"), fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const register = new Register<number, { readonly of: number }>();
        const map = new Map<number, { readonly of: number }>();
        for (const [index, [what, key]] of steps.entries()) {
          if (what === "set") {
            register.set(key, { of: index });
            map.set(key, { of: index });
          } else if (what === "delete") expect(register.delete(key)).toBe(map.delete(key));
          else if (key === 0) {
            register.clear();
            map.clear();
          }
          expect(register.values()).toEqual([...map.values()]);
          expect([register.size, register.has(key), register.get(key)]).toEqual([
            map.size,
            map.has(key),
            map.get(key),
          ]);
        }
      }),
    );
  });
});
