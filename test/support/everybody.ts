/** The admission of a fault without `match`, `except` and `when`: it hits all subjects. */
import type { Admission } from "../../src/pipeline/armed.js";

export const EVERYBODY: Admission = {
  needsStatus: false,
  paths: [],
  mayMatch: () => true,
  routeOf: () => "",
  matches: () => true,
  missed: () => undefined,
  fires: () => true,
  weighs: () => null,
  evicted: 0,
  mismatch: () => ({ excepted: false, match: null }),
  decision: () => ({ judgement: "hit", when: null, draw: null }),
};
