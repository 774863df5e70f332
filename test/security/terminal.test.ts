/** What comes from elsewhere does nothing to the terminal on which an operator reads it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pc from "picocolors";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commandHere } from "../support/command-here.js";
import { Workshop } from "../support/process.js";

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
  for (const name of ["profiles", "broken"]) mkdirSync(join(shop.folder, name));
});
afterEach(() => shop.close());

/** Clears the screen, sets the title, hides text, turns its direction, and the same in eight bits. */
const EVIL = "a\u001b[2J\u001b]0;title\u0007\u001b[8m\u001b[1;31mb\u009b2Jc\u202ed\u2028e\rf\u0008g";
const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const COLOUR = /\u001b\[(?:1|2|22|3[1-6]|39)m/gu;

const profile = `profile: evil
summary: ${JSON.stringify(EVIL)}
tags: [${JSON.stringify(EVIL)}]
params: { p: { default: ${JSON.stringify(EVIL)}, summary: ${JSON.stringify(EVIL)} } }
faults: [{ type: http_status, status: 503, body: "\${p}", match: { bot: ${JSON.stringify(EVIL)} } }]
`;

async function printed(words: readonly string[], colours: boolean): Promise<string> {
  const { out, err } = await commandHere(words, {
    cwd: shop.folder,
    home: shop.folder,
    colours: pc.createColors(colours),
    terminal: colours,
  });
  return out + err;
}

describe.each([
  ["with colours", true],
  ["without", false],
])("a terminal %s", (_kind, colours) => {
  it.each([
    ["profiles", ["profiles", "--local"]],
    ["explain", ["explain", "evil", "--profiles", "profiles"]],
    ["validate", ["validate", "profiles"]],
    ["a mistake, with the line that it is in", ["validate", "broken"]],
    ["an unknown profile", ["explain", `x${EVIL}`, "--profiles", "profiles"]],
    ["an unknown option", [`--x${EVIL}`]],
    ["a file that is not there", ["validate", `nowhere${EVIL}.yaml`]],
  ])("is not told what to do by %s", async (_what, words) => {
    shop.file("profiles/evil.yaml", profile);
    // As bytes of the file this time, not as escapes of YAML.
    shop.file(
      "broken/evil.yaml",
      `profile: evil # ${EVIL.replaceAll("\r", "").replaceAll("\u2028", "")}\nfaults: [{ type: "${EVIL.slice(0, 2)}x" }]\nnonsense\u009b: 1\n`,
    );
    const text = await printed(words, colours);
    expect(text.length).toBeGreaterThan(10);
    expect((colours ? text.replaceAll(COLOUR, "") : text).match(HARMFUL)).toBeNull();
  });

  it("gets colours that are ours", async () => {
    shop.file("profiles/evil.yaml", profile);
    expect((await printed(["profiles", "--local"], colours)).includes("\u001b[")).toBe(colours);
  });

  it.each([
    ["profiles", ["profiles", "--local", "--json"]],
    ["explain", ["explain", "evil", "--profiles", "profiles", "--json"]],
  ])("gets %s --json as it is, escaped", async (_what, words) => {
    shop.file("profiles/evil.yaml", profile);
    const text = await printed(words, colours);
    expect(text.match(HARMFUL)).toBeNull();
    expect(JSON.stringify(JSON.parse(text))).toContain(JSON.stringify(EVIL));
  });
});
