/** Rows of daemons, as commands that are about many of them print them. */

/** A name and what there is to say, names padded to one width; further lines of the text stand below its first. */
export function rowLines(rows: readonly { readonly name: string; readonly text: string }[]): string {
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows
    .map(
      ({ name, text }) => `  ${name.padEnd(width)}  ${text.replaceAll("\n", `\n  ${" ".repeat(width)}  `)}\n`,
    )
    .join("");
}

/** Columns under their heads, each as wide as it must be; the last one is not padded. `tint` colours a cell that was padded already. */
export function columns(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  tint: (cell: string, column: number, row: readonly string[]) => string = (cell) => cell,
): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[], paint: (cell: string, column: number) => string): string =>
    `  ${cells
      .map((cell, column) =>
        paint(column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0), column),
      )
      .join("  ")
      .trimEnd()}\n`;
  return [
    line(heads, (cell) => cell),
    ...rows.map((row) => line(row, (cell, column) => tint(cell, column, row))),
  ].join("");
}
