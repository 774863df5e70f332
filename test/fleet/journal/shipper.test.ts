/** What the sender of a daemon's journal does in each state with each event, and that nothing is lost in secret whatever comes when. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { BATCH_ENTRIES, BATCH_EVERY_MS, UNSENT_MAX } from "../../../src/fleet/contract/journal.js";
import type { EngineFailure } from "../../../src/fleet/contract/engine.js";
import { isWanted, type Which } from "../../../src/fleet/journal/kinds.js";
import {
  APPEND_LIMIT,
  BATCH_PACE,
  RETRY_FORBIDDEN,
  RETRY_MAX,
  Shipper,
} from "../../../src/fleet/journal/shipper.js";
import { record } from "../../../src/telemetry/entry.js";
import { Journal } from "../../../src/telemetry/journal.js";
import { hit, NOON, SAMPLES } from "../../telemetry/samples.js";
import { scaled } from "../../support/scope.js";
import { settled, SlowEngine } from "./slow-engine.js";

const CLOSE_WITHIN = 2_000;
const mark = record(SAMPLES.mark);
const reload = record(SAMPLES.reload);

function start({ which = "hits" as Which, keep = UNSENT_MAX, jitter = 1 } = {}) {
  const clock = new VirtualClock(NOON);
  const journal = new Journal({ clock, keep });
  const engine = new SlowEngine();
  const log: string[] = [];
  let offset: number | null = 40;
  const shipper = new Shipper({
    journal,
    clock,
    engine,
    daemon: "node-1",
    life: "a1",
    which,
    offset: () => offset,
    jitter: () => jitter,
    log: (text) => log.push(text),
  });
  const write = (count: number, what = mark): void => {
    for (let n = 0; n < count; n++) journal.add(what);
  };
  const wait = async (millis: number): Promise<void> => {
    clock.advance(millis);
    await settled();
  };
  /** As when all is well: everything that waits arrives. */
  const arrive = async (): Promise<void> => {
    for (let n = 0; n < 1_000; n++) {
      while (engine.asked.length > 0) await engine.ack();
      if (shipper.view.state === "idle" || shipper.view.state === "closed") return;
      clock.advance(clock.next - clock.now());
      await settled();
    }
    throw new Error(`it is still ${shipper.view.state}`);
  };
  return {
    clock,
    journal,
    engine,
    log,
    shipper,
    write,
    wait,
    arrive,
    setOffset: (to: number | null) => {
      offset = to;
    },
  };
}

type Scene = ReturnType<typeof start>;

/**
 * What a reader that drops doubles makes of what the engine has: the numbers it got, and those that it was told are lost. `overlaps` where
 * the engine may have kept a batch and said otherwise: it is sent again then, and cut elsewhere if it is refused meanwhile.
 */
function books({ engine }: Scene, overlaps = false): { got: number[]; lost: number; gaps: number } {
  const got: number[] = [];
  let lost = 0;
  let gaps = 0;
  let upto = 0;
  for (const batch of engine.has) {
    if (batch.upto <= upto) continue;
    const gap = Math.max(0, batch.after - upto);
    if (!overlaps) {
      expect(batch.after, "no batch is about numbers of the one before").toBeGreaterThanOrEqual(upto);
      expect(batch.lost, "it has told of all that is not in it").toBe(gap);
    } else if (gap > 0)
      expect(batch.lost, "it has told of all that is not in it").toBeGreaterThanOrEqual(gap);
    lost += gap;
    gaps += gap > 0 ? 1 : 0;
    got.push(...batch.entries.map(({ seq }) => seq).filter((seq) => seq > upto));
    upto = batch.upto;
  }
  expect(
    [...got].sort((one, other) => one - other),
    "in order",
  ).toEqual(got);
  return { got, lost, gaps };
}

const STATES = {
  idle: async () => undefined,
  waiting: async ({ write }: Scene) => write(1),
  sending: async ({ write, wait }: Scene) => {
    write(1);
    await wait(BATCH_EVERY_MS);
  },
  away: async ({ write, wait, engine }: Scene) => {
    write(1);
    await wait(BATCH_EVERY_MS);
    await engine.fail("away");
  },
  full: async ({ write, wait, engine }: Scene) => {
    write(1);
    await wait(BATCH_EVERY_MS);
    await engine.fail("away");
    write(UNSENT_MAX + 1);
  },
  closing: async ({ write, shipper }: Scene) => {
    write(1);
    void shipper.close(CLOSE_WITHIN);
  },
  closed: async ({ shipper }: Scene) => shipper.close(CLOSE_WITHIN),
} satisfies Record<string, (scene: Scene) => Promise<unknown>>;
type State = keyof typeof STATES;

const EVENTS = {
  "entry": async ({ write }: Scene) => write(1),
  "entry nobody wants": async ({ write }: Scene) => write(1, reload),
  "enough": async ({ write }: Scene) => write(BATCH_ENTRIES),
  "flood": async ({ write }: Scene) => write(UNSENT_MAX + 50),
  "second": ({ wait }: Scene) => wait(BATCH_EVERY_MS),
  "ack": ({ engine }: Scene) => engine.ack(),
  "away": ({ engine }: Scene) => engine.fail("away"),
  "away, and it was kept": ({ engine }: Scene) => engine.fail("away", true),
  "failed": ({ engine }: Scene) => engine.fail("failed"),
  "forbidden": ({ engine }: Scene) => engine.fail("forbidden"),
  "disconnected": async ({ engine }: Scene) => {
    engine.connected = false;
    engine.hint("disconnected");
    await engine.fail("away");
  },
  "connected": async ({ engine }: Scene) => engine.hint("connected"),
  "connected, and a moment": async ({ engine, wait }: Scene) => {
    engine.hint("connected");
    await wait(500);
  },
  "other hint": async ({ engine }: Scene) => engine.hint("plan"),
  "close": async ({ shipper }: Scene) => {
    void shipper.close(CLOSE_WITHIN);
    await settled();
  },
  "close, and its time": async ({ shipper, wait }: Scene) => {
    void shipper.close(CLOSE_WITHIN);
    await wait(CLOSE_WITHIN);
  },
} satisfies Record<string, (scene: Scene) => Promise<unknown>>;
type Event = keyof typeof EVENTS;

/** What it is after the event; where nothing is said, what it was. */
const BECOMES: Readonly<Record<State, Partial<Record<Event, State>>>> = {
  idle: {
    "entry": "waiting",
    "entry nobody wants": "waiting",
    "enough": "waiting",
    "flood": "waiting",
    "close": "closed",
    "close, and its time": "closed",
  },
  waiting: { "second": "sending", "close": "closing", "close, and its time": "closed" },
  sending: {
    "ack": "idle",
    "away": "away",
    "away, and it was kept": "away",
    "failed": "away",
    "forbidden": "away",
    "disconnected": "away",
    "close": "closing",
    "close, and its time": "closed",
  },
  away: {
    "flood": "full",
    "second": "sending",
    "connected, and a moment": "sending",
    "close": "closing",
    "close, and its time": "closed",
  },
  full: {
    "second": "sending",
    "connected, and a moment": "sending",
    "close": "closing",
    "close, and its time": "closed",
  },
  closing: {
    "ack": "closed",
    "forbidden": "closed",
    "disconnected": "closed",
    "close, and its time": "closed",
  },
  closed: {},
};

describe.each(Object.keys(STATES) as State[])("a sender that is %s", (state) => {
  it.each(Object.keys(EVENTS) as Event[])("meets: %s", async (event) => {
    const scene = start();
    await STATES[state](scene);
    expect(scene.shipper.view.state).toBe(state);
    await EVENTS[event](scene);
    expect(scene.shipper.view.state).toBe(BECOMES[state][event] ?? state);
    expect(scene.engine.asked.length, "one batch at a time").toBeLessThanOrEqual(1);
    const closed = scene.shipper.view.state === "closed";
    scene.engine.connected = true;
    await scene.arrive();
    const { got, lost } = books(scene);
    if (!closed) expect(scene.shipper.view).toMatchObject({ unsent: 0, problem: null });
    // An entry that nobody wants is neither got nor lost.
    const unwanted = event === "entry nobody wants" ? 1 : 0;
    if (!closed) expect(got.length + lost + unwanted).toBe(scene.journal.lastSeq);
    expect(scene.clock.waiting, "no timer is left").toBe(0);
  });
});

describe("a batch", () => {
  it("goes off a second after its first entry, or at once when there are 200", async () => {
    const { write, wait, engine } = start();
    write(3);
    await wait(BATCH_EVERY_MS - 1);
    expect(engine.asked).toHaveLength(0);
    await wait(1);
    expect(engine.asked[0]?.batch).toMatchObject({ after: 0, upto: 3, lost: 0, offset_ms: 40 });
    await engine.ack();
    await wait(BATCH_PACE);
    write(BATCH_ENTRIES + 1);
    expect(engine.asked, "not in the turn of who writes").toHaveLength(0);
    await wait(0);
    expect(engine.asked[0]?.batch.entries).toHaveLength(BATCH_ENTRIES);
  });

  it("leaves out what the fleet does not want, and is about those numbers all the same", async () => {
    const { write, wait, engine, arrive } = start();
    write(1, reload);
    write(1);
    write(2, reload);
    await wait(BATCH_EVERY_MS);
    expect(engine.asked[0]?.batch).toMatchObject({ after: 0, upto: 4, lost: 0 });
    expect(engine.asked[0]?.batch.entries.map(({ seq }) => seq)).toEqual([2]);
    await arrive();
    write(1_500, reload);
    await arrive();
    expect(engine.appends, "nothing is sent about them alone").toBe(1);
    write(1);
    await wait(BATCH_EVERY_MS);
    expect(engine.asked[0]?.batch).toMatchObject({ after: 4, upto: 1_505, lost: 0 });
  });

  it("has all entries with `all`", async () => {
    const scene = start({ which: "all" });
    scene.write(2, reload);
    await scene.arrive();
    expect(books(scene).got).toEqual([1, 2]);
  });

  it("is small enough for the engine, whatever its entries are", async () => {
    const scene = start();
    const long = record({ ...SAMPLES.mark, text: "\u001b".repeat(1_000) });
    for (let n = 0; n < 300; n++) scene.journal.add(long);
    await scene.arrive();
    expect(books(scene).got).toHaveLength(300);
    expect(scene.engine.has.length).toBeGreaterThan(3);
  });

  it("has the offset that was so when its entries were written, though the clock was set meanwhile", async () => {
    const scene = start();
    const { write, wait, engine, setOffset, arrive } = scene;
    write(1);
    await wait(BATCH_EVERY_MS);
    write(50);
    await engine.fail("away");
    for (const offset of [40, 40.5, 5_040, 5_041, null]) {
      setOffset(offset);
      write(BATCH_ENTRIES);
    }
    await arrive();
    const before = engine.has.filter(({ upto }) => upto <= 451);
    const behind = engine.has.filter(({ after }) => after >= 451);
    expect(engine.has).toHaveLength(before.length + behind.length);
    expect(new Set(before.map(({ offset_ms }) => offset_ms))).toEqual(new Set([40]));
    expect(new Set(behind.map(({ offset_ms }) => offset_ms))).toEqual(new Set([5_040]));
    expect(books(scene).got).toHaveLength(1_051);
  });
});

describe("while the engine is away, a sender", () => {
  it("sends the very same batch again, ever more seldom, and at once when it hears that the engine is back", async () => {
    const { write, wait, engine, log, clock, shipper } = start();
    write(1);
    await wait(BATCH_EVERY_MS);
    const first = engine.asked[0]?.batch;
    const waits: number[] = [];
    for (let n = 0; n < 8; n++) {
      await engine.fail("away");
      write(1);
      waits.push(clock.next - clock.now());
      await wait(clock.next - clock.now());
      expect(engine.asked[0]?.batch).toBe(first);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, RETRY_MAX, RETRY_MAX, RETRY_MAX]);
    await engine.fail("away");
    engine.hint("connected");
    await wait(500);
    expect(engine.asked).toHaveLength(1);
    expect(shipper.view.problem).toBe("it is away");
    await engine.ack();
    expect(log).toEqual([
      "the journal cannot be sent to the fleet, and waits: it is away",
      "the journal is sent to the fleet again",
    ]);
  });

  it("takes an engine that never answers for one that is away, and does not listen to what it says later", async () => {
    const scene = start();
    const { write, wait, engine, shipper } = scene;
    write(1);
    await wait(BATCH_EVERY_MS);
    await wait(APPEND_LIMIT);
    expect(shipper.view).toMatchObject({ state: "away", problem: "the engine does not answer" });
    const [late] = engine.asked.splice(0);
    await wait(1_000);
    expect(shipper.view.state).toBe("sending");
    late?.resolve();
    await settled();
    expect(shipper.view).toMatchObject({ state: "sending", upto: 0 });
    if (late !== undefined) engine.has.push(late.batch);
    await scene.arrive();
    expect(books(scene).got).toEqual([1]);
    expect(engine.has).toHaveLength(2);
  });

  it("keeps 10,000, gives the oldest up, and says how many", async () => {
    const scene = start();
    const { write, wait, engine, shipper } = scene;
    write(1);
    await wait(BATCH_EVERY_MS);
    await engine.fail("away");
    write(UNSENT_MAX);
    expect(shipper.view).toMatchObject({ state: "away", lost: 0, unsent: UNSENT_MAX + 1 });
    write(56);
    expect(shipper.view).toMatchObject({ state: "full", lost: 56, unsent: UNSENT_MAX + 1 });
    await scene.arrive();
    expect(books(scene)).toMatchObject({ lost: 56, gaps: 1 });
    expect(engine.has[1]).toMatchObject({ after: 57, lost: 56 });
    expect(engine.has.every(({ entries }) => entries.length <= BATCH_ENTRIES)).toBe(true);
  });

  it("does not wait for it at the end, where it is not even connected", async () => {
    const { write, engine, shipper, log } = start();
    write(3);
    engine.connected = false;
    const closed = shipper.close(CLOSE_WITHIN);
    await engine.fail("away");
    await closed;
    expect(log.at(-1)).toBe("3 entries of the journal have not reached the fleet");
  });

  it.each<[EngineFailure, number]>([["forbidden", RETRY_FORBIDDEN]])(
    "asks seldom where it is %s",
    async (failure, wait) => {
      const scene = start();
      scene.write(1);
      await scene.wait(BATCH_EVERY_MS);
      await scene.engine.fail(failure);
      expect(scene.clock.next - scene.clock.now()).toBe(wait);
    },
  );
});

describe("a batch that the engine refuses", () => {
  it("is halved until the entry is found that it cannot take, which is given up and told", async () => {
    const scene = start();
    const { write, engine, clock } = scene;
    write(20);
    for (let n = 0; n < 500 && scene.shipper.view.state !== "idle"; n++) {
      clock.advance(clock.next - clock.now());
      await settled();
      const bad = engine.asked[0]?.batch.entries.some(({ seq }) => seq === 13);
      if (bad === true) await engine.fail("failed");
      else await engine.ack();
    }
    write(1);
    await scene.arrive();
    const { got, lost } = books(scene);
    expect(lost).toBe(1);
    expect(got).toEqual(Array.from({ length: 21 }, (_, n) => n + 1).filter((seq) => seq !== 13));
  });
});

it("wants of each kind what faults did, and what became of activations", () => {
  const wanted = Object.values(SAMPLES).flatMap((fact) => {
    const entry = new Journal({ clock: new VirtualClock(NOON) }).add(record(fact));
    return entry === null || !isWanted(entry, "hits") ? [] : [entry.kind];
  });
  expect(wanted.sort()).toMatchInlineSnapshot(`
    [
      "activation_ended",
      "activation_resumed",
      "activation_started",
      "connection_over",
      "engine_chosen",
      "exchange_over",
      "fault_changed",
      "fault_hit",
      "fault_removed",
      "fault_set",
      "fault_spared",
      "fault_total",
      "fleet_applied",
      "fleet_connected",
      "fleet_disconnected",
      "fleet_healed_here",
      "fleet_namesake",
      "fleet_namesake_gone",
      "fleet_refused",
      "fleet_rewound",
      "kernel_loss_ended",
      "kernel_loss_failed",
      "listener_closed",
      "listener_opened",
      "mark",
      "phase_entered",
      "tls_over",
    ]
  `);
  const untouched = record({ ...SAMPLES.exchange_over, faults: [] });
  const entry = new Journal({ clock: new VirtualClock(NOON) }).add(untouched);
  expect(entry !== null && isWanted(entry, "hits")).toBe(false);
});

describe("whatever comes when", () => {
  it("each entry arrives once at least and in order, or is told as lost", async () => {
    const step = fc.constantFrom(
      ...(Object.keys(EVENTS) as Event[]).filter((name) => !name.startsWith("close")),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom(50, 1_000, UNSENT_MAX),
        async (steps, keep) => {
          const scene = start({ keep, jitter: 0 });
          let unwanted = 0;
          for (const name of steps) {
            if (name === "entry nobody wants") unwanted++;
            await EVENTS[name](scene);
            expect(scene.engine.asked.length).toBeLessThanOrEqual(1);
          }
          scene.engine.connected = true;
          await scene.arrive();
          const { got, lost } = books(
            scene,
            steps.some((name) => name.includes("kept")),
          );
          const missing = scene.journal.lastSeq - got.length - lost;
          expect(missing).toBeGreaterThanOrEqual(0);
          expect(missing).toBeLessThanOrEqual(unwanted);
          expect(scene.shipper.view).toMatchObject({ state: "idle", unsent: 0 });
        },
      ),
      {
        numRuns: scaled(40, 1_000),
        // A batch that was kept, sent again, refused and halved: the third one begins within the first.
        examples: [
          [["flood", "second", "away, and it was kept", "connected, and a moment", "failed"], UNSENT_MAX],
        ],
      },
    );
  });

  it("writes down fifty entries within one turn at most", async () => {
    const { journal, clock } = start();
    let most = 0;
    let now = 0;
    const at = journal.at.bind(journal);
    const seen = new Set<number>();
    journal.at = (seq) => {
      if (!seen.has(seq)) most = Math.max(most, ++now);
      seen.add(seq);
      return at(seq);
    };
    for (let n = 0; n < 300; n++) journal.defer(hit() as Parameters<Journal["defer"]>[0]);
    const plain = clock.at.bind(clock);
    clock.at = (when, run) =>
      plain(when, () => {
        now = 0;
        run();
      });
    clock.advance(BATCH_EVERY_MS);
    await settled();
    expect([seen.size, most]).toEqual([200, 50]);
  });

  it("a journal that nobody reads costs nothing: hits stay unwritten until they are sent", async () => {
    const { journal, wait, engine } = start();
    expect(journal.defer(hit() as Parameters<Journal["defer"]>[0])).toBe(true);
    await wait(BATCH_EVERY_MS);
    expect(engine.asked[0]?.batch.entries[0]).toMatchObject({ seq: 1, kind: "fault_hit" });
  });
});
