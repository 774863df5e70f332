/** docs/profile-library.md is made from the profiles; `npm run docs` writes it anew. */
import * as fsPromises from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { drawTimeline } from "../../src/cli/timeline-text.js";
import { Library } from "../../src/config/library.js";
import { loadProfiles } from "../../src/config/load.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { compileProfile } from "../../src/plan/compile.js";
import { wrapped } from "./wrapped.js";

const ROOT = resolve(import.meta.dirname, "../..");
const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));

const INTRO = `# The profile library

Made by \`npm run docs\` from the files in \`profiles/\`, which are yours to copy and change. What each one catches is shown in
[the matrix](matrix.md); how profiles are written is in [the profile language](profiles.md).

\`\`\`sh
squall profiles --timeline                      # the same, in a terminal
squall use lost-ack --param every=2 --ttl 30s
squall heal
\`\`\`

Profiles with the tag \`http\` need a proxy with an \`http://\` upstream; on a daemon without one they are refused. Those for pools (\`lb-\`)
make a difference where a proxy has several upstreams. Those with the tag \`tls\` need a proxy with
[\`secure\`](tls.md#how-clients-are-spoken-to). In the timelines a row is full where all are hit, half where a share of them is.
`;

interface Page {
  readonly name: string;
  readonly tag: string;
  readonly text: string;
}

/** A comment at the head of the file that says where this was met: `# Seen: https://...`. */
const SEEN = /^# Seen: (https:\/\/\S+)$/mu;

async function pages(): Promise<Page[]> {
  const library = new Library(TYPES);
  library.replaceFiles(await loadProfiles([join(ROOT, "profiles")], fsPromises, ROOT));
  return library.entries.map(({ source, params }) => {
    const { name, summary, breaks, survives, tags, text } = source;
    const seen = SEEN.exec(text)?.[1];
    expect([name, breaks, survives, seen]).not.toContain("");
    expect(seen, `${name}: a comment "# Seen: https://..."`).toBeDefined();
    const knobs = params.map((param) => `\`${param.name}=${String(param.default)}\` ${param.summary}`);
    const lines = [
      `### ${name}`,
      "",
      wrapped(summary),
      "",
      wrapped(`- What breaks: ${breaks}`, "  "),
      wrapped(`- What a good bot does: ${survives}`, "  "),
      `- Seen: <${seen ?? ""}>`,
      `- Tags: ${tags.join(", ")}`,
      ...(knobs.length === 0 ? [] : [wrapped(`- Params: ${knobs.join("; ")}`, "  ")]),
      "",
      "```text",
      ...drawTimeline(compileProfile(name, library, {}, TYPES)),
      "```",
    ];
    return { name, tag: tags[0] ?? "others", text: lines.join("\n") };
  });
}

it("the page tells of every profile what breaks, what a good bot does and where it was seen", async () => {
  const all = await pages();
  const tags = [...new Set(all.map(({ tag }) => tag))].sort();
  const index = tags.map((tag) => {
    const links = all.filter((page) => page.tag === tag).map(({ name }) => `[${name}](#${name})`);
    return `| ${tag} | ${links.join(", ")} |`;
  });
  const parts = tags.map((tag) => {
    const texts = all.filter((page) => page.tag === tag).map(({ text }) => text);
    return `## Tag: ${tag}\n\n${texts.join("\n\n")}\n`;
  });
  const page = [INTRO, `| tag | profiles |\n|---|---|\n${index.join("\n")}\n`, ...parts].join("\n");
  await expect(page).toMatchFileSnapshot(join(ROOT, "docs/profile-library.md"));
});
