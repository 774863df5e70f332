/** A journal's file, read back. */
import { describe, expect, it } from "vitest";
import { SquallError } from "../../../src/core/errors.js";
import { readJournal } from "../../../src/sweep/record/journal-file.js";
import { jsonLine } from "../../../src/telemetry/entry.js";
import { SAMPLES } from "../../telemetry/samples.js";

const TIME = "2026-03-01T14:03:07.120Z";
const line = (seq: number, fact: object = SAMPLES.mark): string =>
  `${jsonLine({ seq, time: TIME, ...fact })}\n`;
const all = Object.values(SAMPLES).filter(({ kind }) => kind !== "plan_changed" && kind !== "mistake");

function refusal(text: string): SquallError {
  try {
    readJournal(text, "run.jsonl");
  } catch (error) {
    if (error instanceof SquallError) return error;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a file of a journal", () => {
  it("gives every kind of entry as it was written", () => {
    const text = all.map((fact, index) => line(index + 1, fact)).join("");
    const { entries, lost, earlier, torn } = readJournal(text, "run.jsonl");
    expect(entries.map(({ kind }) => kind)).toEqual(all.map(({ kind }) => kind));
    expect([lost, earlier, torn]).toEqual([0, 0, false]);
  });

  it("counts entries that are missing, and leaves out a line that was not written to its end", () => {
    const { entries, lost, torn } = readJournal(`${line(3)}${line(4)}\n${line(9)}{"seq":10,"ti`, "run.jsonl");
    expect(entries.map(({ seq }) => seq)).toEqual([3, 4, 9]);
    expect([lost, torn]).toEqual([4, true]);
  });

  it("gives the last life of the daemon, where several have written there", () => {
    const { entries, lost, earlier } = readJournal(
      [line(1), line(5), line(1), line(2)].join(""),
      "run.jsonl",
    );
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2]);
    expect([lost, earlier]).toEqual([0, 1]);
  });

  it.each<[string, string, string]>([
    ["what is no JSON", "profile: x\nfaults: []\n", "run.jsonl:1: expected one JSON object a line"],
    ["a list", `${line(1)}[1]\n${line(2)}`, "run.jsonl:2: expected a JSON object"],
    ["no number", `{"time":"${TIME}","kind":"mark"}\n`, 'run.jsonl:1: expected "seq", a number from 1'],
    ["no time", `{"seq":1,"time":"noon","kind":"mark"}\n`, 'run.jsonl:1: expected "time", such as'],
    ["no kind", `{"seq":1,"time":"${TIME}"}\n`, 'run.jsonl:1: expected "kind"'],
    [
      "an exchange without its end",
      line(1, { ...SAMPLES.exchange_over, end: "over" }),
      'run.jsonl:1: exchange_over without a right "end"',
    ],
    [
      "an exchange with half of what was seen",
      line(1, { ...SAMPLES.exchange_over, seen: { at: 1, over: 2 } }),
      'run.jsonl:1: exchange_over without a right "seen"',
    ],
    [
      "a hit on nobody",
      line(1, { ...SAMPLES.fault_hit, bot: undefined }),
      'run.jsonl:1: fault_hit without a right "bot"',
    ],
    [
      "a connection without its bytes",
      line(1, { ...SAMPLES.connection_over, seen: { at: 1, over: 2 } }),
      'run.jsonl:1: connection_over without a right "seen"',
    ],
  ])("is refused with %s, by its line", (_what, text, message) => {
    const error = refusal(text);
    expect(error.code).toBe("SQ_INVALID_JOURNAL");
    expect(error.message).toContain(message);
    expect(error.details?.[0]?.file).toBe("run.jsonl");
  });

  it("tells of the first ten lines that are wrong, and no more", () => {
    expect(refusal("nothing\n".repeat(50)).details).toHaveLength(10);
  });

  it("is refused without an entry", () => {
    expect(refusal("\n").message).toBe("run.jsonl has no entry");
  });
});
