/** The JSON Schema of squall.run.yaml: that of the sources, and it takes and refuses what the command does. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runSchema } from "../../../src/sweep/run-file/schema.js";
import { runShape } from "../../../src/sweep/run-file/shape.js";

const ROOT = new URL("../../../", import.meta.url);
const schema = runSchema();
const isRun = new Ajv2020({ strictTypes: false, strictRequired: false, allErrors: true }).compile(schema);

describe("the schema of squall.run.yaml", () => {
  it("is committed as the sources make it", async () => {
    const json = `${JSON.stringify(schema, null, 2)}\n`;
    await expect(json).toMatchFileSnapshot(new URL("schema/run.schema.json", ROOT).pathname);
  });

  it("says of every key what it is for, and docs/run-file.md names each", () => {
    const page = readFileSync(new URL("docs/run-file.md", ROOT), "utf8");
    for (const [key, shape] of Object.entries(
      (schema as { properties: Record<string, { description?: string }> }).properties,
    )) {
      expect(shape.description, key).toMatch(/\w{3}/u);
      expect(page, key).toContain(`| \`${key}\` |`);
    }
    expect(Object.keys(runShape.shape).length).toBeGreaterThan(20);
  });

  it("takes the run files of the examples and of the page", () => {
    const page = readFileSync(new URL("docs/run-file.md", ROOT), "utf8");
    const blocks = [...page.matchAll(/```yaml\n([^]*?)```/gu)].map(([, text = ""]) => text);
    expect(blocks.length).toBeGreaterThan(1);
    for (const text of [...blocks, readFileSync(new URL("examples/sweep/squall.run.yaml", ROOT), "utf8")]) {
      isRun(parse(text));
      expect(isRun.errors ?? []).toEqual([]);
    }
  });

  it.each([
    ["an unknown key", "comand: x"],
    ["a time without its unit", "settle: 5"],
    ["a time-out of another word", "timeout: never"],
    ["an empty command", "command: []"],
    ["a pointer without its slash", "ignore: time"],
    ["more workers than there can be", "jobs: 65"],
    ["an unknown key of a proxy", "proxies: { jobs: { upsteam: http://127.0.0.1:1 } }"],
    ["an unknown key of service", "service: { for: 1s }"],
  ])("refuses %s", (_name, text) => {
    expect(isRun(parse(text))).toBe(false);
  });

  it("takes a variable wherever there is a value", () => {
    expect(isRun(parse('jobs: "${JOBS}"\nsettle: "${SETTLE:-1s}"\ntimeout: "${T}"'))).toBe(true);
  });
});
