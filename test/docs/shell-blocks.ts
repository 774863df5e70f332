/** The commands that README and docs show, for the tests that run them and for those that look up their words. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/process.js";

/** These pages have tests of their own, which compare the answers as well. */
const ELSEWHERE_RUN = ["docs/admin-api.md", "docs/errors.md", "docs/first-hour.md"];
export const PAGES = ["README.md", ...readdirSync(join(ROOT, "docs")).map((file) => `docs/${file}`)].filter(
  (file) => file.endsWith(".md") && !ELSEWHERE_RUN.includes(file),
);

/** The lines that a reader would type, without comments; a backslash at the end goes on in the next line. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/```sh\n([\s\S]*?)```/gu)]
    .flatMap(([, block = ""]) => block.replace(/\\\n\s*/gu, " ").split("\n"))
    .map((line) => line.replace(/\s+#.*$/u, "").replace(/^\$ /u, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** All of them, each with the page that shows it. */
export const SHOWN = PAGES.flatMap((page) => commandsOf(page).map((command) => ({ page, command })));
