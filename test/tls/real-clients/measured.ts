/** What was measured, in `measured.json`, and the tables of docs/tls.md that are made of it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const FILE = join(import.meta.dirname, "measured.json");
export const PAGE = resolve(import.meta.dirname, "../../../docs/tls.md");

/** What one client made of one row. */
export interface Cell {
  /** What it got, or its own words about the failure. */
  readonly says: string;
  /** Of each `tls_over`, the same ones once. Empty if there was none. */
  readonly took: readonly string[];
}

export interface MeasuredRow {
  readonly group: string;
  readonly name: string;
  /** By the names of the clients. */
  readonly cells: Readonly<Record<string, Cell>>;
}

export interface Measured {
  readonly date: string;
  /** By the names of the clients. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly MeasuredRow[];
}

export const readMeasured = (): Measured => JSON.parse(readFileSync(FILE, "utf8")) as Measured;

export function writeMeasured(measured: Measured): void {
  writeFileSync(FILE, `${JSON.stringify(measured, null, 2)}\n`);
  writeFileSync(PAGE, withTables(readFileSync(PAGE, "utf8"), measured));
}

/** Clients that say the same, and that the journal tells the same of, share a row. */
function rowsOf({ name, cells }: MeasuredRow): string[] {
  const alike = new Map<string, string[]>();
  for (const [client, { says, took }] of Object.entries(cells)) {
    const told = took.length === 0 ? "no entry" : took.map((one) => `\`${one}\``).join(", ");
    const rest = `\`${says.replaceAll("`", "'").replaceAll("|", "\\|")}\` | ${told}`;
    alike.set(rest, [...(alike.get(rest) ?? []), client]);
  }
  return [...alike].map(([rest, clients]) => `| \`${name}\` | ${clients.join(", ")} | ${rest} |`);
}

export function tables({ date, versions, rows }: Measured): string {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const clients = Object.entries(versions).map(([name, version]) => `| ${name} | ${version} |`);
  return [
    `Measured on ${date}, with these clients:`,
    "",
    "| client | version |",
    "|---|---|",
    ...clients,
    ...groups.flatMap((group) => [
      "",
      `### Clients and ${group}`,
      "",
      "| fault | clients | what they report | `took` |",
      "|---|---|---|---|",
      ...rows.filter((row) => row.group === group).flatMap(rowsOf),
    ]),
  ].join("\n");
}

const BEGIN = "<!-- made by test/tls/real-clients.all.test.ts -->\n";
const END = "\n<!-- made until here -->";

/** The page with these tables in place of those that it has. */
export function withTables(page: string, measured: Measured): string {
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < 0) throw new Error(`${PAGE} has no room for the tables`);
  return `${page.slice(0, before)}${BEGIN}\n${tables(measured)}\n${page.slice(after)}`;
}
