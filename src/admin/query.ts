/** Query parameters: few types, each strict, with errors that name the parameter and what it takes. */
import { z } from "zod";
import { SquallError } from "../core/errors.js";
import { locate } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { check } from "../config/validate.js";
import { shown } from "../faults/params.js";

/** How a parameter looks in the OpenAPI document, where that differs from the text on the wire. */
export const wireForms = z.registry<Readonly<Record<string, unknown>>>();

export function wholeNumber(min: number, max: number): z.ZodType<number> {
  const schema = z
    .string({ error: (issue) => `expected a whole number, got ${shown(issue.input)}` })
    .regex(/^\d+$/u, {
      abort: true,
      error: (issue) => `expected a whole number, got ${shown(issue.input)}`,
    })
    .transform(Number)
    .refine((value) => value >= min && value <= max, {
      error: (issue) => `expected a whole number from ${min} to ${max}, got ${shown(issue.input)}`,
    });
  wireForms.add(schema, { type: "integer", minimum: min, maximum: max });
  return schema;
}

export function word(): z.ZodString {
  return z
    .string({ error: (issue) => `expected text, got ${shown(issue.input)}` })
    .min(1, { error: "expected text, got nothing" })
    .max(256, { error: "expected at most 256 characters" });
}

/** Made once: that takes longer than to read a query. */
const stricts = new WeakMap<z.ZodObject, z.ZodObject>();

function strictly(schema: z.ZodObject): z.ZodObject {
  const known = stricts.get(schema) ?? schema.strict();
  stricts.set(schema, known);
  return known;
}

/** The parameters as their schema makes them, or SQ_BAD_PARAM. */
export function readQuery(schema: z.ZodObject, given: unknown): Readonly<Record<string, unknown>> {
  const problems = new Problems();
  const query = check(strictly(schema), locate(given, "query"), problems);
  const [first] = problems.list();
  if (first === undefined && query !== undefined) return query;
  const { hint } = first ?? {};
  // As it was sent: `name[]`, and not as a key of a document.
  const path = (first?.path ?? "").replace(/^\["(.*)"\]$/u, "$1");
  const message = first?.message.replace("unknown key", "unknown parameter") ?? "is not as expected";
  throw new SquallError("SQ_BAD_PARAM", `${path}: ${message}`, {
    path,
    ...(hint === undefined ? {} : { hint }),
  });
}
