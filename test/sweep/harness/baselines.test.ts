/** What is said of fault-free runs that fail. */
import { describe, expect, it } from "vitest";
import type { RunRecord, SeenConnection, SeenExchange } from "../../../src/sweep/contract/record.js";
import { runBaselines } from "../../../src/sweep/harness/baselines.js";
import { call, refused, run } from "../../support/runs.js";

const connection = (proxy: string, failure: SeenConnection["failure"]): SeenConnection => ({
  proxy,
  bot: "bot-1",
  connection: 1,
  at: 0,
  over: 5,
  bytes: { up: 0, down: 0 },
  end: failure === null ? "client_closed" : "failed",
  failure,
  faults: [],
});

/** What the error says behind what the command wrote; `undefined` for none. */
async function saidOf(record: Partial<RunRecord>, code = 1): Promise<string> {
  const { record: none } = run([]);
  const failed = run([], { exit: { kind: "exit", code }, record: { ...none, ...record } });
  const runner = { jobs: 1, run: () => Promise.resolve(failed) };
  const options = { baselines: 3, seed: 1, ignore: [], tolerance: 0 };
  const error: unknown = await runBaselines(runner, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return String(error).replace(/^.*: exit code 1, and it wrote nothing\n?/u, "");
}

const flow = { proxy: "stats", bot: "b", flow: 1, at: 0, over: 1, datagrams: { up: 1, down: 0 }, faults: [] };

const answered = (status: number): SeenExchange =>
  call(1, "GET /jobs", { ...refused, clientStatus: status, faults: [] });
const one = (names: string): string =>
  `nothing that came to ${names} reached the upstream there: does that run, at the address that the proxy has?`;

describe("of a command that fails without any fault", () => {
  it("is said whose upstream nobody reached", async () => {
    expect(await saidOf({ exchanges: [answered(502)] })).toBe(one("jobs"));
    expect(await saidOf({ exchanges: [answered(503), { ...answered(502), proxy: "money" }] })).toBe(
      one("jobs, money"),
    );
    expect(await saidOf({ connections: [connection("queue", "upstream_refused")] })).toBe(one("queue"));
  });

  it("is not said of upstreams that had anything of it", async () => {
    expect(await saidOf({})).toBe("");
    expect(await saidOf({ exchanges: [call(1, "GET /jobs", { upstreamStatus: 502 })] })).toBe("");
    expect(await saidOf({ exchanges: [answered(502), call(2, "GET /jobs")] })).toBe("");
    expect(await saidOf({ exchanges: [answered(400)] })).toBe("");
    expect(await saidOf({ connections: [connection("queue", "client_reset")] })).toBe("");
    expect(
      await saidOf({ connections: [connection("queue", "upstream_refused"), connection("queue", null)] }),
    ).toBe("");
  });
});

describe("of a command that passes", () => {
  it("nothing is believed while no upstream was reached", async () => {
    expect(await saidOf({ exchanges: [answered(502)] }, 0)).toBe(
      `BaselineBroken: the command passes without any fault, and none of its calls was carried out\n${one("jobs")}`,
    );
    expect(await saidOf({ connections: [connection("queue", "upstream_refused")] }, 0)).toContain(
      one("queue"),
    );
  });

  it("all is believed where any upstream was, or nothing was asked", async () => {
    const reached = [
      {},
      { exchanges: [answered(502), call(2, "GET /jobs")] },
      { exchanges: [{ ...answered(502), proxy: "optional" }, call(2, "GET /jobs")] },
      { exchanges: [answered(502)], flows: [flow] },
      { exchanges: [answered(400)] },
    ];
    for (const record of reached) expect(await saidOf(record, 0)).toBe("undefined");
  });
});
