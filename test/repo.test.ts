/** The rules of the house, held by a test: who may import whom, what every fault brings along, how long a file may be. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import * as fsPromises from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { Library } from "../src/config/library.js";
import { loadProfiles } from "../src/config/load.js";
import { readConfig } from "../src/config/config.js";
import type { AnyFaultType } from "../src/faults/contract/index.js";
import { FAULT_TYPES } from "../src/faults/kinds/index.js";
import { compileFaults, compileProfile } from "../src/plan/compile.js";
import { readRun } from "../src/sweep/run-file/read.js";
import { explainProfile } from "../src/plan/explain.js";
import { locate } from "../src/config/located.js";

const ROOT = resolve(import.meta.dirname, "..");
const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

/** All files but those that .gitignore names: Node alone finds them, also where there is no Git. */
const ignored = readFileSync(join(ROOT, ".gitignore"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => line.replace(/\/$/u, "").replaceAll(".", "\\.").replaceAll("*", ".*"));
const unseen = new RegExp(`^(?:\\.git|${ignored.join("|")})$`, "u");
function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !unseen.test(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesIn(path) : [path];
    });
}
const tracked = filesIn("");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const sources = tracked.filter((file) => file.startsWith("src/") && file.endsWith(".ts"));

/** Where a reader of a profile finds a type: the folder of the family that its seams say, and a file of its name. */
function homeOf(fault: AnyFaultType): string {
  const name = fault.type.replaceAll("_", "-");
  if (fault.type === "noop") return name; // at home everywhere
  if (fault.upstreams !== undefined) return `pool/${name}`;
  const messages = fault.exchange !== undefined || (fault.stream !== undefined && fault.at?.[0] === "head");
  if (messages && fault.connection === undefined) return `http/${name}`;
  if (fault.listener !== undefined || fault.connection !== undefined || fault.stream !== undefined)
    return `tcp/${name}`;
  if (fault.handshake !== undefined) return `tls/${name}`;
  return fault.datagram !== undefined ? `udp/${name}` : `dns/${name}`;
}

/** Who may import whom: each room and those below it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ["core"],
  tls: ["core", "faults", "tls"],
  faults: ["core", "faults"],
  config: ["core", "faults", "config"],
  pipeline: ["core", "faults", "pipeline"],
  plan: ["core", "faults", "config", "pipeline", "plan"],
  proxy: ["core", "tls", "faults", "config", "pipeline", "plan", "proxy"],
  control: ["core", "tls", "faults", "config", "pipeline", "plan", "proxy", "control"],
  telemetry: ["core", "tls", "faults", "config", "pipeline", "plan", "proxy", "control", "telemetry"],
  live: ["core", "faults", "config", "pipeline", "plan", "proxy", "control", "telemetry", "live"],
  fleet: ["core", "tls", "faults", "config", "plan", "control", "telemetry", "fleet", "version"],
  admin: [
    "core",
    "fleet",
    "tls",
    "faults",
    "config",
    "pipeline",
    "plan",
    "proxy",
    "control",
    "telemetry",
    "live",
    "admin",
    "version",
  ],
  state: ["core", "tls", "faults", "config", "plan", "proxy", "control", "admin", "state"],
  drawing: ["drawing"],
  sweep: [
    "core",
    "tls",
    "faults",
    "config",
    "plan",
    "control",
    "telemetry",
    "daemon",
    "drawing",
    "sweep",
    "version",
  ],
  mock: ["core", "tls", "mock"],
  ui: ["core", "drawing", "fleet", "live", "telemetry", "ui"],
  version: [],
};

/** A room is a folder, or a file, or both: `src/control.ts` is what others call of `src/control/`. */
const roomOf = (file: string): string => (relative("src", file).split("/")[0] ?? "").replace(/\.ts$/u, "");

function importsOf(file: string): string[] {
  return [...read(file).matchAll(/(?:from|import)\s*\(?"(\.{1,2}\/[^"]+)"/gu)].map((match) =>
    relative(ROOT, resolve(ROOT, dirname(file), (match[1] ?? "").replace(/\.js$/u, ".ts"))),
  );
}

describe("the house", () => {
  it("imports one way only", () => {
    const wrong = sources.flatMap((file) => {
      const allowed = MAY_IMPORT[roomOf(file)];
      if (allowed === undefined) return [];
      return importsOf(file)
        .filter((target) => !allowed.includes(roomOf(target)))
        .map((target) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it("imports in no circle, types included: whoever reads a file can begin with what it needs", () => {
    const known = new Set(sources);
    const circles: string[] = [];
    const state = new Map<string, "open" | "done">();
    const visit = (file: string, way: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        circles.push([...way.slice(way.indexOf(file)), file].join(" -> "));
        return;
      }
      state.set(file, "open");
      for (const target of new Set(importsOf(file))) if (known.has(target)) visit(target, [...way, file]);
      state.set(file, "done");
    };
    for (const file of sources) visit(file, []);
    expect(circles).toEqual([]);
  });

  it("gives the dashboard's page nothing to load that no browser has: paths alone, and no module of Node", () => {
    const loaded = new Set<string>();
    const wrong: string[] = [];
    const load = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      for (const [text, isType, target = ""] of read(file).matchAll(
        /^(?:import|export) (type )?[^;]*?from "([^"]+)"/gmu,
      )) {
        if (isType !== undefined) continue;
        const path = relative(ROOT, resolve(ROOT, dirname(file), target.replace(/\.js$/u, ".ts")));
        // What stands there is copied from a package by scripts/page.mjs.
        if (path.startsWith("src/ui/vendor/")) continue;
        if (target.startsWith(".")) load(path);
        else wrong.push(`${file}: ${text}`);
      }
    };
    load("src/ui/main.ts");
    expect(wrong).toEqual([]);
    expect(loaded.size).toBeGreaterThan(20);
  });

  it("lets a fault kind import nothing but core and what lies beside the contract", () => {
    const wrong = sources
      .filter((file) => file.startsWith("src/faults/kinds/"))
      .flatMap((file) => importsOf(file).filter((target) => !/^src\/(?:core|faults)\//u.test(target)));
    expect(wrong).toEqual([]);
  });

  it("has no file of a thousand lines", () => {
    const long = tracked.filter(
      (file) => /\.(?:ts|js|mjs)$/u.test(file) && read(file).split("\n").length >= 1_000,
    );
    expect(long).toEqual([]);
  });

  it("names files in kebab-case, all but those whose tool asks for another name", () => {
    const foreign = /^examples\/pytest\/test_\w+\.py$/u; // pytest collects test_*.py
    expect(tracked.filter((file) => file.includes("_") && !foreign.test(file))).toEqual([]);
  });

  it("is drawn in docs/architecture.md with all its rooms, and with arrows that imports follow", () => {
    const [, picture = ""] = /```mermaid\n([^]*?)```/u.exec(read("docs/architecture.md")) ?? [];
    for (const room of Object.keys(MAY_IMPORT))
      if (room !== "version") expect(picture).toMatch(new RegExp(`\\b${room}\\[`, "u"));
    const arrows = [...picture.matchAll(/^ {2}(\w+)(?:\[[^\]]*\])? --> (\w+)/gmu)];
    expect(arrows.length).toBeGreaterThan(10);
    for (const [arrow, from = "", to = ""] of arrows)
      if (from in MAY_IMPORT) expect(MAY_IMPORT[from], arrow).toContain(to);
  });

  it("has no source file of more than 450 lines", () => {
    expect(sources.filter((file) => read(file).split("\n").length > 451)).toEqual([]);
  });

  it("opens every source file with a sentence about its place", () => {
    const silent = sources.filter((file) => !/^(?:#!.*\n)?\/\*\*\s*\S/u.test(read(file)));
    expect(silent).toEqual([]);
  });

  it("touches `process` in main.ts and where the process itself is the subject, and nowhere else", () => {
    const users = sources.filter(
      (file) =>
        !file.startsWith("src/mock/") &&
        /\bprocess\.(?!_)/u.test(read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*/gu, "")),
    );
    expect(
      users.filter(
        (file) =>
          ![
            "src/main.ts",
            "src/cli/heap.ts",
            "src/telemetry/process-metrics.ts",
            // The main file of a process of its own.
            "src/sweep/harness/isolated-child.ts",
          ].includes(file),
      ),
    ).toEqual([]);
  });

  it("makes and binds sockets in src/proxy/sockets, so that all planes have the same ones", () => {
    // A lock is no traffic, questions leave by sockets that nobody binds, and node:http's server gets its options and port there.
    const allowed = [
      "src/proxy/tcp/silence.ts",
      "src/state/lock.ts",
      "src/proxy/dns/channel.ts",
      // Looks for a port that is free, and whether a server has begun to listen.
      "src/sweep/harness/ports.ts",
    ];
    const wrong = sources.filter(
      (file) =>
        !/^src\/(?:mock|proxy\/sockets)\//u.test(file) &&
        !allowed.includes(file) &&
        (/import \{[^}]*\b(?<!type )(?:connect|createConnection|createServer|createSocket)\b[^}]*\} from "node:(?:net|dgram)"/u.test(
          read(file)
            .replace(/import type \{[^}]*\}.*\n/gu, "")
            .replace(/\btype \w+/gu, ""),
        ) ||
          /\.listen\(|new (?:Server|Socket)\(/u.test(read(file))),
    );
    expect(wrong).toEqual([]);
  });

  it("says nothing of where it was made", () => {
    const telling = tracked.filter(
      (file) =>
        file !== "test/repo.test.ts" &&
        /\.(?:ts|js|mjs|json|md|ya?ml|sh)$|run$/u.test(file) &&
        /\/work\/|\.\.\/shared|registry\.npmjs|"resolved"/u.test(read(file)),
    );
    expect(telling).toEqual([]);
  });
});

/** Programs besides Node that a file of `npm test` starts where an environment variable names one, and only there. */
const CONTROLS = ["test/compat/contenders.ts", "test/compat/cli.all.test.ts"];

describe("the tests", () => {
  const tests = tracked.filter((file) => /^test\/(?!long\/).*\.test\.ts$/u.test(file));
  const quick = tests.filter((file) => !file.endsWith(".all.test.ts"));

  /** The file, and what it imports of test/. */
  function reach(file: string, seen = new Set<string>()): ReadonlySet<string> {
    if (!seen.has(file) && file.startsWith("test/") && existsSync(join(ROOT, file))) {
      seen.add(file);
      for (const target of importsOf(file)) reach(target, seen);
    }
    return seen;
  }

  it("start no program but Node in `npm test`: files that do are named *.all.test.ts", () => {
    const reached = new Set(quick.flatMap((file) => [...reach(file)]));
    const foreign = [...reached]
      .filter((file) => file !== "test/repo.test.ts" && !CONTROLS.includes(file))
      .filter((file) => read(file).includes('"node:child_process"'))
      .flatMap((file) =>
        [
          ...read(file).matchAll(
            /(?<!\.)\b(?:spawn|exec|execFile|spawnSync|execSync|execFileSync)\(\s*([\w.]+|\S)/gu,
          ),
        ]
          .filter(([, program]) => program !== "process.execPath")
          .map(([call]) => `${file}: ${call}`),
      );
    expect(foreign).toEqual([]);
  });

  it("replace no module in `npm test`: many files share a process, and have imported it already", () => {
    const mocking = quick.filter(
      (file) => file !== "test/repo.test.ts" && /\bvi\.(?:do)?[mM]ock\(/u.test(read(file)),
    );
    expect(mocking).toEqual([]);
  });

  it("have no time limit of their own in `npm test`: the one of all is for machines that are busy", () => {
    const patient = quick.filter((file) =>
      /\b(?:it|describe)\b[^\n]*, \{ timeout: |^\s*\{ timeout: [^}]*\},$|\bLIMIT_MS = |^\s*\}, [\d_]{4,}\);/mu.test(
        read(file),
      ),
    );
    expect(patient).toEqual([]);
  });

  it("share no hooks at the top of a file that is no test: only the first test file of a process would have them", () => {
    const shared = tracked.filter((file) => /^test\/.*(?<!\.test)\.ts$/u.test(file));
    const hooked = shared.filter((file) => /^(?:before|after)(?:Each|All)\(/mu.test(read(file)));
    expect(hooked).toEqual([]);
  });

  it("that only `npm run test:all` runs are told in docs/testing.md, with what they need", () => {
    const told = [...read("docs/testing.md").matchAll(/^\| `(test\/\S+)` \|/gmu)].map(([, file]) => file);
    expect(told).toEqual(tests.filter((file) => file.endsWith(".all.test.ts")).sort());
  });
});

describe("every fault type", () => {
  it("has a file of its name in its family's folder, and every file is listed", () => {
    const files = tracked.filter(
      (file) => file.startsWith("src/faults/kinds/") && file !== "src/faults/kinds/index.ts",
    );
    expect(FAULT_TYPES.map((type) => `src/faults/kinds/${homeOf(type)}.ts`).sort()).toEqual(files.sort());
  });

  for (const fault of FAULT_TYPES) {
    const { type, example } = fault;
    it(`${type} has a test, a place in the docs, and an example that compiles and explains itself`, () => {
      expect(tracked).toContain(`test/faults/kinds/${homeOf(fault)}.test.ts`);
      expect(read("docs/faults.md")).toContain(`\n## ${type}\n`);
      const { compiled } = compileFaults(locate([example]), TYPES);
      expect(explainProfile(compiled, TYPES)).toHaveLength(1);
    });
  }
});

const pages = tracked.filter((file) => file === "README.md" || /^docs\/.*\.md$/u.test(file));
/** Words that people of the field stumble over, each with what they say. */
const ODD_WORDS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:he|him|his|himself)\b/giu, "a client is it, people are they"],
  [/\b(?:an?|the|its|no) answers? (?:of|from)\b/giu, "a response from"],
  [/\basked of\b/giu, "requested from, required of"],
  [/\b(?<!nothing |anything |nobody )but for\b/giu, "except"],
  [/\b\w*manyeth\b/giu, "n-th"],
  [/\bhangs? (?:on|upon) (?!SYN)/giu, "depends on"],
  [/\bDNS questions?\b/giu, "DNS query"],
];
/** Words that have a meaning of their own here: whoever makes up another one adds it, and explains it in docs/glossary.md. */
const OWN_WORDS: readonly string[] = [
  "activation",
  "admin port",
  "bot",
  "draw",
  "effect",
  "engine",
  "exchange",
  "fault",
  "flow",
  "heal",
  "hit",
  "hold",
  "journal",
  "library",
  "matched",
  "observe",
  "param",
  "persona",
  "phase",
  "plan",
  "pool",
  "profile",
  "proxy",
  "query",
  "ramp",
  "seam",
  "seed",
  "subject",
  "toxic",
  "upstream",
  "downstream",
  "verdict",
];

describe("what is shipped", () => {
  it("has profiles that all compile, each with a summary, tags and a sentence for each fault", async () => {
    const library = new Library(TYPES);
    library.replaceFiles(await loadProfiles([join(ROOT, "profiles")], fsPromises, ROOT));
    expect(library.names().length).toBeGreaterThan(8);
    for (const name of library.names()) {
      const compiled = compileProfile(name, library, {}, TYPES);
      expect(compiled.summary, name).toMatch(/^[A-Z].*\.$/u);
      expect(compiled.tags.length, name).toBeGreaterThan(0);
      expect(explainProfile(compiled, TYPES).length, name).toBeGreaterThan(0);
    }
    expect(library.warnings).toEqual([]);
  });

  it("has YAML in its docs that a daemon would take", async () => {
    const files = await loadProfiles([join(ROOT, "profiles")], fsPromises, ROOT);
    const shipped = files.map((file) => ({ ...file, origin: "library" as const }));
    for (const file of tracked.filter((name) => name.endsWith(".md"))) {
      for (const [, block = ""] of read(file).matchAll(/```yaml\n([\s\S]*?)```/gu)) {
        if (/^profile:/mu.test(block)) {
          const library = new Library(TYPES);
          expect(() => {
            library.replaceFiles([...shipped, { file, text: block }]);
          }, `${file}: ${block}`).not.toThrow();
        } else if (/^(?:services|apiVersion):/mu.test(block)) {
          // Of docker compose or Kubernetes: test/compose has the shapes that they take.
          for (const document of parseAllDocuments(block)) expect(document.errors, file).toEqual([]);
        } else if (/^(?:command|check|routes):/mu.test(block)) {
          // A part of a run file, whose proxies and command may stand elsewhere.
          const proxies = [{ name: "jobs", upstream: "http://127.0.0.1:3000" }];
          const command = { key: "command", value: ["npm", "test"], flag: "--command" } as const;
          const parts = {
            file: { file, text: block },
            flags: /^command:/mu.test(block) ? [] : [command],
            proxies: /^proxies:/mu.test(block) ? [] : proxies,
            config: null,
            env: {},
            cwd: ROOT,
          };
          expect(() => readRun(parts), `${file}: ${block}`).not.toThrow();
        } else if (/^(?:proxies|admin|profiles|journal|fleet):/mu.test(block)) {
          expect(() => readConfig({ text: block, file, env: {} }), `${file}: ${block}`).not.toThrow();
        } else {
          const faults = (library: Library): void => {
            library.replaceFiles([
              { file, text: `profile: fragment\nfaults:\n${block.replace(/^/gmu, "  ")}` },
            ]);
          };
          expect(() => {
            faults(new Library(TYPES));
          }, `${file}: ${block}`).not.toThrow();
        }
      }
    }
  });

  it("has docs whose source is read in any editor: no line but rows of tables is longer than 160 characters", () => {
    const long = pages.flatMap((file) =>
      read(file)
        .split("\n")
        .flatMap((line, index) =>
          line.length > 160 && !line.startsWith("|") ? [`${file}:${index + 1}`] : [],
        ),
    );
    expect(long).toEqual([]);
  });

  it("has a head for each column of the tables in its docs", () => {
    const bare = pages.flatMap((file) =>
      [...read(file).matchAll(/^(\|.*\|)\n\|[-| :]+\|$/gmu)]
        .filter(([, head = ""]) => /\|\s*\|/u.test(head))
        .map(([, head]) => `${file}: ${String(head)}`),
    );
    expect(bare).toEqual([]);
  });

  it("says in its docs what the field says", () => {
    const odd = pages.flatMap((file) => {
      const prose = read(file).replaceAll(/```[\s\S]*?```|`[^`\n]*`/gu, "");
      return ODD_WORDS.flatMap(([word, better]) =>
        [...prose.matchAll(word)].map(([found]) => `${file}: ${found}: ${better}`),
      );
    });
    expect(odd).toEqual([]);
  });

  it("explains the words of its own that its docs use, in the order of the alphabet", () => {
    const words = [...read("docs/glossary.md").matchAll(/^\| <a id="([\w-]+)"><\/a>([\w -]+) \|/gmu)];
    expect(words.map(([, id, word = ""]) => [id, word])).toEqual(
      words.map(([, , word = ""]) => [word.replaceAll(" ", "-"), word]),
    );
    const explained = words.map(([, , word = ""]) => word.toLowerCase());
    expect(explained).toEqual([...explained].sort());
    const used = pages
      .filter((file) => file !== "docs/glossary.md" && !file.startsWith("docs/decisions/"))
      .map((file) => read(file).toLowerCase())
      .join("\n");
    const known = OWN_WORDS.filter((word) => new RegExp(`\\b${word}s?\\b`, "u").test(used));
    expect(known.filter((word) => !explained.includes(word))).toEqual([]);
    // And nothing is explained that nobody reads.
    expect(
      explained.filter(
        (word) =>
          !new RegExp(`\\b${word.replace(/y$/u, "(?:y|ies)").replace(/e$/u, "(?:e|ing)")}`, "u").test(used),
      ),
    ).toEqual([]);
  });

  it("lists every page in the README, the first hour and the glossary first", () => {
    const [, list = ""] = /^## Read on\n([\s\S]*?)^## /mu.exec(read("README.md")) ?? [];
    const listed = [...list.matchAll(/\]\((docs\/[\w.-]+\.md)\)/gu)].map(([, page]) => page);
    expect(listed.slice(0, 2)).toEqual(["docs/first-hour.md", "docs/glossary.md"]);
    const linked = [...read("README.md").matchAll(/\]\((docs\/[\w.-]+\.md)\)/gu)].map(([, page]) => page);
    const own = pages.filter((file) => /^docs\/[\w-]+\.md$/u.test(file) && file !== "docs/licences.md");
    expect(own.filter((file) => !linked.includes(file))).toEqual([]);
  });

  it("has only links in its docs that lead somewhere", () => {
    const dead = tracked
      .filter((file) => file.endsWith(".md"))
      .flatMap((file) =>
        [...read(file).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/gu)]
          .filter(([, target = ""]) => !existsSync(resolve(ROOT, dirname(file), target)))
          .map(([, target]) => `${file} -> ${String(target)}`),
      );
    expect(dead).toEqual([]);
  });
});
