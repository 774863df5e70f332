/** The pictures that docs show: each is there, small, and of a view that a test can make again (test/ui/pictures.all.test.ts). */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, it } from "vitest";
import { Picture } from "../support/picture.js";

const ROOT = resolve(import.meta.dirname, "../..");
const pages = ["README.md", ...readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
const linked = pages.flatMap((page) =>
  [...readFileSync(join(ROOT, page), "utf8").matchAll(/!\[([^\]]*)\]\(([^)]+\.png)\)/gu)].map(([, words = "", path = ""]) => ({
    page,
    words,
    path: join(ROOT, dirname(page), path),
  })),
);

it("are linked with words for whoever does not see them, whole, and smaller than 100 kB", () => {
  expect(linked.length).toBeGreaterThan(4);
  for (const { page, words, path } of linked) {
    expect(words.length, page).toBeGreaterThan(10);
    const png = readFileSync(path);
    expect(png.length, path).toBeLessThan(100_000);
    expect(png.readUInt32BE(16), path).toBeGreaterThan(600);
    expect(png.subarray(-8, -4).toString("latin1")).toBe("IEND");
  }
});

it("are all linked", () => {
  const there = readdirSync(join(ROOT, "docs/img")).map((name) => join(ROOT, "docs/img", name));
  expect(there.filter((path) => !linked.some((one) => one.path === path))).toEqual([]);
});

it("are written as they are read: the small form has the colours of the large one, about", () => {
  const [one] = linked;
  const png = readFileSync(one?.path ?? "");
  // 8 bits a pixel, with a palette.
  expect([png[24], png[25]]).toEqual([8, 3]);
  expect(() => Picture.read(png)).toThrow("another kind");
});
