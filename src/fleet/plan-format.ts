/** A plan as bytes and back: whoever reads one that is not exactly what it should be is told what was expected, what came, and where. */
import { z } from "zod";
import { locate } from "../config/located.js";
import { Problems } from "../config/problems.js";
import { text } from "../config/shapes.js";
import { check } from "../config/validate.js";
import { ACTIVATIONS_MAX } from "../control.js";
import { SquallError } from "../core/errors.js";
import { formatSize } from "../core/units.js";
import { choice, count, shown } from "../faults/params.js";
import { PLAN_FORMAT, PLAN_MAX, type FleetActivation, type FleetPlan } from "./contract/plan.js";

const words = (): z.ZodString => text().min(1, { error: 'expected a text that is not empty, got ""' });

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u;

function moment(): z.ZodString {
  const expected = "expected a time such as 2026-03-01T14:03:07.120Z";
  return z
    .string({ error: (issue) => `${expected}, got ${shown(issue.input)}` })
    .refine((value) => MOMENT.test(value) && Number.isFinite(Date.parse(value)), {
      error: (issue) => `${expected}, got ${shown(issue.input)}`,
    });
}

const percent = z
  .number({ error: (issue) => `expected a number from 0 to 100, got ${shown(issue.input)}` })
  .refine((value) => value >= 0 && value <= 100, {
    error: (issue) => `expected a number from 0 to 100, got ${shown(issue.input)}`,
  });

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: (issue) => `expected a single value, got ${shown(issue.input)}`,
});

const HASH = /^sha256:[0-9a-f]{64}$/u;

const activationShape = z.strictObject({
  id: words(),
  profile: words(),
  text: text().regex(HASH, {
    error: (issue) => `expected sha256: and 64 hexadecimal digits, got ${shown(issue.input)}`,
  }),
  params: z.record(z.string(), scalar),
  seed: count(),
  mode: choice(["inject", "observe"]),
  proxies: z.array(words()).nullable(),
  targets: z.strictObject({
    daemons: z.array(words()),
    labels: z.record(z.string(), text()),
    percent,
  }),
  starts_at: moment(),
  ends_at: moment(),
});

const planShape = z.strictObject({
  format: z.literal(PLAN_FORMAT),
  epoch: words(),
  by: text(),
  why: text().nullable(),
  activations: z
    .array(activationShape)
    .max(ACTIVATIONS_MAX, { error: `expected at most ${ACTIVATIONS_MAX} activations` }),
});

/**
 * Throws SQ_INVALID_FLEET_PLAN. One of another format is not looked at any further: the message is its name, such as
 * `format squall-fleet/2`.
 */
export function readPlan(bytes: Uint8Array): FleetPlan {
  if (bytes.length > PLAN_MAX)
    throw invalid(`expected at most ${formatSize(PLAN_MAX)}, got ${bytes.length} bytes`);
  const value = readJson(bytes, "a plan");
  const format = Reflect.get(value, "format") as unknown;
  if (format !== PLAN_FORMAT) throw otherFormat(format, PLAN_FORMAT);
  const problems = new Problems();
  const plan = check(planShape, locate(value, "plan"), problems);
  if (plan === undefined) throw invalid(inWords(problems));
  checkActivations(plan.activations);
  return plan;
}

function checkActivations(activations: readonly FleetActivation[]): void {
  const ids = new Set<string>();
  for (const [index, { id, starts_at, ends_at }] of activations.entries()) {
    if (ids.has(id)) throw invalid(`activations[${index}].id: ${shown(id)} is there twice`);
    ids.add(id);
    if (Date.parse(ends_at) <= Date.parse(starts_at))
      throw invalid(`activations[${index}].ends_at: expected a time after ${starts_at}, got ${ends_at}`);
  }
}

/** Throws SQ_INVALID_FLEET_PLAN as reading it would, so that nothing is written that nobody can read. */
export function writePlan(plan: FleetPlan): Uint8Array {
  const { format, epoch, by, why, activations } = plan;
  const bytes = new TextEncoder().encode(JSON.stringify({ format, epoch, by, why, activations }));
  readPlan(bytes);
  return bytes;
}

/** An object, whatever its keys. Throws SQ_INVALID_FLEET_PLAN. */
export function readJson(bytes: Uint8Array, what: string): object {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(`expected ${what} as JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(`expected ${what} as a JSON object, got ${shown(value)}`);
  return value;
}

export function otherFormat(found: unknown, known: string): SquallError {
  if (typeof found !== "string") return invalid(`format: expected ${known}, got ${shown(found)}`);
  return new SquallError("SQ_INVALID_FLEET_PLAN", `format ${found.slice(0, 60)}`, {
    hint: `this Squall understands ${known}`,
  });
}

export function invalid(message: string): SquallError {
  return new SquallError("SQ_INVALID_FLEET_PLAN", message);
}

/** The first mistake, and how many more there are. A plan is one line, so there is no place to tell but the key. */
export function inWords(problems: Problems): string {
  const [first] = problems.list();
  if (first === undefined) return "something is wrong";
  const more = problems.count > 1 ? ` (and ${problems.count - 1} more)` : "";
  const hint = first.hint === undefined ? "" : ` (${first.hint})`;
  return `${first.path === "" ? "" : `${first.path}: `}${first.message}${hint}${more}`;
}
