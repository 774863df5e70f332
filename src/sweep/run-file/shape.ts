/** The shape of squall.run.yaml as zod schemas: what is run, against what, and how it is judged. JSON Schema and flags follow it. */
import { constants } from "node:os";
import { z } from "zod";
import { choice, count, duration, flag, ratio, shown, size } from "../../faults/params.js";
import { DURATION_PATTERN, parseDuration } from "../../core/units.js";
import { oneOrMany, text } from "../../config/shapes.js";
import { PRESETS } from "../kinds/kind.js";
import { KIND_NAMES, unknownKind } from "../kinds/kinds.js";

/** More would share two cores with the programs that they start. */
export const JOBS_MAX = 64;
export const USUAL_DIRECTORY = ".squall";

/** Words, which are started as they are, or a line for `sh -c`. */
export type CommandInput = string | readonly string[];

/** The system ends arguments and variables there. */
const noNul = (text: unknown): boolean => typeof text !== "string" || !text.includes("\0");
const NUL_ERROR = { error: "expected text without a NUL character, which no program can be given" };

function command(what: string): z.ZodType<CommandInput, unknown> {
  const expected = `expected ${what} as a line for the shell, or as a list of words`;
  const error = (issue: { readonly input?: unknown }): string => `${expected}, got ${shown(issue.input)}`;
  const word = z.union([z.string(), z.number().transform(String)], { error });
  return z
    .union([z.string().regex(/\S/u, { error }), z.array(word).min(1, { error })], { error })
    .refine((given) => typeof given === "string" || given[0] !== "", {
      error: `expected ${what}, got words of which the first is empty`,
    })
    .refine((given) => [given].flat().every(noNul), NUL_ERROR);
}

function url(example: string): z.ZodString {
  const expected = `expected a URL such as ${example}`;
  const error = (issue: { readonly input?: unknown }): string => `${expected}, got ${shown(issue.input)}`;
  return z.string({ error }).regex(/^(?:https?|tcp):\/\/\S+$/u, { error });
}

function pointer(): z.ZodString {
  const expected = "expected a JSON pointer such as /jobs/*/worker";
  const error = (issue: { readonly input?: unknown }): string => `${expected}, got ${shown(issue.input)}`;
  return z.string({ error }).regex(/^\/(?:[^~]|~[01])*$/u, { error });
}

/** YAML reads `503` as a number, and it is the name of a kind. */
function kind(others: readonly string[] = []): z.ZodType<string, string | number> {
  const names = new Set([...others, ...KIND_NAMES]);
  return z
    .union([text().min(1), z.number()], {
      error: (issue) => `expected the name of a kind, got ${shown(issue.input)}`,
    })
    .transform(String)
    .superRefine((name, context) => {
      if (!names.has(name)) context.addIssue({ code: "custom", message: unknownKind(name, others) });
    });
}

const value = z
  .union([z.string(), z.number(), z.boolean()], {
    error: (issue) => `expected a single value, got ${shown(issue.input)}`,
  })
  .refine(noNul, NUL_ERROR);

function signal(): z.ZodString {
  const expected = "expected the name of a signal such as SIGQUIT";
  const error = (issue: { readonly input?: unknown }): string => `${expected}, got ${shown(issue.input)}`;
  return z
    .string({ error })
    .regex(/^SIG[A-Z0-9]{2,8}$/u, { error })
    .refine((name) => Object.hasOwn(constants.signals, name), { error });
}

function timeout(): z.ZodType<number | null, string> {
  const error = (issue: { readonly input?: unknown }): string =>
    `expected auto, or a duration such as 2m, got ${shown(issue.input)}`;
  return z
    .string({ error })
    .regex(new RegExp(`^auto$|${DURATION_PATTERN}`, "u"), { error })
    .transform((text) => (text === "auto" ? null : parseDuration(text)));
}

/** A method and a pattern of a path. */
function callPattern(): z.ZodString {
  const expected = "expected a method and a path such as POST /v1/jobs/:id/complete";
  const error = (issue: { readonly input?: unknown }): string => `${expected}, got ${shown(issue.input)}`;
  return z.string({ error }).regex(/^[A-Z]+ [/*][^\s?#]*$/u, { error });
}

export const sloShape = z.strictObject({
  p95: duration({ positive: true })
    .optional()
    .describe("the 95th percentile of what clients wait for their exchanges"),
  error_rate: ratio().optional().describe("the share of exchanges without a status below 500"),
  min_samples: count({ min: 1 }).default(30).describe("with fewer exchanges nothing is said"),
});

export const serviceShape = z.strictObject({
  hit: duration({ positive: true })
    .prefault("30s")
    .describe("how long a fault waits for the call that it is to hit"),
  hold: duration().prefault("0s").describe("how long it stays on after its first hit"),
  recover: duration({ positive: true })
    .prefault("60s")
    .describe("how long the system may take after that to be back at its steady state"),
  watch: duration({ positive: true })
    .prefault("10s")
    .describe("how long a fault-free run watches the bots, to learn how often each makes a call"),
});

export const runShape = z.strictObject({
  command: command("what is judged")
    .optional()
    .describe("what is judged: a line for the shell, or a list of words that are started without one"),
  setup: command("what is run before")
    .optional()
    .describe("before each run; where it fails no run is made, and that is never a finding"),
  upstream: command("a server")
    .optional()
    .describe("a server that is started afresh for each run; {port:NAME} is a free port"),
  ready: oneOrMany(url("http://127.0.0.1:{port:jobs}/healthz"), "a URL")
    .prefault([])
    .describe(
      "what must answer before the command is started: http://… with a status below 400, or tcp://host:port",
    ),
  ready_timeout: duration({ positive: true }).prefault("30s").describe("how long that may take"),
  check: command("a check")
    .optional()
    .describe(
      "is run when the faults are gone and all is quiet; another exit code than 0 says that something is wrong",
    ),
  audit: url("http://127.0.0.1:{port:jobs}/v1/audit")
    .optional()
    .describe("answers JSON that is compared with what it was in fault-free runs"),
  ignore: oneOrMany(pointer(), "a JSON pointer")
    .prefault([])
    .describe("JSON pointers into the audit of what may differ; * is any one step"),
  tolerance: ratio()
    .prefault("0%")
    .describe("by how much numbers of the audit may differ from the range of fault-free runs"),
  outage: duration({ positive: true })
    .optional()
    .describe(
      "how long the kind outage lasts, which then is of the default preset: longer than the server waits for a client that is away; 10s if not given",
    ),
  outage_ignore: oneOrMany(pointer(), "a JSON pointer")
    .prefault([])
    .describe(
      "what may differ in the audit as well, after faults that last: what a server does about a client that is away",
    ),
  idempotent: oneOrMany(callPattern(), "a call such as POST /v1/jobs/:id/complete")
    .prefault([])
    .describe("calls that may come twice without a key, because the server knows them again"),
  slo: sloShape.optional().describe("objectives that each run must meet, faults or not"),
  settle: duration()
    .prefault("2s")
    .describe("how long is waited at most until the proxies are quiet, when the faults are gone"),
  timeout: timeout()
    .prefault("auto")
    .describe(
      "how long the command may take; auto: three times its slowest fault-free run, and at least 30s more than that",
    ),
  dump: signal()
    .optional()
    .describe("a signal by which a command that hangs tells where it stands, sent before it is ended"),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/u), value)
    .default({})
    .describe("variables for all that is started"),
  jobs: count({ min: 1, max: JOBS_MAX })
    .default(1)
    .describe("how many runs are made at a time; more than 1 needs upstream"),
  isolate: choice(["none", "net"])
    .default("none")
    .describe("net: each of these has a network of its own with nothing but loopback in it, on Linux"),
  baselines: count({ min: 1, max: 100 }).default(3).describe("fault-free runs before anything else"),
  proxies: z
    .unknown()
    .optional()
    .describe("as in squall.yaml, and on top of it; without listen on a free port of loopback"),
  routes: oneOrMany(text().min(1), "a path such as /v1/jobs/:id")
    .prefault([])
    .describe("route templates that are known"),
  openapi: oneOrMany(text().min(1), "a file")
    .prefault([])
    .describe("OpenAPI descriptions to take route templates from"),
  kinds: oneOrMany(kind(PRESETS), "a kind or a preset").prefault([]).describe("kinds of faults, or a preset"),
  skip_kinds: oneOrMany(kind(), "a kind").prefault([]).describe("kinds of faults that are left out"),
  seed: count().optional().describe("of all that is drawn; 1 by default"),
  budget: duration({ positive: true }).optional().describe("how long all of it may take"),
  service: z
    .union([flag(), serviceShape], {
      error: (issue) =>
        `expected true, false or a mapping such as { recover: 60s }, got ${shown(issue.input)}`,
    })
    .default(false)
    .describe(
      "the bots run all the time: a fault is switched on, and the system must be back at its steady state afterwards",
    ),
  directory: text().min(1).default(USUAL_DIRECTORY).describe("the folder for all that is written"),
  disk: size({ positive: true })
    .prefault("256MiB")
    .describe("how much the folders of runs may have together; the oldest go first"),
  keep: flag()
    .default(false)
    .describe("keeps the folders of all runs, and not only of those with something in them"),
});

export type RunInput = z.output<typeof runShape>;
export type ServiceInput = z.output<typeof serviceShape>;
export type SloInput = z.output<typeof sloShape>;
