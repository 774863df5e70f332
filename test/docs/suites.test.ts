/** The examples of docs/test-suites.md are what the page shows. `npm run test:all` runs them with their tools (suites.all.test.ts). */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/process.js";

const EXAMPLES = join(ROOT, "examples");
const page = readFileSync(join(ROOT, "docs/test-suites.md"), "utf8");

describe("docs/test-suites.md", () => {
  const shown = [...page.matchAll(/```\w+\n(?:#|\/\/) (examples\/\S+)\n([\s\S]*?)```/gu)];

  it("shows every example as it is", () => {
    for (const [, file = "", text] of shown) expect(text, file).toBe(readFileSync(join(ROOT, file), "utf8"));
    // docs/containers.md and docs/sweep.md show these.
    const elsewhere = ["compose", "kubernetes", "sweep"].map((folder) => join(EXAMPLES, folder));
    const files = readdirSync(EXAMPLES, { recursive: true, withFileTypes: true })
      .filter(({ parentPath }) => !elsewhere.some((folder) => parentPath.startsWith(folder)))
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".pyc"))
      .map(({ name }) => name);
    expect(files.sort()).toEqual([...shown.map(([, file = ""]) => file.split("/").at(-1)), "squall.yaml"].sort());
  });
});

describe("docs/sweep.md", () => {
  it("shows the workflow as it is", () => {
    const file = "examples/sweep/github-actions.yml";
    const page = readFileSync(join(ROOT, "docs/sweep.md"), "utf8");
    expect(page).toContain(`\`\`\`yml\n# ${file}\n${readFileSync(join(ROOT, file), "utf8")}\`\`\`\n`);
  });
});
