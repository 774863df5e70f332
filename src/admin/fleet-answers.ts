/** What the calls about a fleet answer: shapes for the OpenAPI document, and how they are made. */
import { z } from "zod";
import type { MemberView } from "../fleet/contract/member.js";
import type { FleetActivation } from "../fleet/contract/plan.js";
import type { Heard } from "../fleet/contract/presence.js";
import { livesOf, namesakeWarnings } from "../fleet/contract/lives.js";
import type { AdminFleet, FleetSwitched } from "./fleet-house.js";
import { anything, named, texts, whole } from "./named.js";

const states = ["idle", "prepared", "applied", "refused", "healed_here"] as const;

const activation: z.ZodType<FleetActivation> = named(
  "FleetActivation",
  z.strictObject({
    id: z.string(),
    profile: z.string(),
    text: z.string().describe("sha256: and the hash of the profile's text, with all that it builds on"),
    params: anything(),
    seed: whole(),
    mode: z.enum(["inject", "observe"]),
    proxies: texts().nullable().describe("only on these; null for all that fit"),
    targets: z
      .strictObject({
        daemons: texts().describe("names and patterns; empty for all"),
        labels: z.record(z.string(), z.string()),
        percent: z.number().min(0).max(100),
      })
      .describe("which daemons are meant: those for which all of it is true"),
    starts_at: z.string().describe("by the engine's clock"),
    ends_at: z.string().describe("by the engine's clock"),
  }),
);

const member = named(
  "FleetMember",
  z.strictObject({
    daemon: z.string(),
    life: z.string().describe("another one after a restart"),
    version: z.string(),
    labels: z.record(z.string(), z.string()),
    admin: z.string().nullable().describe("where its admin API is; null if it does not say"),
    serial: whole().describe("of the plan that its state is about; 0 before it has read one"),
    state: z.enum(states),
    why: z.string().nullable(),
    offset_ms: z
      .number()
      .nullable()
      .describe("the engine's clock against the daemon's wall clock; null before it is known"),
    error_ms: z.number().nullable().describe("how wrong that may be"),
    hits: whole().describe("of the fleet's activations that are on there"),
    ends_at: z.string().nullable().describe("when the last of them ends; null if none is on"),
    journal_seq: whole().describe("the newest entry of its journal that the engine has"),
    age_seconds: z.number().min(0).describe("since it was heard"),
  }),
);

export const fleetView = named(
  "Fleet",
  z.strictObject({
    name: z.string(),
    daemon: z.string().describe("this one"),
    engine: z.string(),
    control: z.boolean().describe("whether this daemon may switch the others"),
    connected: z.boolean(),
    problem: z
      .string()
      .nullable()
      .describe("why there is no engine, or what it refuses; null if all is well"),
    joined: z.boolean(),
    me: member,
    plan: z
      .strictObject({
        serial: whole(),
        age_seconds: z.number().nullable().describe("since it was read last, changed or not"),
        by: z.string(),
        why: z.string().nullable(),
        activations: z.array(activation),
      })
      .nullable()
      .describe("null before it was read, or where it cannot be understood"),
    time: z.string().nullable().describe("the engine's clock; null before it is known"),
    journal: z
      .strictObject({
        state: z.enum(["off", "idle", "waiting", "sending", "away", "full", "closing", "closed"]),
        upto: whole().describe("the newest number that the engine has been told about"),
        unsent: whole().describe("numbers that it has not been told about yet"),
        lost: whole().describe("numbers that were given up"),
        problem: z.string().nullable().describe("why sending does not go well; null if it does"),
      })
      .describe("how this daemon's journal gets into the fleet's"),
    members: z
      .array(member)
      .nullable()
      .describe("by name, each life of it that is there; null where the engine does not tell"),
    warnings: texts().describe(
      "for people: names that several daemons go by, and that this daemon's journal is not sent",
    ),
  }),
);

export const fleetOutcome = named(
  "FleetOutcome",
  z.strictObject({
    serial: whole().describe("of the plan that was written; that of the plan put back if healed"),
    met: z.boolean().describe("whether what was required has come in time"),
    healed: z.boolean().describe("what was on before is on again, or nothing is"),
    daemons: z.array(
      z.strictObject({
        daemon: z.string(),
        life: z.string().describe("which of them, where several go by one name"),
        state: z
          .enum([...states, "silent"])
          .describe("silent: it is there, or was a moment ago, and has said nothing about this plan"),
        why: z.string().nullable(),
      }),
    ),
    activations: z.array(activation).describe("with their seeds and moments"),
    warnings: z
      .array(z.string())
      .describe(
        "for people: names that several daemons go by; faults whose numbers are of each daemon, where bots come by several",
      ),
  }),
);

export const fleetStatus = named(
  "FleetStatus",
  z.strictObject({
    name: z.string(),
    daemon: z.string(),
    engine: z.string(),
    connected: z.boolean(),
    joined: z.boolean(),
    problem: z.string().nullable(),
    serial: whole(),
    state: z.enum(states),
    why: z.string().nullable(),
    hits: whole(),
    ends_at: z.string().nullable(),
    plan_age_seconds: z.number().nullable(),
    warnings: texts().describe("for people: others that go by its name, and that its journal is not sent"),
  }),
);

type MemberAnswer = z.input<typeof member>;

function memberAnswer({ presence: { namesakes: _, ...presence }, age }: Heard): MemberAnswer {
  return { ...presence, labels: { ...presence.labels }, age_seconds: seconds(age) };
}

/** As this daemon knows of them itself. */
function ownWarnings(fleet: AdminFleet, view: MemberView): string[] {
  return [
    ...namesakeWarnings(livesOf([{ presence: view.presence, age: 0 }]).map((one) => one.presence)),
    ...journalWarnings(fleet, view),
  ];
}

/** That the engine is away is told elsewhere: this is of one that is there, and has no room or gives no leave. */
function journalWarnings(fleet: AdminFleet, { connected }: MemberView): string[] {
  const { problem, unsent } = fleet.shipping();
  if (problem === null || !connected) return [];
  const waiting = `${unsent} ${unsent === 1 ? "entry waits" : "entries wait"}`;
  return [`the journal of ${fleet.daemon} is not sent to the fleet, and ${waiting}: ${problem}`];
}

export function fleetAnswer(
  fleet: AdminFleet,
  members: readonly Heard[] | null,
  problem: string | null,
): z.input<typeof fleetView> {
  const { name, daemon, engine, control } = fleet;
  const view = fleet.view();
  const { plan, presence, connected, joined } = view;
  const time = fleet.engineTime();
  return {
    name,
    daemon,
    engine,
    control,
    connected,
    problem: view.problem ?? problem,
    joined,
    me: memberAnswer({ presence, age: 0 }),
    plan:
      plan === null
        ? null
        : {
            serial: presence.serial,
            age_seconds: ageOf(view),
            by: plan.by,
            why: plan.why,
            activations: [...plan.activations],
          },
    time: time === null ? null : new Date(time).toISOString(),
    journal: fleet.shipping(),
    members: members === null ? null : livesOf(members).map(memberAnswer),
    warnings:
      members === null
        ? ownWarnings(fleet, view)
        : [...namesakeWarnings(livesOf(members).map((one) => one.presence)), ...journalWarnings(fleet, view)],
  };
}

export function outcomeAnswer({
  daemons,
  activations,
  warnings,
  ...rest
}: FleetSwitched): z.input<typeof fleetOutcome> {
  return { ...rest, daemons: [...daemons], activations: [...activations], warnings: [...warnings] };
}

export function fleetStatusOf(fleet: AdminFleet): z.input<typeof fleetStatus> {
  const { name, daemon, engine } = fleet;
  const view = fleet.view();
  const { serial, state, why, hits, ends_at } = view.presence;
  const { connected, joined, problem } = view;
  return {
    name,
    daemon,
    engine,
    connected,
    joined,
    problem,
    serial,
    state,
    why,
    hits,
    ends_at,
    plan_age_seconds: ageOf(view),
    warnings: ownWarnings(fleet, view),
  };
}

function ageOf({ planAge }: MemberView): number | null {
  return Number.isFinite(planAge) ? seconds(planAge) : null;
}

function seconds(millis: number): number {
  return Math.max(0, Math.round(millis)) / 1_000;
}

/** One sentence: how this daemon stands in its fleet. */
export function standingText(fleet: AdminFleet): string {
  const view = fleet.view();
  return [standing(fleet, view), ...ownWarnings(fleet, view)].join("; ");
}

function standing(
  { name, engine }: AdminFleet,
  { joined, connected, problem, presence }: MemberView,
): string {
  const { serial, state, why } = presence;
  const reason = why === null ? "" : ` (${why})`;
  if (connected && problem === null)
    return joined
      ? `in the fleet ${name}: plan ${serial}, ${state.replace("_", " ")}${reason}`
      : `joining the fleet ${name}`;
  const cause = problem ?? "no answer so far";
  if (connected) return `in the fleet ${name}, but ${engine} refuses: ${cause}`;
  return joined
    ? `alone: the engine of the fleet ${name}, ${engine}, does not answer (${cause})`
    : `joining the fleet ${name}: ${engine} does not answer so far (${cause})`;
}
