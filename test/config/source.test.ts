/** YAML becomes located trees; what is hostile or too large is refused quickly and in clear words. */
import { describe, expect, it } from "vitest";
import { Problems } from "../../src/config/problems.js";
import { READ_LIMITS } from "../../src/config/scan.js";
import { readDocuments, type LocatedDocument } from "../../src/config/source.js";
import { child, toPlain, type Located } from "../../src/config/located.js";
import { told } from "./broken-text.js";
import { sample } from "../support/scope.js";

function read(text: string): { documents: LocatedDocument[]; problems: string[] } {
  const problems = new Problems();
  const documents = readDocuments(text, "x.yaml", problems);
  return { documents, problems: told(problems.list(), "x.yaml") };
}

function only(text: string): Located {
  const { documents, problems } = read(text);
  expect(problems).toEqual([]);
  const [document] = documents;
  if (document === undefined) throw new Error("no document");
  return document.tree;
}

const spot = (node: Located | undefined): string => {
  if (node === undefined) return "nowhere";
  const { line, column } = node.place.text.at(node.place.offset);
  return `${line}:${column} ${node.path}`;
};

describe("a text", () => {
  it("becomes a tree that knows where each part of it stands", () => {
    const tree = only("a: 1\r\nb:\r\n  - c: x\r\n    'd e': [true, null]\r\n");
    expect(JSON.parse(JSON.stringify(toPlain(tree)))).toEqual({
      a: 1,
      b: [{ "c": "x", "d e": [true, null] }],
    });
    const list = child(tree, "b");
    const inner = list?.kind === "list" ? list.items[0] : undefined;
    const flags = child(inner, "d e");
    expect(spot(list)).toBe("3:3 b");
    expect(spot(child(inner, "c"))).toBe("3:8 b[0].c");
    expect(spot(flags?.kind === "list" ? flags.items[1] : undefined)).toBe('4:19 b[0]["d e"][1]');
    expect(flags?.place.text.at(flags.place.offset).source).toBe("    'd e': [true, null]");
  });

  it("may be JSON, indented with tabs and with any characters", () => {
    const value = { a: [1, { b: 'x\t"ü"\u0000😀' }], c: { d: null, e: -1.5e3 }, f: "" };
    expect(JSON.parse(JSON.stringify(toPlain(only(JSON.stringify(value, null, "\t")))))).toEqual(value);
    expect(JSON.parse(JSON.stringify(toPlain(only('{"a": "\\ud83d\\ude00\\/"}'))))).toEqual({ a: "😀/" });
  });

  it("may begin with a byte order mark, which moves nothing", () => {
    expect(spot(child(only("\ufeffa: 1\n"), "a"))).toBe("1:4 a");
  });

  it("is cut into its documents, without the empty ones, and each keeps its own text", () => {
    const { documents } = read("# one\na: 1\n---\n---\n# nothing\n---\nb: 2\n");
    expect(documents.map(({ text }) => text)).toEqual(["# one\na: 1\n", "---\nb: 2\n"]);
  });

  it("may repeat itself by aliases, which are told where the text is that is wrong", () => {
    const tree = only("a: &x [1, 2]\nb: *x\n");
    expect(JSON.parse(JSON.stringify(toPlain(tree)))).toEqual({ a: [1, 2], b: [1, 2] });
    expect(spot(child(tree, "b"))).toBe("1:7 b");
  });

  it("keeps the words of YAML 1.1 as words", () => {
    const plain = JSON.parse(
      JSON.stringify(toPlain(only("{ a: off, b: yes, c: 1:30, d: 010, e: 2001-01-01 }"))),
    );
    expect(plain).toEqual({ a: "off", b: "yes", c: "1:30", d: 10, e: "2001-01-01" });
  });

  it("gives maps that are compared with numbers as if they were some", () => {
    const { length } = toPlain(only("length: { valueOf: 1, toString: 2 }\n")) as { length: number };
    expect([length > 1, length < 1, Number([length])]).toEqual([false, false, NaN]);
  });

  it("gives its maps no prototype, so that no key means more than itself", () => {
    const plain = toPlain(only("constructor: 1\ntoString: 2\n")) as Record<string, unknown>;
    expect(plain.constructor).toBe(1);
    const inherited = Object.getPrototypeOf(plain) as object;
    expect(Reflect.ownKeys(inherited)).toEqual([Symbol.toPrimitive]);
    expect(Object.getPrototypeOf(inherited)).toBe(null);
  });
});

describe("a hostile text", () => {
  const MEGABYTE = READ_LIMITS.bytes;

  /** Chosen as what the parser is slowest at; limits on pieces keep each of them short. */
  const UNITS = [
    "[",
    "{",
    "{a:",
    "- ",
    '"',
    "*a ",
    "%x\n",
    "...\n",
    "---\n",
    "a: b\n",
    "'a'\n",
    "&a\n",
    "a: |\n x\n",
    "\r\n",
    "${a}",
  ];
  it.each(sample(UNITS, 6))("of a megabyte of %j is dealt with in bounded time", (unit) => {
    for (const start of ["", "- ["]) {
      const text = (start + unit.repeat(Math.ceil(MEGABYTE / unit.length))).slice(0, MEGABYTE);
      const before = process.cpuUsage();
      const { documents, problems } = read(text);
      // What matters is that it is not a minute, of this process: others may take what they want beside it.
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1_000).toBeLessThan(20_000);
      expect(problems.length + documents.length).toBeLessThanOrEqual(1_100);
    }
  });

  it("is refused for its size before it is looked at", () => {
    expect(read("é".repeat(MEGABYTE / 2 + 1)).problems).toEqual(["1:1 is larger than 1MiB"]);
    expect(read("a".repeat(MEGABYTE)).problems).toEqual([]);
  });

  it("is refused for its depth, be it in brackets, dashes or blanks", () => {
    expect(read("[".repeat(33)).problems).toEqual(["1:33 is nested more than 32 levels deep"]);
    expect(read("- ".repeat(33)).problems).toEqual(["1:65 is nested more than 32 levels deep"]);
    const indented = (levels: number): string =>
      Array.from({ length: levels }, (_, n) => `${" ".repeat(n)}a:\n`).join("");
    expect(read(indented(34)).problems).toEqual([
      `34:34 ${"a.".repeat(33).slice(0, -1)}: is nested more than 32 levels deep`,
    ]);
    expect(read(indented(1_300)).problems).toHaveLength(1);
    expect(read(`${"[".repeat(32)}${"]".repeat(32)}`).problems).toEqual([]);
    expect(
      read(`a: "${"[".repeat(40)}"\nb: '${"{".repeat(40)}'\nc: |\n  ${"[".repeat(40)}\n`).problems,
    ).toEqual([]);
  });

  it("is refused for what its aliases would become", () => {
    const bomb = Array.from(
      { length: 10 },
      (_, n) =>
        `a${n}: &a${n} [${Array(9)
          .fill(n === 0 ? "x" : `*a${n - 1}`)
          .join(",")}]`,
    );
    const { problems } = read(bomb.join("\n"));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("has more than 100000 values, aliases counted each time");
  });

  it("is refused for too many documents", () => {
    expect(read("a: 1\n---\n".repeat(1_001)).problems).toEqual(["2000:1 holds more than 1000 documents"]);
    expect(read("a: 1\n---\n".repeat(999)).documents).toHaveLength(999);
    expect(read("---\n".repeat(3_000)).problems).toHaveLength(1);
  });

  it("tells a hundred mistakes and how many more there are", () => {
    const problems = new Problems();
    readDocuments(Array.from({ length: 150 }, (_, n) => `${n}: x`).join("\n"), "x.yaml", problems);
    expect(problems.list()).toHaveLength(100);
    expect(problems.error("SQ_INVALID_CONFIG").message).toBe(
      "x.yaml:1:1 expected a name as key, got 0 (put it in quotes) (and 149 more mistakes)",
    );
  });
});
