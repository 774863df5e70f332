/** `report.json`: its JSON Schema, which its readers may rely on. Fields may be added to version 1; none goes, and none changes its meaning. */
import { z } from "zod";
import { VERDICTS } from "../contract/finding.js";
import { REPORT_VERSION, type SweepReport } from "../contract/report.js";

const count = z.int().min(0);
const millis = z.number().min(0);
const verdict = z.enum(VERDICTS);
const protocol = z.enum(["http", "tcp", "udp", "dns", "tls"]);
const list = <T extends z.ZodType>(item: T): z.ZodReadonly<z.ZodArray<T>> => z.array(item).readonly();

const confirmation = z.object({
  failed: count.describe("runs with the fault that failed"),
  runs: count.describe("runs with the fault"),
  controls: z.object({ failed: count, runs: count }).describe("fault-free runs"),
});

const alarm = z.object({
  verdict: z.string(),
  oracle: z.string().describe("O1 to O7"),
  signature: z.string().describe("the same in runs with the same cause"),
  text: z.string(),
});

const timelineRow = z.object({
  at_ms: z.number().describe("when the request came, since the command was started"),
  over_ms: z.number().describe("when it was over for the client"),
  bot: z.string(),
  what: z.string(),
  client: z.string().describe("what the client got"),
  upstream: z.string().describe("what the upstream did"),
  forwarded: z.boolean().describe("whether anything came to the upstream"),
  responded: z.boolean().describe("whether the upstream responded"),
  delivered: z.boolean().describe("whether the client got something"),
  faults: list(z.string()),
  extra: z.boolean().describe("whether no fault-free run has this call"),
});

export const reportShape = z.object({
  version: z.literal(REPORT_VERSION),
  made_by: z.object({ squall: z.string(), node: z.string() }),
  command: z.union([z.string().describe("for the shell"), list(z.string()).describe("words")]),
  seed: z.int(),
  started: z.string().describe("ISO 8601, UTC"),
  took_ms: millis,
  workers: z.int().min(1),
  stopped: z.string().nullable().describe("why it ended before all cases were run"),
  baselines: list(
    z.object({
      ms: millis,
      exit: z.string(),
      exchanges: count,
      connections: count,
      queries: count,
      flows: count,
    }),
  ).describe("the fault-free runs at the beginning"),
  controls: z.object({ failed: count, runs: count }).describe("all fault-free runs"),
  runs: count.describe("all runs of the command"),
  sites: list(
    z.object({
      id: z.string(),
      protocol,
      proxy: z.string(),
      bot: z.string(),
      name: z.string(),
      steadiness: z.enum(["stable", "wavering", "rare"]),
      counts: list(count).describe("calls in each fault-free run"),
      only_under_faults: z.boolean(),
    }),
  ),
  kinds: list(z.object({ name: z.string(), about: z.string(), protocol })),
  cases: list(
    z.object({
      id: z.string(),
      name: z.string(),
      cells: list(z.object({ site: z.string(), kind: z.string(), ordinal: z.string() })),
      verdict,
      alarms: list(alarm),
      confirmation: confirmation.nullable(),
      ms: millis.nullable(),
      exit: z.string().nullable(),
      note: z
        .string()
        .nullable()
        .describe("why it has no verdict, or why a suspicion or an alarm was dropped"),
      finding: z.int().nullable().describe("the number of its finding"),
      folder: z.string().nullable(),
    }),
  ),
  findings: list(
    z.object({
      number: z.int().min(1),
      verdict,
      signature: z.string(),
      title: z.string(),
      confirmation,
      case: z.string().describe("the case that is replayed"),
      cases: list(z.string()),
      file: z.string().nullable(),
      replay: z.string().nullable(),
      timeline: list(timelineRow),
      journal: list(z.string()).describe("entries, as JSON"),
      stderr: list(z.string()).describe("lines that no fault-free run printed"),
    }),
  ),
  coverage: z.object({
    cells: list(z.object({ ordinal: z.string(), hit: count, applicable: count })),
    pairs: z.object({ hit: count, applicable: count }),
    required: z.number().nullable().describe("the share of cells that must be hit"),
  }),
  strict: z.boolean().describe("whether SUSPECT and FLAKY count as findings"),
  exit_code: z.int(),
}) satisfies z.ZodType<SweepReport>;

export function reportSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...shape } = z.toJSONSchema(reportShape, { target: "draft-2020-12" });
  return {
    $schema,
    $id: "urn:squall:schema:sweep-report",
    title: "Report of squall sweep",
    ...shape,
  };
}

/** One value on many lines, with an end of line. */
export function reportJson(report: SweepReport): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
