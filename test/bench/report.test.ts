/** The report of the benchmarks: text, tables and charts of the same figures. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bench, type Report, type Row } from "../support/bench.js";

const { asText, failures } = await bench("lib/report.mjs");
const { asMarkdown, checkMarkdown, writeMarkdown } = await bench("lib/markdown.mjs");
const { chart, charts } = await bench("lib/charts.mjs");
const { atLeast, emptyRow, row, unmeasured } = await bench("lib/claims.mjs");

const own: Row = {
  ...row("Squall", "requests/s", [60_000, 70_000, 80_000]),
  of: null,
  cost: { value: 13.6, unit: "µs" },
  busy: { proxy: 0.99, server: 0.4, load: 0.5 },
  heldBack: false,
};
const peer: Row = {
  ...row("HAProxy <1>", "requests/s", [30_000, 35_000, 40_000]),
  of: { base: "Squall", ratio: 0.5, low: 0.5, high: 0.5 },
  cost: { value: 10.9, unit: "µs" },
  busy: { proxy: 0.8, server: 0.4, load: 0.97 },
  heldBack: true,
};
const absent = emptyRow("Toxiproxy", "requests/s", { missing: "toxiproxy-server is not on PATH" });
const broken = emptyRow("httpxy", "requests/s", { failed: "a | b\nand a stack" });

const report: Report = {
  startedAt: "2030-01-01T00:00:00.000Z",
  machine: {
    cpu: "A CPU",
    cores: 2,
    memory: "4 GiB",
    system: "Linux",
    load: "0.1 0.1 0.1",
    busy: false,
    placement: "proxies on processor 0, servers and loads on 1",
  },
  versions: { squall: "1.0.0", toxiproxy: null },
  options: { rounds: 3, seconds: 1, quick: false },
  cases: [
    {
      name: "small",
      title: "small answers",
      rows: [own, peer, absent, broken],
      claims: [
        atLeast("Squall / HAProxy", 0.9, own.values, peer.values),
        atLeast("Squall / better", 0.9, peer.values, own.values),
        unmeasured("Squall / Toxiproxy", { sign: ">=", target: 1.15 }, "toxiproxy-server is not on PATH"),
      ],
      notes: ["a note"],
      charts: ["Squall", "HAProxy <1>", "Toxiproxy"],
      rounds: {},
    },
  ],
};

describe("the text", () => {
  const text = asText(report);

  it("has what was measured, beside whom, what it cost and who was busy", () => {
    expect(text).toMatch(/Squall +70,000 requests\/s +60,000 \.\. 80,000 +13\.6 µs +proxy 99 %/u);
    expect(text).toMatch(/HAProxy <1> +35,000 .* x 0\.50 \[0\.50, 0\.50\] .*load 97 % \(held back\)/u);
  });

  it("says why something was not measured, in its row and in the claim", () => {
    expect(text).toMatch(/Toxiproxy +not measured: toxiproxy-server is not on PATH/u);
    expect(text).toMatch(
      /not measured +Squall \/ Toxiproxy: toxiproxy-server is not on PATH; target >= 1\.15/u,
    );
  });

  it("calls met what is met, and missed what is missed", () => {
    expect(text).toMatch(/met +Squall \/ HAProxy: 2\.00, target >= 0\.9/u);
    expect(text).toMatch(/MISSED +Squall \/ better: 0\.50, target >= 0\.9/u);
  });

  it("names the machine, and versions that are missing", () => {
    expect(text).toContain("A CPU, 2 cores");
    expect(text).toContain("proxies on processor 0, servers and loads on 1");
    expect(text).toContain("toxiproxy missing");
  });
});

describe("failures", () => {
  it("are those of contenders that are here, not of those that are not", () => {
    expect(failures(report)).toEqual(["small: httpxy: a | b"]);
  });

  it("are cases that ended with an error, too", () => {
    expect(failures({ ...report, cases: [{ ...report.cases[0]!, rows: [], error: "no server" }] })).toEqual([
      "small: no server",
    ]);
  });
});

describe("the tables", () => {
  const text = asMarkdown(report, "benchmarks");

  it("begin with all targets at a glance", () => {
    expect(text).toContain("Of 3 targets 1 met, 0 open, 1 missed, 1 not measured.");
    expect(text).toContain("| small | Squall / HAProxy | 2.00 | >= 0.9 | met |");
    expect(text).toContain(
      "| small | Squall / Toxiproxy | toxiproxy-server is not on PATH | >= 1.15 | not measured |",
    );
  });

  it("have as many cells in each line as in their head", () => {
    const cells = (line: string): number => line.replaceAll("\\|", "").split("|").length;
    const blocks = text.split("\n\n").filter((block) => block.startsWith("| "));
    expect(blocks).toHaveLength(2);
    for (const block of blocks) {
      const [head = "", ...lines] = block.split("\n");
      for (const line of lines) expect(cells(line), line).toBe(cells(head));
    }
  });

  it("break lines that are longer than an editor is wide, and lose no word", () => {
    const versions = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`peer-${at}`, `1.${at}.0`]));
    const wide = asMarkdown({ ...report, versions, cases: [] }, "benchmarks");
    const lines = wide.split("\n").filter((line) => !line.startsWith("|"));
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(142);
    const said = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
    expect(wide.replaceAll("\n  ", " ")).toContain(said.join(", "));
  });

  it("leave out columns that nobody has anything for", () => {
    const bare = { ...report.cases[0]!, rows: [row("a", "ms", [1]), row("b", "ms", [2])] };
    const table = asMarkdown({ ...report, cases: [bare] }, "benchmarks");
    expect(table).toContain("| what | median | min | max | unit |\n");
  });

  it("go between the markers, the charts into a folder beside them, and all else stays", () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-bench-test-"));
    try {
      const file = join(folder, "page.md");
      writeFileSync(file, "before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n");
      writeMarkdown(file, report);
      writeMarkdown(file, report);
      const page = readFileSync(file, "utf8");
      expect(page.startsWith("before\n<!-- bench:begin -->\n\n- A CPU")).toBe(true);
      expect(page.endsWith("\n\n<!-- bench:end -->\nafter\n")).toBe(true);
      expect(page).not.toContain("old");
      expect(page).toContain("![small answers, requests/s](page/small.svg)");
      expect(readdirSync(join(folder, "page"))).toEqual(["small.svg"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuse a page without markers", () => {
    expect(() => checkMarkdown("x.md", "nothing")).toThrow("--markdown x.md: it has no <!-- bench:begin -->");
    expect(() => checkMarkdown("x.md", "<!-- bench:end --> <!-- bench:begin -->")).toThrow("it has no");
  });
});

describe("a chart", () => {
  const svg = chart("a < b", [own, peer, absent]);
  const numbers = (pattern: RegExp): number[] => [...svg.matchAll(pattern)].map(([, value]) => Number(value));

  it("has bars as long as the medians", () => {
    const [first = 0, second = 0] = numbers(/<rect [^>]*width="([\d.]+)"/gu);
    expect(first / second).toBeCloseTo(70_000 / 35_000, 2);
  });

  it("has whiskers from the smallest to the largest round, on the scale of the bars", () => {
    const [from = 0, to = 0] = [numbers(/x1="([\d.]+)"/gu)[0], numbers(/x2="([\d.]+)"/gu)[0]];
    const [start = 0] = numbers(/<rect [^>]*x="([\d.]+)"/gu);
    expect((to - start) / (from - start)).toBeCloseTo(80_000 / 60_000, 2);
  });

  it("stays within its frame, however far a round was off", () => {
    const wild = chart("wild", [row("a", "ms", [1, 1, 500]), row("b", "ms", [1, 1, 1])]);
    const [, width = 0] = [...(/viewBox="0 0 (\d+)/u.exec(wild) ?? [])].map(Number);
    for (const [, x] of wild.matchAll(/ x[12]?="([\d.-]+)"/gu)) {
      expect(Number(x)).toBeGreaterThanOrEqual(0);
      expect(Number(x)).toBeLessThanOrEqual(width);
    }
  });

  it("draws what is below zero to the left of what is above", () => {
    const both = chart("error", [row("early", "%", [-4, -4, -4]), row("late", "%", [4, 4, 4])]);
    const [early, late] = [...both.matchAll(/<rect [^>]*x="([\d.]+)"[^>]*width="([\d.]+)"/gu)];
    expect(Number(early![1]) + Number(early![2])).toBeCloseTo(Number(late![1]), 0);
    expect(early![2]).toBe(late![2]);
  });

  it("is well-formed, says what was not measured, and is readable on dark pages", () => {
    expect(svg).toContain("<title>a &lt; b</title>");
    expect(svg).toContain("HAProxy &lt;1&gt;");
    expect(svg).toContain(">not measured</text>");
    expect(svg).toContain("prefers-color-scheme: dark");
    const opened = [...svg.matchAll(/<([a-z]+)[^>]*?(\/?)>/gu)].filter(([, , closed]) => closed === "");
    expect(opened.map(([, name]) => name).sort()).toEqual(
      [...svg.matchAll(/<\/([a-z]+)>/gu)].map(([, name]) => name).sort(),
    );
  });

  it("is made for each unit that at least two were measured in", () => {
    const result = {
      ...report.cases[0]!,
      rows: [own, peer, row("x", "ms", [1]), row("y", "ms", [2]), row("z", "kB", [3])],
      charts: ["Squall", "HAProxy <1>", "x", "y", "z"],
    };
    expect(charts(result).map(({ file }) => file)).toEqual(["small.svg", "small-2.svg"]);
    expect(charts({ ...result, charts: ["x"] })).toEqual([]);
  });
});
