/** The library: files below, what the API made above, and every change whole or not at all. */
import { describe, expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { refusalOf, told } from "./broken-text.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

function libraryOf(files: Record<string, string>): Library {
  const library = new Library(TYPES);
  library.replaceFiles(Object.entries(files).map(([file, text]) => ({ file, text })));
  return library;
}

const layers = (library: Library): string[] =>
  library.entries.map(({ source, layer, shadows }) => `${source.name} ${layer}${shadows ? " shadows" : ""}`);

describe("a library", () => {
  it("lists its profiles by name, with where they are from and the text as it was written", () => {
    const library = libraryOf({
      "b.yaml": "# second\nprofile: b\n---\nprofile: c\n",
      "a.yaml": "profile: a\nsummary: first\n",
    });
    expect(layers(library)).toEqual(["a file", "b file", "c file"]);
    expect(library.get("b")).toMatchObject({ file: "b.yaml", text: "# second\nprofile: b\n" });
    expect(library.get("c")?.text).toBe("---\nprofile: c\n");
    expect(library.find("a").summary).toBe("first");
  });

  it("reads a file of those that come with Squall once, whoever asks, and again when it has changed", () => {
    const of = (text: string): Library => {
      const library = new Library(TYPES);
      library.replaceFiles([{ file: "shipped/a.yaml", text, origin: "library" }]);
      return library;
    };
    const first = of("profile: a\nsummary: First.\n").get("a");
    expect(of("profile: a\nsummary: First.\n").get("a")).toBe(first);
    expect(of("profile: a\nsummary: Second.\n").get("a")?.summary).toBe("Second.");
    for (let attempt = 0; attempt < 2; attempt++)
      expect(refusalOf(() => of("profile: a\nfaults: 1\n")).message).toMatch(/^shipped\/a\.yaml:2:9 /u);
  });

  it("offers the nearest name for one that it does not have", () => {
    expect(refusalOf(() => libraryOf({ "a.yaml": "profile: lost-ack\n" }).find("lost_ack"))).toMatchObject({
      code: "SQ_PROFILE_NOT_FOUND",
      hint: 'did you mean "lost-ack"?',
    });
  });

  it("tells of files that were left out, one of which may have the profile that it does not have", () => {
    const mistake = "summary: no name\n";
    const hint = (name: string, ...files: string[]): unknown => {
      const library = new Library(TYPES);
      const found = files.map((file) => ({ file, text: mistake, origin: "found" as const }));
      library.replaceFiles([{ file: "own.yaml", text: "profile: lost-ack\n" }, ...found]);
      return Reflect.get(
        refusalOf(() => library.find(name)),
        "hint",
      );
    };
    expect(hint("busy", "profiles/busy.yaml", "profiles/other.yaml")).toMatch(
      /^profiles\/busy\.yaml is left out: profiles\/busy\.yaml:1:1 /u,
    );
    // A file's name tells more than a name that is near, and any name more than files of other names.
    expect(hint("lost-ac", "profiles/lost-ac.yaml")).toMatch(/^profiles\/lost-ac\.yaml is left out: /u);
    expect(hint("lost-ac", "profiles/other.yaml")).toBe('did you mean "lost-ack"?');
    expect(hint("busy", "profiles/other.yaml")).toBe(
      "profiles/other.yaml is left out, and squall validate says why",
    );
    expect(hint("busy", "profiles/a.yaml", "profiles/b.yaml")).toBe(
      "2 files of ./profiles are left out, and squall validate says why",
    );
    expect(hint("busy")).toBe(undefined);
  });

  it("refuses one name in two files, and names both places", () => {
    const refusal = refusalOf(() => libraryOf({ "a.yaml": "profile: x\n", "b.yaml": "# b\nprofile: x\n" }));
    expect(told(refusal.details, "b.yaml")).toEqual([
      '2:10 profile: the profile "x" exists already, in a.yaml:1:10',
    ]);
  });

  it("tells the mistakes of all files at once, in the order of the files", () => {
    const refusal = refusalOf(() =>
      libraryOf({
        "a.yaml": "profile: A\n",
        "b.yaml": "a: [",
        "c.yaml": "profile: c\nfaults: [{ type: x }]\n",
      }),
    );
    expect(refusal.details?.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual([
      "a.yaml:1:10",
      "b.yaml:1:5",
      "c.yaml:2:18",
    ]);
    expect(refusal.message).toMatch(/^a\.yaml:1:10 .* \(and 2 more mistakes\)$/u);
  });

  it("takes new files whole or not at all", () => {
    const library = libraryOf({ "a.yaml": "profile: a\n" });
    refusalOf(() => {
      library.replaceFiles([
        { file: "b.yaml", text: "profile: b\n" },
        { file: "c.yaml", text: "profile: 1\n" },
      ]);
    });
    expect(library.names()).toEqual(["a"]);
    library.replaceFiles([{ file: "b.yaml", text: "profile: b\n" }]);
    expect(library.names()).toEqual(["b"]);
  });

  it("warns of twins without names", () => {
    const library = libraryOf({
      "a.yaml":
        "profile: a\nfaults: [{ type: reset }, { type: down }, { type: reset }]\nphases: [{ phase: p, faults: [{ type: reset }, { type: reset }] }]\n",
    });
    expect(told(library.warnings, "a.yaml")).toEqual([
      "2:43 faults[2]: a second reset without a name: one more before it would rename it and change its draws (give them names)",
      "3:48 phases[0].faults[1]: a second reset without a name: one more before it would rename it and change its draws (give them names)",
    ]);
  });
});

describe("warnings", () => {
  it("come and go with the profiles that they are about", () => {
    const library = libraryOf({ "a.yaml": "profile: a\nfaults: [{ type: reset }, { type: reset }]\n" });
    library.put("profile: b\nfaults: [{ type: down }, { type: down }]\n");
    expect(library.warnings.map(({ file }) => file)).toEqual(["a.yaml", "request"]);
    library.put("profile: a\n");
    library.delete("b");
    expect(library.warnings).toEqual([]);
    library.delete("a");
    expect(library.warnings.map(({ file }) => file)).toEqual(["a.yaml"]);
  });
});

describe("a profile made in memory", () => {
  it("stands above the file's own until it is deleted", () => {
    const library = libraryOf({ "a.yaml": "profile: a\nsummary: file\n" });
    library.put("profile: a\nsummary: memory\n", "a");
    library.put('{"profile": "b", "summary": "json"}');
    expect(layers(library)).toEqual(["a memory shadows", "b memory"]);
    expect(library.get("a")?.summary).toBe("memory");
    library.delete("a");
    library.delete("b");
    expect(layers(library)).toEqual(["a file"]);
    expect(library.get("a")?.summary).toBe("file");
  });

  it("stays when the files are read again", () => {
    const library = libraryOf({ "a.yaml": "profile: a\n" });
    library.put("profile: b\n");
    library.replaceFiles([]);
    expect(layers(library)).toEqual(["b memory"]);
  });

  it("must have the name that it is put under", () => {
    const refusal = refusalOf(() => libraryOf({}).put("profile: a\n", "b"));
    expect(refusal.message).toBe('request:1:1 profile: expected the name "b", got "a"');
  });

  it("may extend a file's profile, and the file's may extend it", () => {
    const library = libraryOf({
      "a.yaml":
        "profile: a\nfaults: [{ type: reset }]\n---\nprofile: c\nextends: a\nfaults: [{ name: reset, after: 5s }]\n",
    });
    library.put("profile: b\nextends: a\n");
    const refusal = refusalOf(() => library.put("profile: a\nfaults: [{ name: reset, type: down }]\n"));
    expect(told(refusal.details, "request")).toEqual([
      'a.yaml:6:25 faults[0].after: down has no parameter "after" (known: existing, refuse, name, type, proxy, direction, at, match, except, when, draw, enabled)',
    ]);
    expect(layers(library)).toEqual(["a file", "b memory", "c file"]);
  });

  it("cannot be deleted while another hangs on it", () => {
    const library = libraryOf({});
    library.put("profile: upper\n");
    library.put("profile: child\nextends: upper\n", "child");
    expect(
      refusalOf(() => {
        library.delete("upper");
      }).message,
    ).toBe('request:2:10 extends: no profile is called "upper"');
    expect(library.names()).toEqual(["child", "upper"]);
  });

  it("that a file has cannot be deleted, and one that nobody has is not found", () => {
    const library = libraryOf({ "a.yaml": "profile: a\n" });
    expect(
      refusalOf(() => {
        library.delete("a");
      }),
    ).toMatchObject({ code: "SQ_PROFILE_IN_FILE", status: 409 });
    expect(
      refusalOf(() => {
        library.delete("../a.yaml");
      }),
    ).toMatchObject({ code: "SQ_PROFILE_NOT_FOUND", status: 404 });
  });
});

describe("a fork", () => {
  it("is tried without the library knowing, until it is adopted", () => {
    const library = libraryOf({ "a.yaml": "profile: a\n" });
    const fork = library.fork();
    fork.put("profile: b\n");
    expect(library.names()).toEqual(["a"]);
    library.adopt(fork);
    expect(library.names()).toEqual(["a", "b"]);
  });
});
