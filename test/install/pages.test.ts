/** What the pages say about installing holds for whoever has nothing yet, and the build for machines without the tools of POSIX. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../support/process.js";

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const pages = [
  "README.md",
  ...readdirSync(join(ROOT, "docs")).flatMap((file) => (file.endsWith(".md") ? [`docs/${file}`] : [])),
];

it("no page runs npx squall before it has installed it: that would fetch whatever bears the name", () => {
  const bare = pages.flatMap((page) => {
    const commands = [...read(page).matchAll(/```(?:sh|bash|console)\n([\s\S]*?)```/gu)].flatMap(
      ([, block = ""]) => block.split("\n"),
    );
    const installed = commands.findIndex((line) => /^(?:\$ )?npm (?:i|install) .*squall/u.test(line));
    const before = installed < 0 ? commands : commands.slice(0, installed);
    return before
      .filter((line) => /\bnpx (?:-y |--yes )?squall\b/u.test(line))
      .map((line) => `${page}: ${line}`);
  });
  expect(bare).toEqual([]);
});

it("docs/install.md has each way, and the README leads to it", () => {
  const page = read("docs/install.md");
  for (const way of [
    "npm pack",
    "npm i -D ./squall-0.1.0.tgz",
    "npm link",
    "npx --prefix",
    "docker build -t squall:local .",
  ])
    expect(page).toContain(way);
  expect(read("README.md")).toContain("docs/install.md");
});

it("the scripts of package.json run programs of Node only", () => {
  const { scripts } = JSON.parse(read("package.json")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const programs = Object.values(scripts).flatMap((line) =>
    line.split(/&&|\|\||;/u).map((part) => part.trim().split(" ")[0]),
  );
  expect([...new Set(programs)].sort()).toEqual(["eslint", "node", "npm", "prettier", "tsc", "vitest"]);
});
