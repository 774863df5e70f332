/** The library as plain JavaScript uses it: whatever is mistyped, or of another kind, is refused by its name, and changes nothing. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSquall, type Squall, type SquallOptions } from "../src/index.js";

/** As it is without types. */
const untyped = (value: unknown): never => value as never;

/** What a call throws or rejects with, as its code and message. */
async function refused(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code ?? "no code"} ${message}`;
  }
  return "done";
}

describe("startSquall", () => {
  it.each<[unknown, string]>([
    [{ profile: "x" }, 'profile: unknown option (did you mean "profiles"?)'],
    [{ log: "debug" }, 'log: expected a mapping, got "debug"'],
    [
      { log: { level: "loud", stream: process.stdout } },
      'log.level: expected error, warn, info or debug, got "loud"',
    ],
    [{ proxies: [{ upstream: "127.0.0.1:3000" }] }, "proxies: expected a mapping, got a list"],
    [
      { proxies: { jobs: {} } },
      "upstream: expected an upstream such as http://server:3000 or 127.0.0.1:3000, got nothing",
    ],
    [
      { proxies: { jobs: "127.0.0.1:3000" } },
      "upstream: expected an upstream such as http://server:3000 or 127.0.0.1:3000, got nothing",
    ],
    [
      { config: "squall.yaml" },
      'config: expected the text of a configuration, got the name of a file: "squall.yaml"',
    ],
    [{ folder: 3 }, "folder: expected text, got 3"],
    ["squall.yaml", 'expected a mapping, got "squall.yaml"'],
    [null, "expected a mapping, got nothing"],
  ])("refuses %j", async (options, message) => {
    const code = await refused(async () => (await startSquall(untyped(options) as SquallOptions)).stop());
    expect(code).toContain(`SQ_BAD_REQUEST ${message}`);
  });

  it("takes a stream that refers to itself", async () => {
    const stream = { write: () => true, on: () => undefined, off: () => undefined, self: null as unknown };
    stream.self = stream;
    await (await startSquall({ log: { level: "info", stream } })).stop();
  });
});

describe("a running one", () => {
  let squall: Squall;
  beforeAll(async () => {
    squall = await startSquall();
    await squall.activate("high-latency", { seed: 7 });
  });
  afterAll(() => squall.stop());

  it.each<[string, () => unknown, string]>([
    [
      "an option of activate",
      () => squall.activate("lost-ack", untyped({ sed: 3 })),
      'sed: unknown option (did you mean "seed"?)',
    ],
    ["a seed", () => squall.activate("lost-ack", untyped({ seed: "x" })), 'seed: expected a number, got "x"'],
    [
      "a mode",
      () => squall.activate("lost-ack", untyped({ mode: "watch" })),
      'mode: expected inject or observe, got "watch"',
    ],
    [
      "proxies",
      () => squall.activate("lost-ack", untyped({ proxies: "jobs" })),
      'proxies: expected a list, got "jobs"',
    ],
    [
      "add",
      () => squall.activate("lost-ack", untyped({ add: "yes" })),
      'add: expected true or false, got "yes"',
    ],
    ["a name for heal", () => squall.heal(untyped("high-latency")), 'expected a mapping, got "high-latency"'],
    ["a kind of entry", () => squall.journal({ kind: "fault" }), 'got "fault"'],
    [
      "a filter",
      () => squall.journal(untyped({ bott: "anna" })),
      'bott: unknown option (did you mean "bot"?)',
    ],
    ["a limit", () => squall.journal({ limit: -1 }), "limit: must be at least 0, got -1"],
    [
      "a profile that is no text",
      () => squall.putProfile("mine", untyped({ faults: [] })),
      "text: expected a profile as YAML or JSON text",
    ],
    [
      "no mark",
      () => {
        squall.mark(untyped(undefined));
      },
      "text: expected text, got nothing",
    ],
    [
      "no options of a proxy",
      () => squall.proxies.add("jobs", untyped(undefined)),
      "upstream: expected an upstream",
    ],
    [
      "an upstream without a port",
      () => squall.proxies.add("jobs", { upstream: "server" }),
      'expected an upstream such as http://server:3000 or 127.0.0.1:3000, got "server"',
    ],
  ])("refuses %s", async (_what, call, message) => {
    const said = await refused(call);
    expect(said).toContain("SQ_BAD_REQUEST ");
    expect(said).toContain(message);
    expect(squall.active().activations).toMatchObject([{ profile: "high-latency", seed: 7 }]);
    expect(squall.proxies.list()).toEqual([]);
  });
});
