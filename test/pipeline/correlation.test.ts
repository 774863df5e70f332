/** `correlation` of faults that hold a subject once: along the subjects of each bot, whatever other bots do meanwhile. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { Book } from "../../src/core/ledger.js";
import type { ConnectionInfo, ExchangeInfo, Question } from "../../src/faults/contract/index.js";
import { ArmedFault } from "../../src/pipeline/armed.js";
import { EVERYBODY } from "../support/everybody.js";
import { FactBook } from "../support/lab.js";
import { requestOf } from "../support/exchange-bench.js";
import { typeNamed } from "../support/stream-bench.js";

const PARAMS = { delay: "1s", jitter: "10ms", distribution: "normal", correlation: "95%" };
const TYPES = ["accept_delay", "http_delay", "dns_delay"] as const;
const N = 20_000;

function delays(name: (typeof TYPES)[number], bots: readonly string[]): Map<string, number[]> {
  const type = typeNamed(name);
  const effects = Object.keys(type.effects);
  const armed = new ArmedFault({
    key: "k",
    type,
    params: type.params.parse(PARAMS),
    directions: null,
    at: type.at?.[0] ?? "",
    draws: { seed: 1, activation: "a", phase: "", pass: 0, fault: "f", proxy: "p" },
    origin: { proxy: "p", activation: "a", profile: "a", phase: "", fault: "f", type: name },
    admission: EVERYBODY,
    observe: false,
    book: new Book({ proxy: "p", profile: "a", fault: "f", type: name }, effects),
    facts: new FactBook(),
    clock: new VirtualClock(),
  });
  const drawn = new Map<string, number[]>();
  for (const [connection, bot] of bots.entries()) {
    const scope = armed.admit({ bot, connection, client: bot });
    if (scope === null) throw new Error("spared");
    const client = { address: "127.0.0.1", port: 1 };
    const common = { id: 1, client, bot, attend: () => undefined };
    const connected: ConnectionInfo = { ...common, acceptedAt: 0, live: false };
    const exchange: ExchangeInfo = {
      ...common,
      connection,
      upstream: "u",
      request: requestOf({}),
      route: "",
      startedAt: 0,
      idle: null,
    };
    const question: Question = { name: "a.test", type: "A", transport: "udp", bot };
    const verdict =
      type.connection?.(scope, connected).accepted?.() ??
      type.exchange?.(scope, exchange).request?.() ??
      type.query?.(scope, question).query?.();
    if (verdict?.do !== "hold") throw new Error("it holds each of them");
    const those = drawn.get(bot);
    if (those === undefined) drawn.set(bot, [verdict.for]);
    else those.push(verdict.for);
  }
  return drawn;
}

describe.each(TYPES)("correlation of %s", (name) => {
  it("is what was asked for from one of a bot's to the next, and 0 from bot to bot", () => {
    const values = delays(name, Array<string>(N).fill("x")).get("x") ?? [];
    const z = values.map((value) => (value - 1000) / 10);
    const r =
      z.slice(1).reduce((sum, value, at) => sum + value * (z[at] ?? 0), 0) /
      z.reduce((sum, value) => sum + value ** 2, 0);
    // Four standard errors.
    expect(Math.abs(r - 0.95)).toBeLessThan(4 * Math.sqrt((1 - 0.95 ** 2) / N));
  });

  it("does not hang on what other bots do", () => {
    const alone = delays(name, Array<string>(200).fill("x")).get("x");
    const among = delays(
      name,
      Array.from({ length: 1_000 }, (_, n) => (n % 5 === 3 ? "x" : `other-${n % 7}`)),
    );
    expect(among.get("x")).toEqual(alone);
    expect(among.get("other-1")?.slice(0, 9)).not.toEqual(alone?.slice(0, 9));
  });
});
