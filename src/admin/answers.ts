/** The shapes that the admin API answers, as named zod schemas: the OpenAPI document is made of them. */
import { z } from "zod";
import { LAYERS } from "../config/layers.js";
import type { ActiveView } from "../control/active-view.js";
import type { ProfileDetail, ProfileSummary } from "../control/profiles.js";
import type { ProxyView } from "../control/proxy-view.js";
import type { ReloadResult } from "../control/reload.js";
import { ERRORS, type ErrorCode } from "../core/errors.js";
import { fleetStatus } from "./fleet-answers.js";
import { named, whole, texts, anything } from "./named.js";

// -- errors ---------------------------------------------------------------------------------------

export const problem = named(
  "Problem",
  z.strictObject({
    file: z.string(),
    line: whole(),
    column: whole(),
    path: z.string().describe("where in the document, such as faults[2].jitter"),
    message: z.string(),
    hint: z.string().optional(),
    source: z.string().optional().describe("the line that it stands in; of a long one what is around it"),
    cut: whole().optional().describe("characters of the line that were left out before source"),
  }),
);

export const errorAnswer = named(
  "Error",
  z.strictObject({
    error: z.string().describe("what is wrong, in a sentence"),
    status: z.int().min(400).max(599),
    code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]).describe("stable, see docs/errors.md"),
    path: z.string().optional().describe("the key or parameter that is wrong"),
    hint: z.string().optional().describe("what would have been right"),
    details: z.array(problem).optional().describe("each mistake, with its position"),
  }),
);

// -- profiles -------------------------------------------------------------------------------------

const param = named(
  "Param",
  z.strictObject({
    name: z.string(),
    summary: z.string(),
    required: z.boolean(),
    default: z.union([z.string(), z.number(), z.boolean(), z.null()]).exactOptional(),
  }),
);

const profileKeys = {
  name: z.string(),
  summary: z.string(),
  breaks: z.string().describe("what goes wrong in a client that is not prepared for it; may be empty"),
  survives: z.string().describe("what a client does that gets through it unharmed; may be empty"),
  tags: texts(),
  params: z.array(param),
  source: z.string().describe("the file it was read from"),
  origin: z
    .enum(LAYERS)
    .describe(
      "memory: made through the API, gone with the daemon; file: of your own; library: it comes with Squall",
    ),
  shadows: z
    .boolean()
    .describe("there is a profile of the same name underneath, in a file or in the library"),
  active: z.boolean(),
};

const profileSummary: z.ZodType<ProfileSummary> = named("ProfileSummary", z.strictObject(profileKeys));

export const profileList = named("Profiles", z.strictObject({ profiles: z.array(profileSummary) }));

const millis = (): z.ZodNumber => z.number().min(0);

const course = named(
  "Course",
  z.strictObject({
    headline: z.string().describe("phases and their lengths, such as calm 5s, away 5s; 10s in all"),
    shown_ms: millis().describe("how much time this is about; 1 where nothing in the profile has a length"),
    endless: z.boolean().describe("it ends only when it is healed"),
    phases: z.array(z.strictObject({ phase: z.string(), from_ms: millis(), until_ms: millis() })),
    rows: z.array(
      z.strictObject({
        fault: z.string(),
        type: z.string(),
        goes_on: z.boolean().describe("beyond what is shown"),
        spans: z.array(
          z.strictObject({
            from_ms: millis(),
            until_ms: millis(),
            level: z
              .enum(["all", "some", "rising", "falling"])
              .describe("some: a share is hit; rising, falling: along a ramp"),
          }),
        ),
      }),
    ),
  }),
);

export const profileDetail: z.ZodType<ProfileDetail> = named(
  "Profile",
  z.strictObject({
    ...profileKeys,
    text: z.string().describe("the document as it was written"),
    explanation: texts()
      .nullable()
      .describe("a sentence for each fault; null while a param must be given first"),
    course: course.nullable().describe("when each fault is there; null while a param must be given first"),
  }),
);

// -- what is on -----------------------------------------------------------------------------------

const engineName = (): z.ZodEnum<{ kernel: "kernel"; model: "model" }> => z.enum(["kernel", "model"]);

const soFar = named(
  "SoFar",
  z.strictObject({
    proxy: z.string(),
    fault: z.string(),
    type: z.string(),
    of: z
      .enum(["connections", "handshakes", "exchanges", "datagrams", "queries"])
      .describe("what subjects, matched and hits count"),
    subjects: whole().describe("that came by while the fault was in force"),
    matched: whole().describe("those that match and except are about"),
    hits: whole().describe("those to which something was done; if only observed, would have been"),
    effects: z.record(z.string(), z.number()).describe("what was done, by effect"),
    not_reached: z
      .array(whole())
      .optional()
      .describe(
        "of a fault with `only`: those of its ordinals for which nobody came, the lowest 100 at most",
      ),
    text: z.string().describe("the same as a sentence, with the reason where nothing matched"),
  }),
);

const activation = named(
  "Activation",
  z.strictObject({
    id: z.string(),
    profile: z.string(),
    params: anything(),
    seed: whole(),
    mode: z.enum(["inject", "observe"]),
    fleet: z.boolean().describe("true where the fleet switched it on, and not somebody here"),
    proxies: texts().nullable().describe("only on these; null for all"),
    phase: z.string().nullable(),
    pass: whole(),
    since: z.string(),
    remaining: z.string().nullable().describe("until it ends by itself; null for never"),
    remaining_seconds: z.number().nullable(),
    reproducible: z.boolean().describe("false where the kernel drops real segments"),
    irreproducible: z.string().nullable().describe("why it is not reproducible; null if it is"),
    engines: z
      .array(z.strictObject({ proxy: z.string(), fault: z.string(), engine: engineName(), why: z.string() }))
      .describe("who carries out what, of the faults in force that the kernel can act for"),
    so_far: z
      .array(soFar)
      .describe(
        "how much each fault has hit, on each proxy on which it was in force, since it was switched on",
      ),
    again: z.string().describe("the command that starts the same run again"),
  }),
);

const activeKeys = {
  revision: whole().describe("of the plan; grows with every change"),
  activations: z.array(activation),
  proxy_faults: z
    .array(
      z.strictObject({
        proxy: z.string(),
        fault: z.string(),
        type: z.string(),
        toxic: z.string().nullable().describe("what Toxiproxy's API calls it, of one that was set there"),
        so_far: soFar.nullable().describe("how much it has hit since it was set; null before it is in force"),
      }),
    )
    .describe("those that proxies have of their own, beside what profiles do; healing leaves them"),
};

export const active: z.ZodType<ActiveView> = named("Active", z.strictObject(activeKeys));

export const activeWaited = named(
  "ActiveWaited",
  z.strictObject({
    ...activeKeys,
    timed_out: z.boolean().optional().describe("with wait only: true if it did not come in time"),
  }),
);

export const healed = named(
  "Healed",
  z.strictObject({
    ...activeKeys,
    ended: whole().describe("activations"),
    removed: whole().describe("faults that proxies had of their own"),
    left: z
      .string()
      .nullable()
      .describe("what is still in force, and how it is taken away; null for nothing"),
  }),
);

// -- the daemon -----------------------------------------------------------------------------------

const proxy: z.ZodType<ProxyView> = named(
  "ProxyStatus",
  z.strictObject({
    name: z.string(),
    protocol: z.enum(["tcp", "http", "udp"]),
    listen: z.string(),
    upstream: z.string(),
    owner: z.enum(["file", "api"]),
    enabled: z
      .boolean()
      .describe("false for one that was switched off; a fault may keep an enabled one closed"),
    state: z.string(),
    connections: z.strictObject({ active: whole(), total: whole() }),
    faults: z.array(
      z.strictObject({
        fault: z.string(),
        type: z.string(),
        profile: z.string(),
        engine: engineName().optional().describe("of faults that the kernel can act for: who does"),
      }),
    ),
  }),
);

const limit = (): z.ZodNullable<z.ZodNumber> => whole().nullable();

export const status = named(
  "Status",
  z.strictObject({
    version: z.string(),
    uptime_seconds: z.number().min(0),
    ready: z.boolean(),
    revision: whole(),
    pid: whole(),
    node: z.string(),
    seed: z.number(),
    proxies: z.array(proxy),
    connections: whole().describe("client connections open now, and flows, over all proxies"),
    held_bytes: whole().describe("bytes that faults hold back now"),
    limits: z
      .strictObject({
        connections: limit(),
        flows: limit().describe("of udp proxies"),
        held_bytes: limit(),
        admin_connections: whole(),
        admin_body_bytes: whole(),
        admin_header_bytes: whole(),
        event_streams: whole(),
        long_polls: whole(),
      })
      .describe("null for none"),
    journal: z.strictObject({
      entries: whole(),
      last: whole(),
      dropped: whole().describe("entries that left memory for newer ones"),
      file_dropped: whole().describe("entries that the file could not take"),
      problem: z
        .string()
        .nullable()
        .describe("why the file cannot be written; null if it can, or if there is none"),
    }),
    log: z.strictObject({
      lost: whole().describe("lines that could not be written"),
      problem: z.string().nullable().describe("why the last of them could not; null if lines can be written"),
    }),
    streams: whole().describe("readers of the event stream"),
    last_reload: z
      .strictObject({
        ok: z.boolean(),
        at: z.string(),
        problems: z.array(problem).describe("why it was refused; without a file where the reason is in none"),
      })
      .nullable(),
    state: z
      .strictObject({
        file: z.string(),
        saved: z.boolean().describe("whether all that was answered is in the file"),
        error: z.string().nullable().describe("why not"),
        writes: whole(),
        failures: whole(),
        unrestored: z
          .array(z.strictObject({ what: z.string(), name: z.string(), why: z.string() }))
          .describe("what could not be restored, and is still in the file"),
      })
      .nullable()
      .describe("what is kept over restarts; null where nothing is"),
    fleet: fleetStatus.nullable().describe("how it stands in its fleet; null where it belongs to none"),
  }),
);

export const alive = named("Alive", z.strictObject({ alive: z.literal(true) }));
export const ready = named(
  "Ready",
  z.strictObject({
    ready: z.literal(true),
    fleet: z.string().optional().describe("how it stands in its fleet, where it belongs to one"),
  }),
);

export const reloaded: z.ZodType<ReloadResult> = named(
  "Reloaded",
  z.strictObject({ changed: texts(), warnings: texts() }),
);

// -- the journal ----------------------------------------------------------------------------------
// -- what there is --------------------------------------------------------------------------------

const faultParam = named(
  "FaultParam",
  z.strictObject({
    name: z.string(),
    kind: z.string().describe("duration, size, rate, ratio, or a plain type"),
    required: z.boolean(),
    default: z.unknown().optional(),
    values: texts().optional().describe("the words that it can be"),
    ramp: z.boolean().describe("can be {from, to} in a phase"),
    summary: z.string(),
  }),
);

export const faultTypes = named(
  "FaultTypes",
  z.strictObject({
    types: z.array(
      z.strictObject({
        type: z.string(),
        summary: z.string(),
        direction: z
          .enum(["upstream", "downstream", "both"])
          .nullable()
          .describe("where it acts if nothing is said; null where a direction has no meaning"),
        params: z.array(faultParam),
        effects: z.record(z.string(), z.string()),
        example: anything(),
      }),
    ),
  }),
);

/** A document whose shape is somebody else's: JSON Schema, OpenAPI. */
export const document = named("Document", anything());
