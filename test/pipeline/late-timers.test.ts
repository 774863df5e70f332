/** Timers of a busy machine are late, and what a pool's faults answer goes by the clock: nobody hears of what comes of it first. */
import { describe, expect, it } from "vitest";
import { VirtualClock, type Millis, type Timer } from "../../src/core/clock.js";
import { Book } from "../../src/core/ledger.js";
import { ArmedFault } from "../../src/pipeline/armed.js";
import { Party, type Guest } from "../../src/pipeline/party.js";
import { UpstreamsFaults } from "../../src/pipeline/upstreams.js";
import { EVERYBODY } from "../support/everybody.js";
import { FactBook, TYPES } from "../support/lab.js";

const LATE = 50;

class LateClock extends VirtualClock {
  override at(when: Millis, run: () => void): Timer {
    return super.at(when + LATE, run);
  }
}

const CHECK = { healthCheck: "a" };
const a = { name: "a" };
const b = { name: "b" };
const pool = [a, b];
const someone = { bot: "bot-1", connection: 1, client: "127.0.0.1" };
const guest: Guest = { ...someone, party: new Party(someone, () => undefined) };

interface Late {
  readonly clock: VirtualClock;
  readonly faults: UpstreamsFaults;
  readonly told: () => string[];
  /** When the pool was told that it may be something else. */
  readonly changes: readonly Millis[];
  readonly mistakes: readonly unknown[];
}

function bound(typeName: string, raw: Record<string, unknown>): Late {
  const type = TYPES.get(typeName);
  if (type === undefined) throw new Error(`no type ${typeName}`);
  const clock = new LateClock();
  const facts = new FactBook();
  const origin = { proxy: "jobs", activation: "a", profile: "a", phase: "p", fault: "f", type: typeName };
  const armed = new ArmedFault({
    key: "k",
    type,
    params: type.params.parse(raw) as Record<string, unknown>,
    directions: null,
    at: "",
    draws: { seed: 7, activation: "a", phase: "p", pass: 0, fault: "f", proxy: "jobs" },
    origin,
    admission: EVERYBODY,
    observe: false,
    book: new Book({ proxy: "jobs", profile: "a", fault: "f", type: typeName }, Object.keys(type.effects)),
    facts,
    clock,
  });
  const mistakes: unknown[] = [];
  const changes: Millis[] = [];
  const faults = new UpstreamsFaults(
    clock,
    pool,
    () => changes.push(clock.now()),
    (error) => mistakes.push(error),
  );
  faults.set([armed], new Set());
  clock.advance(LATE);
  const told = (): string[] =>
    facts
      .of("fault_hit")
      .map(({ effect, health_check }) => `${effect}${health_check === undefined ? "" : " by a check"}`);
  return { clock, faults, told, changes, mistakes };
}

describe.each<[string, string, Record<string, unknown>, string[]]>([
  [
    "flap",
    "went_down",
    { targets: ["a"], pattern: ["up 1s", "down 300ms"], existing: "cut" },
    ["failed by a check"],
  ],
  ["drain", "began", { targets: ["a"], after: "1s", grace: "1h" }, ["refused by a check"]],
])("%s, whose timer is late", (type, beginning, raw, coming) => {
  it("tells that it began before it tells what came of it, on the proxy, and once", () => {
    const { clock, faults, told, mistakes } = bound(type, raw);
    clock.advance(1_000 - LATE);
    expect(told()).toEqual([]);
    expect(faults.reach(a, CHECK).then).toEqual({ do: "refuse" });
    expect(told()).toEqual([beginning, ...coming]);
    clock.advance(LATE);
    expect(told()).toEqual([beginning, ...coming]);
    expect(mistakes).toEqual([]);
  });

  it("is noticed by whoever only chooses, and by whoever is asked about", () => {
    for (const asks of [
      (faults: UpstreamsFaults) => faults.candidates(pool, guest),
      (faults: UpstreamsFaults) => faults.existing(b, guest),
    ]) {
      const { clock, faults, told } = bound(type, raw);
      clock.advance(1_000 - LATE);
      asks(faults);
      expect(told()).toEqual([beginning]);
    }
  });
});

it("an outage that was over before the timer came is told once, and cuts what was open", () => {
  const { clock, faults, told, changes } = bound("flap", {
    targets: ["a"],
    pattern: ["up 1s", "down 10ms"],
    existing: "cut",
  });
  clock.advance(1_020 - LATE);
  expect(faults.reach(a, CHECK).then).toEqual({ do: "pass" });
  expect(told()).toEqual(["went_down"]);
  clock.advance(30);
  expect(changes.at(-1)).toBe(1_050);
  expect(faults.existing(a, guest)).toEqual({ do: "reset" });
  expect(told()).toEqual(["went_down", "ended"]);
});
