/** docs/faults.md is made from the fault types themselves; `npm run docs` writes it anew. */
import { resolve } from "node:path";
import { z } from "zod";
import { expect, it } from "vitest";
import type { AnyFaultType } from "../../src/faults/contract/index.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { quantityOf } from "../../src/faults/params.js";
import { wrapped } from "./wrapped.js";

const INTRO = `# Fault types

Made from the source by \`npm run docs\`. Each fault has, besides its own parameters, the reserved keys
\`name type proxy direction at match except when enabled\` of [the profile language](profiles.md). Every quantity carries
its unit, and any of them may be a ramp \`{ from, to }\` in a phase with an end.

Every fault acts on new and on live connections, and can be added, changed and removed at any moment. Bytes that it
holds go on, in order, when it is removed.
`;

function unwrapped(schema: z.ZodType): { inner: z.ZodType; fallback: unknown; optional: boolean } {
  let inner = schema;
  let fallback: unknown;
  let optional = false;
  for (;;) {
    const def = inner.def as { type: string; innerType?: z.ZodType; defaultValue?: unknown };
    if (def.innerType === undefined) return { inner, fallback, optional };
    if (def.type === "default" || def.type === "prefault") fallback ??= def.defaultValue;
    if (def.type === "optional") optional = true;
    inner = def.innerType;
  }
}

function valuesOf(inner: z.ZodType): string {
  // A schema of several kinds of values says itself what they are called.
  const { title } = inner.meta() ?? {};
  if (title !== undefined) return title;
  const quantity = quantityOf(inner);
  if (quantity !== undefined) return quantity.kind;
  if (inner instanceof z.ZodEnum) return inner.options.map(String).join(", ");
  if (inner instanceof z.ZodLiteral) return [...new Set([...inner.values].map(String))].join(", ");
  if (inner instanceof z.ZodNumber) return "whole number";
  if (inner instanceof z.ZodBoolean) return "true, false";
  if (inner instanceof z.ZodRecord || inner instanceof z.ZodObject) return "mapping";
  if (inner instanceof z.ZodArray) return "list";
  if (inner instanceof z.ZodString) return "text";
  return "duration or size";
}

/** As it stands in YAML, in one line. */
function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const entries = Object.entries(value).map(([name, entry]) => `${name}: ${written(entry)}`);
  return `{ ${entries.join(", ")} }`;
}

function section(type: AnyFaultType): string {
  const rows = Object.entries(type.params.shape).map(([name, field]) => {
    const schema = field as z.ZodType;
    const { inner, fallback, optional } = unwrapped(schema);
    const standard = fallback === undefined ? (optional ? "none" : "required") : String(fallback);
    return `| \`${name}\` | ${valuesOf(inner)} | ${standard} | ${schema.description ?? ""} |`;
  });
  const table =
    rows.length === 0 ? ["It has no parameters."] : ["| parameter | value | default | meaning |", "|---|---|---|---|", ...rows];
  const effects = Object.entries(type.effects).map(([name, help]) => `\`${name}\` (${help})`);
  const example = Object.entries(type.example)
    .map(([name, value]) => `${name}: ${written(value)}`)
    .join(", ");
  const removal =
    type.onRemoval !== undefined
      ? `When it is removed, its connections are ${type.onRemoval === "close" ? "closed" : "reset"}.`
      : type.destroys !== undefined
        ? `A connection that it took bytes from is ${type.destroys === "close" ? "closed" : "reset"} when it is removed.`
        : "";
  const direction =
    type.directions === null ? "It has no direction." : `Direction: ${type.directions} unless another is given.`;
  const [first, ...others] = type.at ?? [];
  const place =
    first === undefined
      ? ""
      : others.length === 0
        ? `Place: ${first}.`
        : `Place: \`at: ${first}\` unless another is given (${others.join(", ")}).`;
  return [
    `## ${type.type}`,
    "",
    wrapped(type.summary),
    "",
    ...table,
    "",
    wrapped([direction, place, removal].filter((text) => text !== "").join(" ")),
    wrapped(`Effects: ${effects.join(", ")}.`),
    "",
    "```yaml",
    `- { ${example} }`,
    "```",
    "",
  ].join("\n");
}

it("docs/faults.md says what the fault types say", async () => {
  const text = `${INTRO}\n${FAULT_TYPES.map(section).join("\n")}`;
  await expect(text).toMatchFileSnapshot(resolve(import.meta.dirname, "../../docs/faults.md"));
});
