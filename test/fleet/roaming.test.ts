/** Who is told, at a switch of a fleet, that numbers are of each daemon by itself: of which faults, and because of whom. */
import { expect, it } from "vitest";
import { Library } from "../../src/config/library.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import type { FleetEntry, FleetLine } from "../../src/fleet/contract/journal.js";
import { numberedFaults, roamersIn, roamingWarnings } from "../../src/fleet/roaming.js";
import { compileProfile } from "../../src/plan/compile.js";
import { entry } from "./journal/batch.js";

const TYPES = new Map(FAULT_TYPES.map((type) => [type.type, type]));
const PROFILE = `
profile: x
faults:
  - { name: all, type: latency, delay: 1s }
  - { name: late, type: latency, delay: 1s, when: { after: 5s } }
  - { name: some, type: http_status, status: 503, when: { probability: 1% } }
  - { name: keyed, type: http_status, status: 503, when: { probability: 1% }, draw: { by: path } }
phases:
  - phase: first
    for: 1m
    faults: [{ name: third, type: lost_response, when: { skip: 1, every: 3 } }]
  - phase: then
    faults: [{ name: these, type: lost_response, when: { only: [2, 5], per: bot } }]
`;

function numbered(): ReadonlyMap<string, readonly string[]> {
  const library = new Library(TYPES);
  library.put(PROFILE);
  return numberedFaults([compileProfile("x", library, {}, TYPES)]);
}

const seen = (daemon: string, bot?: string): FleetEntry => ({
  ...entry(1, 0),
  daemon,
  life: "a",
  engine_time: null,
  ...(bot === undefined ? {} : { bot }),
});

it("is about faults that count, or draw by number", () => {
  expect(Object.fromEntries(numbered())).toEqual({
    some: ["probability"],
    third: ["skip", "every"],
    these: ["only"],
  });
});

it("is about bots that several daemons have seen, and nobody else", () => {
  const lines: readonly FleetLine[] = [
    seen("n1", "bot-1"),
    seen("n1", "bot-1"),
    seen("n2", "bot-2"),
    seen("n1", "bot-2"),
    ...["127.0.0.1", "::1"].flatMap((sidecar) => [seen("n1", sidecar), seen("n2", sidecar)]),
    seen("n2"),
    seen("n1"),
    { seq: 0, time: "2026-03-01T12:00:00.000Z", kind: "away", text: "nobody answers" },
  ];
  expect([...roamersIn(lines)].map(([bot, daemons]) => [bot, ...daemons])).toEqual([["bot-2", "n2", "n1"]]);
});

it("names a few bots and daemons, and says how many there are", () => {
  const roamers = roamersIn(
    [1, 2, 3, 4, 5].flatMap((n) => [seen("n1", `bot-${n}`), seen(`n${n + 1}`, `bot-${n}`)]),
  );
  expect(roamingWarnings(numbered(), roamers)).toEqual([
    "some: probability goes by numbers that each daemon counts for itself, and bot-1, bot-2, bot-3, 2 more lately came by several (n1, n2, n3, 3 more): draw: { by: … } names a key of the request instead",
    expect.stringMatching(/^third: skip and every go by numbers /u),
    expect.stringMatching(/^these: only goes by numbers /u),
  ]);
});

it("is silent where nobody roams, and where nothing goes by numbers", () => {
  expect(roamingWarnings(numbered(), roamersIn([seen("n1", "bot-1")]))).toEqual([]);
  expect(roamingWarnings(new Map(), roamersIn([seen("n1", "bot-1"), seen("n2", "bot-1")]))).toEqual([]);
});
