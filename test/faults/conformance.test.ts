/** What every type of fault keeps to, whoever wrote it: each is held to the contract, with several settings. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { VirtualClock } from "../../src/core/clock.js";
import { DIRECTIONS, SEAMS, type AnyFaultType, type StreamStage } from "../../src/faults/contract/index.js";
import { FAULT_TYPES } from "../../src/faults/kinds/index.js";
import { quantityOf } from "../../src/faults/params.js";
import { sample, scaled, WHOLE } from "../support/scope.js";
import { play, randomOf, script } from "../support/scripted-traffic.js";
import { expectTheSame } from "../support/shifted.js";
import { StreamBench, type Placed, type Raw } from "../support/stream-bench.js";

const KINDS = new URL("../../src/faults/kinds/", import.meta.url);

/** Settings that reach the corners of each type, besides its example. */
const SETTINGS: Readonly<Record<string, readonly Raw[]>> = {
  latency: [
    { delay: "0ms" },
    { delay: "20ms", jitter: "20ms", distribution: "pareto", correlation: "50%" },
    { delay: "1s", window: "1KiB" },
  ],
  bandwidth: [
    { rate: "0B/s" },
    { rate: "20kB/s", burst: "5kB", shared: "proxy" },
    { rate: "1B/s" },
    { rate: "1GB/s", burst: "0B" },
  ],
  packet_loss: [
    { loss: "0%" },
    { loss: "0%", rtt: "50ms" },
    { loss: "100%", rtt: "20ms" },
    { loss: "30%", burst: 4, rtt: "10ms", congestion: "reno", tick: "0ms" },
    { loss: "50%", congestion: "none", window: "8KiB", handshake: false },
    { loss: "1%", good_for: "100ms", bad_for: "50ms", rtt: "5ms", delayed_ack: "0ms" },
    { loss: "20%", good_for: "1s", bad_for: "20ms", timing: "fixed", mss: "100B", initial_window: 1 },
  ],
  slicer: [{ size: "1KiB" }, { size: "7B", variation: "6B", gap: "30us" }],
  corrupt: [{ rate: "0%" }, { rate: "100%", bits: 8 }, { rate: "2%", bits: 3 }],
  truncate: [{ after: "0B" }, { after: "3KiB" }, { after: "700B", then: "hang" }],
  cut: [
    { after: "0ms", then: "hang" },
    { after: "2KiB", then: "hang" },
    { after: "100ms", then: "close" },
    { after: "1KiB" },
  ],
  blackhole: [{}, { part: "0%" }],
  timeout: [{}, { after: "0ms" }, { after: "150ms" }, { after: "20ms", since: "last_byte" }],
  reset: [
    {},
    { after: "200ms" },
    { after: "10KiB" },
    { after: "150ms", meanwhile: "swallow" },
    { after: "3KiB", meanwhile: "swallow" },
  ],
  slow_close: [{ delay: "0ms" }, { delay: "20ms" }],
  half_open: [],
  idle_kill: [{ after: "50ms", how: "silent" }, { after: "50ms", how: "reset" }, { after: "10s" }],
  down: [
    { existing: "keep", refuse: "close" },
    { existing: "close", refuse: "reset" },
  ],
  accept_delay: [{ delay: "0ms" }, { delay: "1s", jitter: "1s", distribution: "normal" }],
  connection_limit: [{ max: 0 }, { max: 1, queue: 1, on_full: "hang" }],
  // Each byte on a line of its own is an event: a hundred thousand of them where all is walked.
  slow_headers: [{ gap: WHOLE ? "10us" : "5ms" }, { gap: "30s" }],
  noop: [],
};

/** Those that act on connections and bytes; those with other subjects have files of their own next to this one. */
const BYTE_TYPES = FAULT_TYPES.filter(
  ({ exchange, listener, connection, stream }) =>
    exchange === undefined && [listener, connection, stream].some((seam) => seam !== undefined),
);

const ALL_CASES = BYTE_TYPES.flatMap((type) =>
  [exampleOf(type), ...(SETTINGS[type.type] ?? [])].map((raw) => ({ type, name: type.type, raw })),
);
const CASES = sample(ALL_CASES, 2, ({ name }) => name);
const SEEDS = sample([1, 2, 3], 1);

function exampleOf(type: AnyFaultType): Raw {
  const { type: _type, ...raw } = type.example;
  return raw;
}

function place(
  bench: StreamBench,
  type: AnyFaultType,
  raw: Raw,
  around?: (stage: StreamStage) => StreamStage,
): Placed {
  // Acting in both directions where it can, and on a connection that is open already.
  const direction = type.directions === null ? {} : ({ direction: "both" } as const);
  return bench.place(type.type, raw, { ...direction, live: true, ...(around ? { around } : {}) });
}

function healthy(bench: StreamBench): void {
  expect(bench.failures).toEqual([]);
  for (const direction of DIRECTIONS) expect(bench.unaccounted(direction)).toBe(0);
}

/** Plays a script to its end and far beyond. */
function run(
  type: AnyFaultType,
  raw: Raw,
  seed: number,
  disturb?: (bench: StreamBench, placed: Placed) => void,
  around?: (stage: StreamStage, bench: StreamBench) => StreamStage,
  uptime = 0,
): StreamBench {
  const bench = new StreamBench({ clock: new VirtualClock(uptime) });
  const placed = place(bench, type, raw, around && ((stage) => around(stage, bench)));
  disturb?.(bench, placed);
  for (const step of script(seed, 60)) {
    play(bench, step);
    healthy(bench);
  }
  bench.clock.advance(100_000);
  healthy(bench);
  return bench;
}

/** Hours: a zero that stands for "no time yet" would be that long ago. Longer, and gaps of microseconds would be rounded. */
const UPTIME = 2 ** 24;

/** What came out, when since the beginning, and what is in the books. */
function told(bench: StreamBench, uptime: number): string[] {
  const { counts, details, delays } = bench.placed[0]?.armed ?? {};
  // The order of the two directions within one moment is not the stages' to keep.
  const lines = DIRECTIONS.flatMap((direction) => bench.transcript(direction));
  const out = lines.map((line) => line.replace(/^\S+/u, (at) => String(Number(at) - uptime)));
  return [...out, JSON.stringify(counts), JSON.stringify(details), JSON.stringify(delays)];
}

describe("the list of types", () => {
  it("has one line for each file", async () => {
    const files = readdirSync(KINDS, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && file !== "index.ts")
      .map((file) => import(new URL(file, KINDS).href) as Promise<{ default: AnyFaultType }>);
    const types = (await Promise.all(files)).map((file) => file.default);
    expect(types.map(({ type }) => type).sort()).toEqual(FAULT_TYPES.map(({ type }) => type).sort());
    for (const type of types) expect(FAULT_TYPES).toContain(type);
  });

  it("has settings here for each", () => {
    expect(Object.keys(SETTINGS).sort()).toEqual(BYTE_TYPES.map(({ type }) => type).sort());
  });
});

describe.each(FAULT_TYPES.map((type) => [type.type, type] as const))("%s, as a description", (name, type) => {
  it("has an example of its own type that parses", () => {
    expect(type.example["type"]).toBe(name);
    const parsed = type.params.strict().safeParse(exampleOf(type));
    expect(parsed.error?.issues ?? []).toEqual([]);
    expect(type.check?.({ params: parsed.data ?? {}, narrowed: false })).toBeUndefined();
  });

  it("says what it does in one sentence, and helps with each effect and parameter", () => {
    expect(type.summary).toMatch(/^[A-Z][^.]*\.$/u);
    expect(type.type).toMatch(/^[a-z]+(?:_[a-z]+)*$/u);
    expect(Object.keys(type.effects).length).toBeGreaterThan(0);
    for (const [effect, help] of Object.entries(type.effects)) {
      expect(effect).toMatch(/^[a-z]+(?:_[a-z]+)*$/u);
      expect(help).toMatch(/^[a-z].*[^.]$/u);
    }
    for (const [field, schema] of Object.entries(type.params.shape)) {
      expect((schema as z.ZodType).description, field).toMatch(/^[a-zA-Z].*[^.]$/u);
    }
  });

  it("has a seam, and a direction exactly where it acts on bytes", () => {
    expect(SEAMS.some((seam) => type[seam] !== undefined)).toBe(true);
    const bench = new StreamBench();
    const { stages } = place(bench, type, exampleOf(type));
    // Datagrams have directions too, and no bytes of a stream.
    const bytes = type.directions !== null && (type.stream !== undefined || type.connection !== undefined);
    if (type.exchange === undefined && type.upstreams === undefined) expect(stages.size > 0).toBe(bytes);
    if (type.datagram !== undefined) expect(type.directions).not.toBeNull();
  });

  it("refuses nonsense in each parameter, in words that help", () => {
    const nonsense: readonly unknown[] = [
      50,
      "50",
      "",
      "-1ms",
      "-1B",
      "-5%",
      "-1B/s",
      "NaN",
      "NaNms",
      "Infinity",
      "1e3ms",
      "9".repeat(40) + "d",
      "200%",
      "teapot",
      null,
      [],
      {},
      Number.NaN,
      Infinity,
      -1,
      1.5,
      true,
    ];
    for (const [field, schema] of Object.entries(type.params.shape)) {
      const kind = quantityOf(schema as z.ZodType)?.kind;
      const wrongUnits = {
        duration: ["1MB", "5%"],
        size: ["5s", "1B/s"],
        rate: ["1MB", "5ms"],
        ratio: ["5s", "5"],
      };
      const shape = z.toJSONSchema(schema as z.ZodType, { io: "input", unrepresentable: "any" });
      // What is right for this one after all: a word of its list, a whole number within its bounds.
      const fine = (value: unknown): boolean => {
        if (shape.enum !== undefined) return shape.enum.includes(value as string);
        if (shape.type === "boolean") return typeof value === "boolean";
        if (shape.type === "string" && shape.pattern === undefined) return typeof value === "string";
        const { minimum = 0, maximum = Infinity } = shape;
        return (
          shape.type === "number" &&
          Number.isInteger(value) &&
          Number(value) >= minimum &&
          Number(value) <= maximum
        );
      };
      for (const bad of [...nonsense, ...(kind ? wrongUnits[kind] : [])]) {
        if (fine(bad)) continue;
        const result = type.params.strict().safeParse({ ...exampleOf(type), [field]: bad });
        expect(result.success, `${field}: ${JSON.stringify(bad)}`).toBe(false);
        const [issue] = result.error?.issues ?? [];
        // Of a parameter that is a mapping, what it lacks.
        expect(issue?.path[0]).toEqual(field);
        expect(issue?.message, `${field}: ${JSON.stringify(bad)}`).toMatch(
          /^(?:expected|must be|is too large)/u,
        );
      }
    }
    const unknown = type.params.strict().safeParse({ ...exampleOf(type), teapot: 1 });
    expect(unknown.success).toBe(false);
  });

  it("needs what it cannot do without", () => {
    for (const field of Object.keys(exampleOf(type))) {
      const { [field]: _left, ...rest } = exampleOf(type);
      const result = type.params.strict().safeParse(rest);
      if (!result.success) expect(result.error.issues[0]?.message).toMatch(/got nothing$/u);
    }
  });
});

describe.each(CASES)("$name $raw, at work", ({ type, raw }) => {
  it("explains itself as the rest of a sentence", () => {
    expect(type.explain(type.params.parse(raw))).toMatch(/^[a-z].*[^.]$/u);
    expect(type.explain(type.params.parse(raw))).not.toMatch(/undefined|NaN|\[object/u);
  });

  it("accounts for every byte, and gives the same again for the same seed", () => {
    for (const seed of SEEDS) {
      expect(run(type, raw, seed).transcript()).toEqual(run(type, raw, seed).transcript());
    }
  });

  it("does the same however long the process has been running", () => {
    for (const seed of SEEDS) {
      const [early = [], late = []] = [0, UPTIME].map((uptime) =>
        told(run(type, raw, seed, undefined, undefined, uptime), uptime),
      );
      expectTheSame(late, early);
    }
  });

  it("does not mind being woken at any moment", () => {
    for (const seed of sample([4, 5], 1)) {
      const random = randomOf(seed, "nagging");
      const moments = Array.from({ length: 300 }, () => random.between(0, 2000)).sort((a, b) => a - b);
      const nagged = run(
        type,
        raw,
        seed,
        (bench, placed) => {
          for (const moment of moments)
            bench.clock.at(moment, () => {
              bench.wake(placed);
            });
        },
        (stage, bench) => nagging(stage, moments, () => bench.clock.now()),
      );
      // The order of the two directions within one moment is not the stages' to keep.
      const undisturbed = run(type, raw, seed);
      expect(nagged.ended).toEqual(undisturbed.ended);
      for (const direction of DIRECTIONS) {
        expect(nagged.transcript(direction)).toEqual(undisturbed.transcript(direction));
      }
    }
  });

  it("can be taken out at any point: nothing stays held, nothing is lost but what it says it destroys", () => {
    for (let stop = 0; stop <= 62; stop += scaled(9, 3)) {
      const bench = new StreamBench();
      const placed = place(bench, type, raw);
      const steps = script(stop, 60);
      for (const step of steps.slice(0, stop)) play(bench, step);
      bench.remove(placed);
      healthy(bench);
      if (bench.ended) {
        const mayEnd =
          type.destroys ?? type.onRemoval ?? (type.directions === null || name(type) === "idle_kill");
        expect(mayEnd).toBeTruthy();
        continue;
      }
      for (const direction of DIRECTIONS) {
        expect(bench.pumps[direction].held).toBe(0);
        expect(bench.pumps[direction].bytesDropped).toBe(0);
        expect(bench.paused[direction]).toBe(false);
      }
      expect(bench.budget.held).toBe(0);
      for (const step of steps.slice(stop)) play(bench, step);
      for (const direction of DIRECTIONS) {
        expect(bench.received(direction)).toHaveLength(bench.sent[direction]);
        if (type.type !== "corrupt") expect(bench.intact(direction)).toBe(true);
        expect(
          bench
            .transcript()
            .filter((line) => line.endsWith(`${direction} end`) || line.endsWith(`${direction} reset`)),
        ).toHaveLength(1);
      }
    }
  });

  it("takes any other settings of its type on the way, and still loses nothing", () => {
    for (const { raw: other } of sample(
      ALL_CASES.filter((candidate) => candidate.type === type),
      3,
    )) {
      const bench = new StreamBench();
      const placed = place(bench, type, raw);
      script(7, 60).forEach((step, index) => {
        if (bench.ended) return;
        if (index % 10 === 9) bench.assign(placed, index % 20 === 9 ? other : raw);
        play(bench, step);
        healthy(bench);
      });
      bench.remove(placed);
      healthy(bench);
      if (bench.ended || type.type === "corrupt") continue;
      for (const direction of DIRECTIONS) expect(bench.intact(direction)).toBe(true);
    }
  });

  it("never emits again after its connection is over, and leaves no timer behind", () => {
    for (let stop = 1; stop < 60; stop += scaled(17, 7)) {
      const bench = new StreamBench();
      const placed = place(bench, type, raw);
      for (const step of script(8, 60).slice(0, stop)) play(bench, step);
      bench.severed({ do: "reset" });
      const written = bench.written.length;
      bench.clock.advance(0);
      expect(bench.clock.idle).toBe(true);
      for (const step of script(9, 20)) play(bench, step);
      bench.wake(placed);
      bench.clock.advance(100_000);
      expect(bench.written).toHaveLength(written);
      healthy(bench);
    }
  });

  it("gives a gate one of the verdicts, and can be released right after", () => {
    const { armed } = new StreamBench().place(type.type, raw);
    const info = {
      id: 9,
      client: { address: "::1", port: 1 },
      bot: "b",
      acceptedAt: 0,
      live: false,
      attend: () => undefined,
    };
    for (const question of ["accepted", "connected", "opened"] as const) {
      const fault = type.connection?.(armed.scope(9, 1), info);
      const verdict = fault?.[question]?.();
      if (verdict) expect(["pass", "hold", "wait", "hang", "reset", "close"]).toContain(verdict.do);
      if (verdict?.do === "hold") expect(verdict.for).toBeGreaterThanOrEqual(0);
      fault?.released?.();
    }
  });
});

const name = (type: AnyFaultType): string => type.type;

/** A stage that is woken at all those moments besides its own. */
function nagging(stage: StreamStage, moments: readonly number[], now: () => number): StreamStage {
  let next = 0;
  return {
    push: (chunk, out) => {
      stage.push(chunk, out);
    },
    end: (out) => {
      if (stage.end) stage.end(out);
      else out.end();
    },
    wake: (out) => {
      while ((moments[next] ?? Infinity) <= now()) next++;
      stage.wake?.(out);
    },
    release: (out) => {
      stage.release(out);
    },
    get wakeAt() {
      return Math.min(stage.wakeAt, moments[next] ?? Infinity);
    },
    get held() {
      return stage.held;
    },
    get capacity() {
      return stage.capacity;
    },
  };
}
