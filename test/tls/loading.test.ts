/** What makes certificates takes longer to load than all else at a start: it must not come in by the way. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../support/process.js";

const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => ({ file, text: readFileSync(join(ROOT, "src", file), "utf8") }));

/** Files that import what matches at once, and not when they need it. */
const importers = (what: RegExp): string[] =>
  sources
    .filter(({ text }) =>
      [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from "([^"]+)";/gmu)].some(([, from = ""]) =>
        what.test(from),
      ),
    )
    .map(({ file }) => file);

it("loads what makes certificates when a CA is opened, and not before", () => {
  expect(importers(/^@peculiar\//u)).toEqual(["tls/x509.ts"]);
  expect(importers(/\/x509\.js$/u)).toEqual(["tls/mint.ts"]);
  expect(importers(/\/mint\.js$/u)).toEqual([]);
  expect(importers(/\/authority\.js$/u)).toContain("tls/door.ts");
});
