/** An armed fault: whom it hits, with which draws, and what it books and tells. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { VirtualClock } from "../../src/core/clock.js";
import { Book } from "../../src/core/ledger.js";
import { admissionDraw, drawKey, LANE, Random } from "../../src/core/random.js";
import { defineFault, type AnyFaultType } from "../../src/faults/contract/index.js";
import { ArmedFault, BOTS_REMEMBERED, type Admission } from "../../src/pipeline/armed.js";
import { type SubjectInfo } from "../../src/pipeline/subject-info.js";
import { EVERYBODY } from "../support/everybody.js";
import { FactBook } from "../support/lab.js";

const plain: AnyFaultType = defineFault({
  type: "test",
  summary: "",
  params: z.object({}),
  example: {},
  effects: { hit: "", other: "" },
  directions: "both",
  explain: () => "",
});

const names = { seed: 7, activation: "a", phase: "p", pass: 2, fault: "f", proxy: "jobs" };
const subject = (bot: string, connection = 1): SubjectInfo => ({ bot, connection, client: bot });

function arm(
  admission: Admission = EVERYBODY,
  observe = false,
  type: AnyFaultType = plain,
): { armed: ArmedFault; facts: FactBook; book: Book } {
  const facts = new FactBook();
  const book = new Book({ proxy: "jobs", profile: "a", fault: "f", type: "test" }, Object.keys(type.effects));
  const armed = new ArmedFault({
    key: "k",
    type,
    params: { delay: 5, optional: 1 },
    directions: "downstream",
    at: "",
    draws: names,
    origin: { proxy: "jobs", activation: "a", profile: "a", phase: "p", fault: "f", type: "test" },
    admission,
    observe,
    book,
    facts,
    clock: new VirtualClock(),
  });
  return { armed, facts, book };
}

describe("an armed fault", () => {
  it("tells as many hits on a subject as its type has entries, those with a detail, and then the total", () => {
    const { armed, facts } = arm(EVERYBODY, false, { ...plain, entries: 3 });
    const hit = armed.admit(subject("x"));
    hit?.count("hit", 1, { text: "first" });
    hit?.count("hit");
    hit?.count("hit", 1, { text: "third" });
    hit?.count("hit", 1, { text: "fourth" });
    hit?.count("hit", 1, { text: "fifth" });
    hit?.count("other");
    hit?.finished();
    expect(
      facts.all.map((fact) =>
        fact.kind === "fault_hit"
          ? (fact.detail ?? fact.effect)
          : fact.kind === "fault_total" && fact.effects,
      ),
    ).toEqual([{ text: "first" }, { text: "third" }, { text: "fourth" }, "other", { hit: 5, other: 1 }]);
  });

  it("draws by name and by the bot's own count, whatever the others do", () => {
    const draws: Record<string, number[]> = {};
    const { armed } = arm({
      ...EVERYBODY,
      fires: ({ bot }, draw) => {
        (draws[bot] ??= []).push(draw());
        return true;
      },
    });
    for (const bot of ["x", "y", "y", "x", "z", "y", "x"]) armed.admit(subject(bot));
    for (const [bot, seen] of Object.entries(draws)) {
      const key = drawKey({ ...names, bot });
      expect(seen).toEqual(seen.map((_, ordinal) => admissionDraw(key, ordinal)));
    }
  });

  it("counts a bot's matching subjects, and those alone", () => {
    let draws: number[] = [];
    const { armed, book } = arm({
      ...EVERYBODY,
      mayMatch: ({ connection }) => connection % 2 === 0,
      matches: ({ connection }) => connection % 2 === 0,
      fires: (_, draw) => {
        draws.push(draw());
        return false;
      },
      evicted: 0,
    });
    for (let connection = 1; connection <= 6; connection++) armed.admit(subject("x", connection));
    const key = drawKey({ ...names, bot: "x" });
    expect(draws).toEqual([0, 1, 2].map((ordinal) => admissionDraw(key, ordinal)));
    expect([book.subjects, book.matched, book.hits]).toEqual([6, 3, 0]);
    draws = [];
  });

  it("gives a subject draws of its own, apart from `probability` and from each direction's bytes", () => {
    const { armed } = arm();
    armed.admit(subject("x"));
    const second = armed.admit(subject("x"))!;
    const key = drawKey({ ...names, bot: "x" });
    expect(second.random.unit()).toBe(new Random(key, 1, LANE.subject).unit());
    expect(second.forDirection("upstream").random.unit()).toBe(new Random(key, 1, LANE.upstream).unit());
    expect(second.forDirection("downstream").random.unit()).toBe(new Random(key, 1, LANE.downstream).unit());
  });

  it("forgets the bot it has not seen for longest, and says how many it has forgotten", () => {
    const { armed, book } = arm();
    for (let bot = 0; bot < BOTS_REMEMBERED + 3; bot++) armed.admit(subject(`bot-${bot}`));
    expect(book.evicted).toBe(3);
  });

  it("tells the first of each effect with its detail, and the total at the end", () => {
    const { armed, facts, book } = arm();
    const hit = armed.admit(subject("x", 9))!;
    hit.count("hit", 1, { at_byte: 3 });
    hit.count("hit", 2);
    hit.forDirection("upstream").count("other");
    hit.count("other", 5);
    hit.finished();
    const origin = {
      proxy: "jobs",
      activation: "a",
      profile: "a",
      phase: "p",
      fault: "f",
      type: "test",
      bot: "x",
      connection: 9,
    };
    expect(facts.all).toEqual([
      { kind: "fault_hit", ...origin, effect: "hit", amount: 1, detail: { at_byte: 3 } },
      { kind: "fault_hit", ...origin, effect: "other", amount: 1 },
      { kind: "fault_total", ...origin, effects: { hit: 3, other: 6 } },
    ]);
    expect([book.hits, book.effects]).toEqual([1, { hit: 3, other: 6 }]);
  });

  it("tells no total that says nothing new, and nothing at all of a subject that was let be", () => {
    const { armed, facts } = arm();
    const once = armed.admit(subject("x"))!;
    once.count("hit");
    once.finished();
    armed.admit(subject("x"))!.finished();
    expect(facts.all.map(({ kind }) => kind)).toEqual(["fault_hit"]);
  });

  it("in observe mode books and tells whom it would have hit, and touches nobody", () => {
    const { armed, facts, book } = arm(EVERYBODY, true);
    const hit = armed.admit(subject("x"))!;
    armed.admit(subject("y"))!.finished();
    hit.count("hit", 5, { bytes: 3 });
    hit.count("other");
    hit.delayed(10);
    hit.finished();
    expect(facts.all).toMatchObject([
      { effect: "observed", observed: true, bot: "x", detail: { would: "hit", bytes: 3 } },
    ]);
    expect([book.hits, book.effects, book.delaySumSeconds, hit.touched]).toEqual([
      1,
      { hit: 0, other: 0 },
      0,
      false,
    ]);
  });

  it("numbers a subject when it begins and not when its answer has come, if that must be known", () => {
    const statuses = new Map<SubjectInfo, number>();
    const draws: number[] = [];
    const { armed } = arm({
      ...EVERYBODY,
      needsStatus: true,
      matches: (info) => statuses.get(info) === 500,
      fires: (_, draw) => draws.push(draw()) > 0,
    });
    const [first, second, third] = [1, 2, 3].map((connection) => subject("x", connection));
    for (const info of [first!, second!, third!]) armed.number(info);
    // The first got no answer of its upstream's, and the last is answered before the second.
    for (const info of [third!, second!]) {
      statuses.set(info, 500);
      armed.admit(info);
    }
    const key = drawKey({ ...names, bot: "x" });
    expect(draws).toEqual([2, 1].map((ordinal) => admissionDraw(key, ordinal)));
  });

  it("shows new parameters behind the same object, and takes back those that are not given any more", () => {
    const { armed } = arm();
    const live = armed.admit(subject("x"))!.params;
    const ramp = Object.defineProperty({ delay: 8 }, "rate", {
      get: () => 42,
      enumerable: true,
      configurable: true,
    });
    armed.assign(ramp, "upstream", EVERYBODY);
    expect(live).toEqual({ delay: 8, rate: 42 });
    armed.assign({ delay: 9, rate: 1 }, "upstream", EVERYBODY);
    expect(live).toEqual({ delay: 9, rate: 1 });
    expect([armed.actsOn("upstream"), armed.actsOn("downstream")]).toEqual([true, false]);
  });
});
