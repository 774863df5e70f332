/** The gate as transcripts: who is asked when, on a clock that moves when told. */
import { describe, expect, it } from "vitest";
import { VirtualClock, type Clock, type Timer } from "../../src/core/clock.js";
import {
  close,
  hang,
  hold,
  pass,
  reset,
  wait,
  type ConnectionFault,
  type GateVerdict,
  type Sever,
} from "../../src/faults/contract/index.js";
import { Gate } from "../../src/pipeline/gate.js";

/** A fault that answers from a list, the last one again and again. */
interface Scripted extends ConnectionFault {
  readonly name: string;
  answers: GateVerdict[];
}

const scripted = (name: string, ...answers: GateVerdict[]): Scripted => ({ name, answers, wakeAt: Infinity });

class Bench {
  readonly time = new VirtualClock();
  readonly lines: string[] = [];
  readonly gate: Gate<ConnectionFault, Sever>;

  constructor(faults: readonly Scripted[], clock?: Clock) {
    this.gate = new Gate<ConnectionFault, Sever>({
      clock: clock ?? this.time,
      faults,
      question: (fault) => {
        const { name, answers } = fault as Scripted;
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        this.lines.push(`${this.time.now()} ${name} ${answer?.do ?? "has no opinion"}`);
        return answer;
      },
      done: (outcome) => this.lines.push(`${this.time.now()} ${outcome.do}`),
    });
    this.gate.step();
  }
}

describe("a gate", () => {
  it("opens at once when all pass, and asks each once, in order", () => {
    const { lines, time } = new Bench([scripted("a", pass), scripted("b"), scripted("c", pass)]);
    expect(lines).toEqual(["0 a pass", "0 b has no opinion", "0 c pass", "0 pass"]);
    expect(time.idle).toBe(true);
  });

  it("adds holds up: the next is asked when the one before it is over", () => {
    const { lines, time } = new Bench([
      scripted("a", hold(200)),
      scripted("b", hold(300)),
      scripted("c", pass),
    ]);
    time.advance(1_000);
    expect(lines).toEqual(["0 a hold", "200 b hold", "500 c pass", "500 pass"]);
  });

  it.each([reset, close])("lets the first final verdict win, after the holds before it (%o)", (final) => {
    const { lines, time } = new Bench([
      scripted("a", hold(2_000)),
      scripted("b", final),
      scripted("c", hold(1)),
    ]);
    time.advance(10_000);
    expect(lines).toEqual(["0 a hold", `2000 b ${final.do}`, `2000 ${final.do}`]);
    expect(time.idle).toBe(true);
  });

  it("asks again after a wait when the fault wants it, and not before", () => {
    const waiting = scripted("a", wait, wait, pass);
    const { gate, lines, time } = new Bench([waiting, scripted("b", pass)]);
    time.advance(1_000_000);
    gate.attend(waiting);
    gate.attend(waiting);
    expect(lines).toEqual(["0 a wait", "1000000 a wait", "1000000 a pass", "1000000 b pass", "1000000 pass"]);
  });

  it("takes no notice of faults that ask for attention when it is not their turn", () => {
    const other = scripted("b", pass);
    const { gate, lines } = new Bench([scripted("a", wait), other]);
    gate.attend(other);
    expect(lines).toEqual(["0 a wait"]);
  });

  it("counts from the beginning of a hold when that is made longer, shorter or over", () => {
    const holding = scripted("a", hold(100));
    const { gate, lines, time } = new Bench([holding]);
    time.advance(50);
    holding.answers = [hold(300)];
    gate.attend(holding);
    time.advance(249);
    expect(lines.at(-1)).toBe("50 a hold");
    holding.answers = [hold(299)];
    gate.attend(holding);
    time.advance(0);
    expect(lines.slice(-2)).toEqual(["299 a hold", "299 pass"]);
  });

  it("asks a hold that has become a refusal once more, and heeds it", () => {
    const holding = scripted("a", hold(100));
    const { gate, lines } = new Bench([holding]);
    holding.answers = [reset];
    gate.attend(holding);
    expect(lines.at(-1)).toBe("0 reset");
  });

  it.each([hang, wait, hold(60_000)])("moves on when the fault that keeps it goes (%o)", (answer) => {
    const staying = scripted("b", pass);
    const { gate, lines, time } = new Bench([scripted("a", answer), staying]);
    time.advance(10);
    gate.changed([staying]);
    expect(lines.slice(1)).toEqual(["10 b pass", "10 pass"]);
    expect(time.idle).toBe(true);
  });

  it("asks a fault that comes while it is held, wherever it stands, and nobody twice", () => {
    const a = scripted("a", pass);
    const b = scripted("b", hold(100));
    const { gate, lines, time } = new Bench([a, b]);
    gate.changed([scripted("early", hold(5)), a, b, scripted("late", pass)]);
    time.advance(1_000);
    expect(lines).toEqual(["0 a pass", "0 b hold", "100 early hold", "105 late pass", "105 pass"]);
  });

  it("stays held when others go", () => {
    const a = scripted("a", hold(100));
    const { gate, lines, time } = new Bench([a, scripted("b", reset)]);
    gate.changed([a]);
    time.advance(100);
    expect(lines).toEqual(["0 a hold", "100 pass"]);
  });

  it("says nothing more once it is cancelled, and leaves no timer", () => {
    const a = scripted("a", hold(100));
    const { gate, lines, time } = new Bench([a]);
    gate.cancel();
    gate.attend(a);
    gate.changed([]);
    time.advance(1_000);
    expect(lines).toEqual(["0 a hold"]);
    expect(time.idle).toBe(true);
  });

  it("says its outcome once", () => {
    const a = scripted("a", pass);
    const { gate, lines } = new Bench([a]);
    gate.attend(a);
    gate.changed([]);
    gate.changed([scripted("b", reset)]);
    expect(lines).toEqual(["0 a pass", "0 pass"]);
  });

  it("holds until the clock says so, however early a timer fires", () => {
    const runs: (() => void)[] = [];
    let now = 0;
    const early: Clock = {
      now: () => now,
      wallTime: () => now,
      at: (_, run): Timer => {
        runs.push(run);
        return { cancel: () => undefined };
      },
      exactly: (when, run): Timer => early.at(when, run),
    };
    const { lines } = new Bench([scripted("a", hold(100))], early);
    now = 99.2;
    runs.shift()!();
    expect(lines).toEqual(["0 a hold"]);
    now = 100;
    runs.shift()!();
    expect(lines).toEqual(["0 a hold", "0 pass"]);
  });
});
