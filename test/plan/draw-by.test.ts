/** `draw`: a request meets the same faults on whatever daemon it comes by, in whatever order. */
import { describe, expect, it } from "vitest";
import { drawKey, admissionDraw, keyedDrawKey, LANE, Random } from "../../src/core/random.js";
import { hashOf } from "../../src/core/digest.js";
import type { Seam } from "../../src/faults/contract/index.js";
import type { ArmedFault } from "../../src/pipeline/armed.js";
import { ATTEMPTS_REMEMBERED, KeyedDraws } from "../../src/pipeline/keyed-draws.js";
import type { SubjectInfo } from "../../src/pipeline/subject-info.js";
import type { PlanTarget } from "../../src/plan/targets.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { exchangeSubject } from "../support/exchange-subject.js";
import { DatagramBench } from "../support/datagram-bench.js";
import { fault, timeLab, type Lab } from "../support/lab.js";
import { scaled } from "../support/scope.js";

const SEED = 7;
/** Random ones of requests to daemons. */
const ASSIGNMENTS = scaled(4, 50);
const busy = (rest: Partial<CompiledFault>): CompiledFault =>
  fault("http_status", { status: 503 }, { name: "busy", when: { probability: 0.3 }, ...rest });

/** A daemon as far as its plan goes: an http proxy that is asked about requests. */
class Daemon implements PlanTarget {
  readonly name = "jobs";
  readonly seams: ReadonlySet<Seam> = new Set(["listener", "connection", "stream", "exchange"]);
  readonly except = [];
  readonly lab: Lab = timeLab().lab;
  faults: readonly ArmedFault[] = [];

  constructor(faults: readonly CompiledFault[]) {
    this.lab.plan.attach(this);
    this.lab.use(faults, { seed: SEED });
  }

  apply(faults: readonly ArmedFault[]): void {
    this.faults = faults;
  }

  /** The first draw of the fault itself, of a request that it hits; null where it lets it be. */
  fate(subject: SubjectInfo): number | null {
    return this.faults[0]?.admit(subject)?.random.unit() ?? null;
  }

  get warnings(): readonly string[] {
    this.lab.heal();
    return this.lab.facts.of("activation_ended").flatMap(({ warnings }) => warnings);
  }

  get keyless(): number {
    return [...this.lab.ledger.books()].reduce((sum, book) => sum + book.keyless, 0);
  }
}

interface Sketch {
  readonly bot: string;
  readonly key: string;
}

const asked = ({ bot, key }: Sketch): SubjectInfo =>
  exchangeSubject({
    bot,
    method: "POST",
    path: `/jobs/${key}`,
    headers: { "idempotency-key": [key] },
    body: `{"job":"${key}"}`,
  });

const REQUESTS: readonly Sketch[] = ["bot-1", "bot-2", "bot-ä"].flatMap((bot) =>
  Array.from({ length: scaled(30, 60) }, (_, n) => ({ bot, key: `order-${n}` })),
);

/** What became of each request, by bot and key, with the fault's own draw. */
function fates(draw: CompiledFault["draw"], daemons: number, dice: Random): Map<string, number | null> {
  const fleet = Array.from({ length: daemons }, () => new Daemon([busy(draw === undefined ? {} : { draw })]));
  const shuffled = REQUESTS.map((one) => ({ one, at: dice.unit() })).sort((a, b) => a.at - b.at);
  return new Map(
    shuffled.map(({ one }) => {
      const daemon = fleet[dice.integer(daemons)];
      return [`${one.bot} ${one.key}`, daemon?.fate(asked(one)) ?? null];
    }),
  );
}

const dice = (assignment: number): Random => new Random({ high: assignment, low: 77 }, 0, LANE.subject);
const sorted = (met: Map<string, number | null>): readonly unknown[] =>
  [...met].sort(([a], [b]) => (a < b ? -1 : 1));

describe("a fleet of daemons between which bots roam", () => {
  it.each(["header:idempotency-key", "path", "body"])(
    "hits the same requests in any random assignment, by %s",
    (by) => {
      const alone = sorted(fates({ by }, 1, dice(0)));
      for (let assignment = 1; assignment <= ASSIGNMENTS; assignment++)
        expect(sorted(fates({ by }, 2 + (assignment % 5), dice(assignment)))).toEqual(alone);
      const hits = alone.filter((one) => (one as [string, number | null])[1] !== null).length;
      // Give or take four standard deviations.
      const { length } = REQUESTS;
      expect(Math.abs(hits - 0.3 * length)).toBeLessThan(4 * Math.sqrt(length * 0.3 * 0.7));
    },
  );

  it("hits others in each assignment where nothing but the number names the draw", () => {
    const alone = sorted(fates(undefined, 1, dice(0)));
    expect(sorted(fates(undefined, 3, dice(1)))).not.toEqual(alone);
  });
});

describe("draw.by", () => {
  const by = "header:idempotency-key";
  const name = {
    seed: SEED,
    activation: "test",
    phase: "",
    pass: 0,
    fault: "busy",
    proxy: "jobs",
    bot: "bot-1",
  };

  it("names the draws by the hash of the key in place of the number, and lets a retry meet the same", () => {
    const daemon = new Daemon([busy({ draw: { by } })]);
    for (const key of Array.from({ length: 40 }, (_, n) => `order-${n}`)) {
      const made = keyedDrawKey({ ...name, by, key: hashOf(key) });
      const expected = admissionDraw(made, 0) < 0.3 ? new Random(made, 0, LANE.subject).unit() : null;
      for (let attempt = 0; attempt < 3; attempt++)
        expect(daemon.fate(asked({ bot: "bot-1", key }))).toBe(expected);
    }
  });

  it("draws a delay for each key by itself, and none that resembles the one before it on this daemon", () => {
    const alikes = (keys: readonly string[]): Map<string, number | undefined> => {
      const daemon = new Daemon([busy({ draw: { by }, when: {} })]);
      return new Map(
        keys.map((key) => [key, daemon.faults[0]?.admit(asked({ bot: "bot-1", key }))?.alike(0)] as const),
      );
    };
    const keys = ["a", "b", "c", "d"];
    const forth = alikes(keys);
    expect([...alikes(keys.toReversed())].reverse()).toEqual([...forth]);
    expect(new Set(forth.values()).size).toBe(keys.length);
  });

  it("draws each attempt anew where it is told so, counted for each key and bot", () => {
    const daemon = new Daemon([busy({ draw: { by, attempt: true } })]);
    for (const bot of ["bot-1", "bot-2"])
      for (const key of ["a", "b"]) {
        const made = keyedDrawKey({ ...name, bot, by, key: hashOf(key) });
        const expected = Array.from({ length: 20 }, (_, n) =>
          admissionDraw(made, n) < 0.3 ? new Random(made, n, LANE.subject).unit() : null,
        );
        expect(Array.from({ length: 20 }, () => daemon.fate(asked({ bot, key })))).toEqual(expected);
        expect(new Set(expected).size).toBeGreaterThan(1);
      }
  });

  it("forgets the attempts of the key that was not used for longest, and says so", () => {
    let evicted = 0;
    const draws = new KeyedDraws(name, () => evicted++);
    const draw = { by, attempt: true, keyOf: ({ bot }: SubjectInfo) => bot };
    const attempt = (key: string): number | undefined =>
      draws.lotOf(draw, { bot: key, connection: 1, client: "" }, null)?.by.attempt;
    expect([attempt("first"), attempt("first")]).toEqual([1, 2]);
    for (let n = 0; n < ATTEMPTS_REMEMBERED; n++) attempt(String(n));
    expect([attempt("first"), evicted]).toEqual([1, 2]);
  });

  it("draws by the number who has no such key, counts that, and warns of it at the end", () => {
    const daemon = new Daemon([busy({ draw: { by } })]);
    const bare = (headers = {}): SubjectInfo => exchangeSubject({ bot: "bot-1", headers });
    const numbered = drawKey(name);
    for (let n = 0; n < 20; n++) {
      const expected = admissionDraw(numbered, n) < 0.3 ? new Random(numbered, n, LANE.subject).unit() : null;
      expect(daemon.fate(bare(n % 2 === 0 ? {} : { "idempotency-key": [""] }))).toBe(expected);
    }
    daemon.fate(asked({ bot: "bot-1", key: "a" }));
    expect(daemon.keyless).toBe(20);
    expect(daemon.warnings).toContain(
      "busy: 20 of 21 had no header idempotency-key to be drawn by, and were drawn by their numbers",
    );
  });

  it("tells the hash of the key with a hit, and never the key", () => {
    const daemon = new Daemon([busy({ draw: { by, attempt: true }, when: {} })]);
    const secret = exchangeSubject({ bot: "bot-1", headers: { "idempotency-key": ["s3cret"] } });
    daemon.faults[0]?.admit(secret)?.count("answered");
    daemon.faults[0]?.admit(exchangeSubject({ bot: "bot-1" }))?.count("answered");
    const hits = daemon.lab.facts.of("fault_hit");
    expect(hits.map(({ draw }) => draw)).toEqual([
      { by, key: hashOf("s3cret"), attempt: 1 },
      { by, key: null },
    ]);
    expect(JSON.stringify(hits)).not.toContain("s3cret");
  });

  it("knows the key from the begin of a request that waits for its status", () => {
    const fate = (forget: boolean): number | null => {
      const daemon = new Daemon([busy({ draw: { by: "body" }, match: [{ status: ["200"] }], when: {} })]);
      const { exchange, ...rest } = asked({ bot: "bot-1", key: "a" });
      if (exchange === undefined) return null;
      const late = {
        ...exchange,
        status: null as number | null,
        bodyAhead: (): Buffer | null => exchange.bodyAhead?.() ?? null,
      };
      const subject = { ...rest, exchange: late };
      daemon.faults[0]?.number(subject);
      late.status = 200;
      if (forget) late.bodyAhead = () => null;
      return daemon.fate(subject);
    };
    const body = '{"job":"a"}';
    const made = keyedDrawKey({ ...name, by: "body", key: hashOf(body, String(body.length)) });
    const expected = new Random(made, 0, LANE.subject).unit();
    expect([fate(true), fate(false)]).toEqual([expected, expected]);
  });

  it("costs a fault without it nothing but a look: its draws are those of its numbers", () => {
    const daemon = new Daemon([busy({})]);
    const numbered = drawKey(name);
    for (let n = 0; n < 20; n++)
      expect(daemon.fate(asked({ bot: "bot-1", key: "a" })) !== null).toBe(admissionDraw(numbered, n) < 0.3);
    expect(daemon.keyless).toBe(0);
  });
});

describe("draw.by of datagrams", () => {
  const TEXTS = Array.from({ length: 60 }, (_, n) => `datagram ${n} ${"x".repeat(n)}`);

  /** What became of each: what went out for it, and how much later. */
  function run(
    faults: readonly CompiledFault[],
    order: readonly string[],
  ): Record<string, readonly string[]> {
    const bench = new DatagramBench(faults);
    const met: Record<string, readonly string[]> = {};
    for (const text of order) {
      // All on one flow: what was drawn for the one before must not count.
      const flow = bench.flows[0] ?? bench.flow();
      const from = flow.out.length;
      const sent = bench.time.now() - bench.began;
      flow.push(text);
      bench.time.advance(1_000);
      met[text] = flow.out.slice(from).map(({ text: out, at }) => `${out} +${(at - sent).toFixed(6)}`);
    }
    return met;
  }

  const keyed = { draw: { by: "body" }, directions: "both" } as const;

  it.each([
    ["latency", { delay: "50ms", jitter: "40ms" }, { probability: 0.5 }],
    ["corrupt", { rate: "5%" }, {}],
    ["duplicate", { share: "40%" }, {}],
    ["reorder", { share: "40%", within: "5ms" }, {}],
  ])("makes of each the same in any order: %s", (type, params, when) => {
    const faults = [fault(type, params, { ...keyed, when })];
    const forth = run(faults, TEXTS);
    expect(run(faults, TEXTS.toReversed())).toEqual(forth);
    expect(new Set(Object.values(forth).map((out) => JSON.stringify(out))).size).toBeGreaterThan(10);
    expect(
      Object.entries(forth).some(([text, out]) => out.length !== 1 || out[0] !== `${text} +0.000000`),
    ).toBe(true);
  });

  it("tells with the first hit of a flow by what it was drawn", () => {
    const bench = new DatagramBench([fault("latency", { delay: "50ms" }, keyed)]);
    bench.flow().push("hello");
    expect(bench.lab.facts.of("fault_hit")[0]?.draw).toEqual({ by: "body", key: hashOf("hello", "5") });
  });
});
