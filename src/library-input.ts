/**
 * What a caller of the library says, checked as strictly as what is sent to the admin API: plain JavaScript has no types, and an option
 * that is mistyped, or has a value of another kind, must not count for nothing.
 */
import { z } from "zod";
import { ENTRY_KINDS } from "./admin/entry-answers.js";
import { locate } from "./config/located.js";
import { Problems } from "./config/problems.js";
import { text } from "./config/shapes.js";
import { check } from "./config/validate.js";
import { SquallError } from "./core/errors.js";
import { choice, shown } from "./faults/params.js";

const number = z.number({ error: (issue) => `expected a number, got ${shown(issue.input)}` });
const wholeNumber = number
  .int({ error: (issue) => `expected a whole number, got ${shown(issue.input)}` })
  .min(0, { error: (issue) => `must be at least 0, got ${shown(issue.input)}` });
const yesOrNo = z.boolean({ error: (issue) => `expected true or false, got ${shown(issue.input)}` });

/** What is passed on is judged where it is read: here only that there is no other option. */
const START = z.strictObject({
  config: z.unknown().optional(),
  profiles: z.unknown().optional(),
  proxies: z.record(z.string(), z.unknown()).optional(),
  seed: z.unknown().optional(),
  admin: z.unknown().optional(),
  tls: z.unknown().optional(),
  log: z
    .strictObject({ level: choice(["error", "warn", "info", "debug"]), stream: z.unknown().optional() })
    .optional(),
  folder: text().optional(),
});

const ACTIVATE = z.strictObject({
  seed: wholeNumber.optional(),
  ttl: z.unknown().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  proxies: z.array(text()).optional(),
  mode: choice(["inject", "observe"]).optional(),
  add: yesOrNo.optional(),
});

const HEAL = z.strictObject({ own: yesOrNo.optional() });

const JOURNAL = z.strictObject({
  since: wholeNumber.optional(),
  limit: wholeNumber.optional(),
  sizeMax: number.optional(),
  kind: choice(ENTRY_KINDS).optional(),
  proxy: text().optional(),
  activation: text().optional(),
  profile: text().optional(),
  fault: text().optional(),
  type: text().optional(),
  bot: text().optional(),
  connection: wholeNumber.optional(),
  path: text().optional(),
});

const SHAPES = { activate: ACTIVATE, heal: HEAL, journal: JOURNAL };

/** @throws SquallError (SQ_BAD_REQUEST) with the first mistake, by the option that it was made with */
export function checkOptions(call: keyof typeof SHAPES, given: unknown): void {
  refuseMistakes(SHAPES[call], given);
}

/** A stream, and what is passed on to the daemon as it is, may be large and refer to itself: nothing goes into them. */
export function checkStart(given: unknown): void {
  if (typeof given !== "object" || given === null) {
    refuseMistakes(START, given);
    return;
  }
  const shallow = Object.entries(given as Readonly<Record<string, unknown>>).map(([key, value]) => [
    key,
    key === "proxies" || key === "log" ? outline(value) : key === "folder" ? value : undefined,
  ]);
  const known = Object.fromEntries(shallow) as Readonly<Record<string, unknown>>;
  const others = Object.keys(given).filter((key) => !Object.hasOwn(START.shape, key));
  refuseMistakes(START, { ...known, ...Object.fromEntries(others.map((key) => [key, true])) });
  const { tls = false } = given as { readonly tls?: unknown };
  if (typeof tls !== "boolean" && (typeof tls !== "object" || tls === null || Array.isArray(tls)))
    throw refusal("tls", `expected true, false or a mapping, got ${shown(tls)}`);
  const { config } = given as { readonly config?: unknown };
  if (typeof config === "string" && /^\S+\.ya?ml$/u.test(config))
    throw refusal(
      "config",
      `expected the text of a configuration, got the name of a file: ${shown(config)}`,
      "read it, and give what is in it",
    );
}

/** The words in it; whatever else there is only counts as there. */
function outline(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const words = Object.entries(value).map(([key, part]: [string, unknown]) => [
    key,
    typeof part === "object" ? true : part,
  ]);
  return Object.fromEntries(words) as unknown;
}

/** Text that a call cannot do without. */
export function checkText(name: string, given: unknown, what: string): void {
  if (typeof given !== "string") throw refusal(name, `expected ${what}, got ${shown(given)}`);
}

function refuseMistakes(shape: z.ZodType, given: unknown): void {
  const problems = new Problems();
  check(shape, locate(given, "options"), problems);
  const [first] = problems.list();
  if (first === undefined) return;
  throw refusal(first.path, first.message.replace("unknown key", "unknown option"), first.hint);
}

/** With the hint in its message: that is what a test runner shows. */
function refusal(path: string, message: string, hint?: string): SquallError {
  const said = hint === undefined ? message : `${message} (${hint})`;
  return new SquallError("SQ_BAD_REQUEST", path === "" ? said : `${path}: ${said}`, { path });
}
