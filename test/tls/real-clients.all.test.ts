/**
 * What clients as people write them report of each fault on TLS, through a real daemon that they trust by `squall env`. The tables of
 * docs/tls.md are made here: `MEASURE_CLIENTS=write npx vitest run --config vitest.all.config.ts test/tls/real-clients.all.test.ts`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientKinds } from "./real-clients/client-kinds.js";
import { FAULT_ROWS } from "./real-clients/fault-rows.js";
import { readMeasured, writeMeasured, type Cell, type MeasuredRow } from "./real-clients/measured.js";
import { Measuring } from "./real-clients/measuring.js";

const writes = process.env["MEASURE_CLIENTS"] === "write";
const known = writes ? null : readMeasured();
const measuring = new Measuring();
const measured: MeasuredRow[] = [];
const found = new Map<string, ReadonlyMap<string, Cell>>();
const kinds = clientKinds({ variables: {}, folder: "" });

beforeAll(async () => {
  await measuring.begin();
  for (const row of FAULT_ROWS) {
    const cells = await measuring.measure(row);
    found.set(`${row.group} ${row.name}`, cells);
    measured.push({ group: row.group, name: row.name, cells: Object.fromEntries(cells) });
  }
});
afterAll(async () => {
  await measuring.end();
  if (!writes) return;
  const versions = kinds.flatMap(({ name, version }) => (version === null ? [] : [[name, version] as const]));
  writeMeasured({
    date: new Date().toISOString().slice(0, 10),
    versions: Object.fromEntries(versions),
    rows: measured,
  });
});

const wentOn = ({ says }: Cell): boolean => /^\d+, \d+ B$/u.test(says);
/** Where the client has but one way to hear of it: elsewhere our end may come before or behind what it writes. */
const SAID_ALIKE = ["no fault", "tls_certificate", "tls_terms"];

describe.each(kinds)("$name", ({ name, version }) => {
  const needs = version === null ? ` (needs: ${name})` : "";
  it.skipIf(version === null).each(FAULT_ROWS)(
    `reports what docs/tls.md says of $group, $name${needs}`,
    (row) => {
      const cell = found.get(`${row.group} ${row.name}`)?.get(name);
      if (row.certificate === true && cell === undefined) return;
      expect(cell?.says).toMatch(/./u);
      const before = known?.rows.find((one) => one.group === row.group && one.name === row.name)?.cells[name];
      if (cell === undefined || known === null || before === undefined) return;
      // Other versions may check more.
      if (known.versions[name] !== version) return;
      expect(wentOn(cell)).toBe(wentOn(before));
      if (SAID_ALIKE.includes(row.group)) expect(cell.says).toBe(before.says);
      // Java's may lose the alert that it sends as it closes.
      if (SAID_ALIKE.includes(row.group) && name !== "Java") expect(cell.took).toEqual(before.took);
    },
  );
});
