/** Runs of a command as tables: what was seen on the wire, without a wire. */
import type { SeenExchange } from "../../src/sweep/contract/record.js";
import type { FaultInput, RunResult } from "../../src/sweep/contract/run.js";
import type { Place } from "../../src/sweep/oracles/calls.js";
import type { JudgeOptions } from "../../src/sweep/oracles/evidence.js";

type Changes = Partial<Omit<SeenExchange, "request" | "response">> & {
  readonly request?: Partial<SeenExchange["request"]>;
  readonly response?: Partial<NonNullable<SeenExchange["response"]>> | null;
};

/** `call(120, "POST /v1/jobs/7/complete")`: at 120 ms, answered 200 by the upstream, 5 ms later. */
export function call(at: number, what: string, changes: Changes = {}): SeenExchange {
  const [method = "GET", path = "/"] = what.split(" ");
  const upstreamStatus = changes.upstreamStatus === undefined ? 200 : changes.upstreamStatus;
  const body = method === "GET" ? null : `body of ${what}`;
  return {
    proxy: "jobs",
    bot: "bot-1",
    connection: 1,
    id: at,
    method,
    path,
    at,
    over: at + 5,
    reused: false,
    upstreamStatus,
    clientStatus: upstreamStatus,
    forwarded: true,
    end: "complete",
    faults: [],
    ...changes,
    request: {
      bytes: body?.length ?? 0,
      hash: body,
      type: body === null ? null : "application/json",
      key: null,
      authorized: false,
      operation: null,
      ...changes.request,
    },
    response:
      changes.response === null || upstreamStatus === null
        ? null
        : { bytes: 20, hash: "answer", type: "application/json", retryAfter: null, ...changes.response },
  };
}

/** What the upstream did, and the client never heard of. */
export const lostAnswer = { clientStatus: null, end: "reset", faults: ["f1"] } as const;
/** What never came to the upstream. */
export const lostRequest = {
  clientStatus: null,
  upstreamStatus: null,
  forwarded: false,
  end: "reset",
  faults: ["f1"],
} as const;

/** What Squall answered itself, with 429. */
export const refused = {
  upstreamStatus: null,
  clientStatus: 429,
  forwarded: false,
  faults: ["f1"],
} as const;

export function run(exchanges: readonly SeenExchange[], changes: Partial<RunResult> = {}): RunResult {
  return {
    number: 1,
    label: "a run",
    exit: { kind: "exit", code: 0 },
    ms: Math.max(1_000, ...exchanges.map(({ over }) => over)),
    check: null,
    record: { exchanges, connections: [], queries: [], flows: [], hits: [] },
    outcomes: [],
    left: [],
    output: { stdout: "", stderr: "" },
    folder: null,
    ...changes,
  };
}

export const fault = (type: string, params: Readonly<Record<string, unknown>> = {}): FaultInput => ({
  type,
  name: "f1",
  ...params,
});

/** Sites by the looks of their paths: numbers are what calls are about. */
export function placeOf({ method, path, bot }: SeenExchange): Place {
  const name = `${method} ${path.replaceAll(/\/\d+(?=\/|$)/gu, "/:n")}`;
  return {
    site: `jobs ${bot.replaceAll(/\d+/gu, "#")} ${name}`,
    name,
    about: path.match(/(?<=\/)\d+(?=\/|$)/gu) ?? [],
  };
}

export const PLAIN: JudgeOptions = {
  ignore: [],
  outageIgnore: [],
  tolerance: 0,
  idempotent: () => false,
  slo: null,
};
