/** The tables of docs/tls.md are what was measured, of all faults on TLS that there are. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { FAULT_ROWS, TLS_TYPES } from "./real-clients/fault-rows.js";
import { PAGE, readMeasured, withTables } from "./real-clients/measured.js";

it("docs/tls.md has what was measured", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page).toBe(withTables(page, readMeasured()));
});

it("every row has been measured, and every type of fault on TLS has rows", () => {
  const measured = readMeasured().rows.map(({ group, name }) => `${group} ${name}`);
  expect(measured).toEqual(FAULT_ROWS.map(({ group, name }) => `${group} ${name}`));
  expect(TLS_TYPES.filter((type) => !FAULT_ROWS.some(({ group }) => group === type))).toEqual([]);
});
