/** docs/first-hour.md as the steps of a reader: files to write, commands to type, and what the page says they print. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/process.js";

export type Step =
  | { readonly kind: "file"; readonly name: string; readonly text: string }
  | { readonly kind: "command"; readonly command: string }
  | { readonly kind: "printed"; readonly lines: readonly string[] };

export function steps(): readonly Step[] {
  const page = readFileSync(join(ROOT, "docs/first-hour.md"), "utf8");
  return [...page.matchAll(/```(\w+)\n([\s\S]*?)```/gu)].flatMap(([, language, text = ""]): Step[] => {
    const lines = text.trimEnd().split("\n");
    if (language === "text") return [{ kind: "printed", lines }];
    if (language === "sh") return lines.map((command) => ({ kind: "command", command }));
    const [, name] = /^(?:#|\/\/) (\S+)$/u.exec(lines[0] ?? "") ?? [];
    if (name === undefined) throw new Error(`docs/first-hour.md: a block that names no file: ${text}`);
    return [{ kind: "file", name, text }];
  });
}

/** What is typed before there is a `squall` in the project. */
export const INSTALLS = /^(?:cd|mkdir|npm) |^squall --version$/u;
