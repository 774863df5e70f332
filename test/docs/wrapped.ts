/** Text of generated pages, on lines that a reader of the source sees whole. */

const WIDTH = 120;

/** At spaces, and never within `code`; `indent` is for the lines behind the first. */
export function wrapped(text: string, indent = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.match(/(?:`[^`]*`|\S)+/gu) ?? []) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
