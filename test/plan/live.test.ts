/** The live plan through time: what is in force when, and what is said about it. No sockets, and a clock that moves when told. */
import { beforeEach, describe, expect, it } from "vitest";
import type { MatchEntry } from "../../src/config/match.js";
import { VirtualClock } from "../../src/core/clock.js";
import { Ledger } from "../../src/core/ledger.js";
import type { Seam } from "../../src/faults/contract/index.js";
import type { ArmedFault, Subject } from "../../src/pipeline/armed.js";
import type { ActivationRequest } from "../../src/plan/activation.js";
import { LivePlan } from "../../src/plan/live.js";
import type { PlanTarget } from "../../src/plan/targets.js";
import type { CompiledFault, CompiledPhase, CompiledProfile } from "../../src/plan/value.js";
import { FactBook, fault, profile, request, TYPES } from "../support/lab.js";

class Target implements PlanTarget {
  readonly seams: Set<Seam> = new Set(["connection", "stream", "listener"]);
  faults: readonly ArmedFault[] = [];
  readonly changes: string[] = [];
  #connections = 0;

  constructor(
    readonly name: string,
    private readonly time: VirtualClock,
    readonly except: readonly MatchEntry[] = [],
  ) {}

  apply(faults: readonly ArmedFault[], assigned: ReadonlySet<ArmedFault>): void {
    const before = this.changes.at(-1)?.replace(/^\S+ /u, "") ?? "-";
    const now = faults.map((one) => one.origin.fault + (assigned.has(one) ? "*" : "")).join(" ") || "-";
    this.faults = faults;
    if (now !== before) this.changes.push(`${this.time.now()} ${now}`);
  }

  /** A connection of this bot; answers who was hit by what. */
  connect(bot = "x"): string {
    const subject = { bot, connection: ++this.#connections, client: bot };
    const hit = this.faults.filter((one) => {
      const admitted: Subject | null = one.admit(subject);
      admitted?.count("hit");
      admitted?.finished();
      return admitted !== null;
    });
    return hit.map((one) => one.origin.fault).join(" ");
  }
}

let time: VirtualClock;
let facts: FactBook;
let plan: LivePlan;
let jobs: Target;

beforeEach(() => {
  time = new VirtualClock(1_000);
  facts = new FactBook();
  plan = new LivePlan({ clock: time, facts, ledger: new Ledger(), types: TYPES, version: "0.0.0", seed: 1 });
  jobs = new Target("jobs", time);
  plan.attach(jobs);
});

const named = (name: string, rest: Partial<CompiledFault> = {}): CompiledFault =>
  fault("half_open", {}, { name, ...rest });
const phase = (name: string, lasts: number | null, ...faults: CompiledFault[]): CompiledPhase => ({
  phase: name,
  for: lasts,
  faults,
});
const use = (compiled: CompiledProfile, rest: Partial<ActivationRequest> = {}): unknown =>
  plan.replace([request(compiled, rest)]);
const ends = (): string[] =>
  facts.of("activation_ended").map(({ activation, why }) => `${activation} ${why}`);
const warnings = (): readonly string[] => facts.of("activation_ended").at(-1)!.warnings;

describe("phases", () => {
  const rolling = [
    phase("calm", 20, named("a")),
    phase("crash", 5, named("b"), named("c")),
    phase("warm", 10, named("d")),
  ];

  it("put their faults in force one after the other, beside those that act all the time", () => {
    use(profile([named("all")], rolling));
    time.advance(100);
    expect(jobs.changes).toEqual(["1000 all a", "1020 all b c", "1025 all d", "1035 -"]);
    expect(ends()).toEqual(["test finished"]);
    expect(time.idle).toBe(true);
  });

  it("are told as they are entered, with the pass", () => {
    use(profile([], rolling, { repeat: 2 }));
    time.advance(1_000);
    expect(facts.of("phase_entered").map((fact) => `${fact.pass} ${fact.phase}`)).toEqual([
      "1 calm",
      "1 crash",
      "1 warm",
      "2 calm",
      "2 crash",
      "2 warm",
    ]);
    expect(ends()).toEqual(["test finished"]);
  });

  it("come round forever, until somebody heals", () => {
    use(profile([], rolling, { repeat: "forever" }));
    time.advance(35 * 1_000 + 22);
    expect(plan.states()).toMatchObject([
      { phase: "crash", pass: 1_001, remaining: null, phaseRemaining: 3 },
    ]);
    expect(plan.end(() => true, "healed")).toBe(1);
    expect(jobs.faults).toEqual([]);
    expect(time.idle).toBe(true);
  });

  it("say how much is left", () => {
    use(profile([], rolling, { repeat: 2 }), { ttl: 60 });
    time.advance(22);
    expect(plan.states()).toMatchObject([{ phase: "crash", pass: 1, remaining: 38, phaseRemaining: 3 }]);
  });

  it("take no notice of a jump of the wall clock", () => {
    class Jumpy extends VirtualClock {
      offset = 0;
      override wallTime(): number {
        return super.wallTime() + this.offset;
      }
    }
    const jumpy = new Jumpy(1_000);
    const own = new LivePlan({
      clock: jumpy,
      facts,
      ledger: new Ledger(),
      types: TYPES,
      version: "0.0.0",
      seed: 1,
    });
    const target = new Target("jobs", jumpy);
    own.attach(target);
    own.replace([request(profile([], rolling))]);
    jumpy.offset = 1e12;
    jumpy.advance(21);
    expect(target.changes).toEqual(["1000 a", "1020 b c"]);
  });

  it("move ramps along, for new and for old", () => {
    const ramp = { ramps: { delay: { from: 100, to: 0 } } };
    use(profile([], [phase("calm", 10), phase("warm", 100, fault("latency", { delay: "100ms" }, ramp))]));
    time.advance(10);
    const { params } = jobs.faults[0]!;
    expect(params["delay"]).toBe(100);
    time.advance(25);
    expect(params["delay"]).toBe(75);
  });

  it("move a ramped probability along", () => {
    use(profile([], [phase("warm", 100, named("a", { when: { probability: { from: 1, to: 0 } } }))]));
    expect(jobs.connect()).toBe("a");
    time.advance(99.999);
    expect(Array.from({ length: 100 }, () => jobs.connect()).join("")).toBe("");
  });
});

describe("windows", () => {
  it("open and close within a phase, and anew in each pass", () => {
    const windowed = named("w", { when: { after: 3, for: 4 } });
    use(profile([], [phase("only", 10, windowed)], { repeat: 2 }));
    time.advance(100);
    expect(jobs.changes).toEqual(["1003 w", "1007 -", "1013 w", "1017 -"]);
  });

  it("count from the start of the activation for faults outside phases", () => {
    use(profile([named("w", { when: { after: 3, for: 4 } })]));
    time.advance(100);
    expect(jobs.changes).toEqual(["1003 w", "1007 -"]);
    expect(plan.states().length).toBe(1);
  });
});

describe("counters and ordinals", () => {
  it("start anew at each phase entry, and not in between", () => {
    const once = (name: string): CompiledFault => named(name, { when: { count: 1 } });
    use(profile([once("all")], [phase("one", 10, once("a")), phase("two", 10, once("a"))], { repeat: 2 }));
    const seen: string[] = [];
    for (let step = 0; step < 4; step++) {
      seen.push(`${jobs.connect()}, ${jobs.connect()}`);
      time.advance(10);
    }
    expect(seen).toEqual(["all a, ", "a, ", "a, ", "a, "]);
  });

  it("start anew when the same profile is put in force again", () => {
    const compiled = profile([named("a", { when: { count: 1 } })]);
    use(compiled);
    expect([jobs.connect(), jobs.connect()]).toEqual(["a", ""]);
    plan.add([request(compiled)]);
    expect([jobs.connect(), jobs.connect()]).toEqual(["a", ""]);
    expect(ends()).toEqual(["test replaced"]);
  });

  it("are kept when the text changes under way, and so is the start", () => {
    use(profile([named("a", { when: { count: 3 } })], [phase("long", 100)]));
    expect([jobs.connect(), jobs.connect()]).toEqual(["a", "a"]);
    time.advance(40);
    const before = plan.value.activations[0]!;
    plan.recompile((one) => ({
      ...one.compiled,
      faults: [named("b"), named("a", { when: { count: 4 } })],
    }));
    expect([jobs.connect(), jobs.connect(), jobs.connect()]).toEqual(["b a", "b a", "b"]);
    expect(plan.value.activations[0]).toMatchObject({
      startedAt: before.startedAt,
      generation: before.generation,
    });
    expect(plan.states()[0]).toMatchObject({ phaseRemaining: 60 });
    time.advance(60);
    expect(ends()).toEqual(["test finished"]);
  });

  it("are untouched by a recompilation to the same, which is no change at all", () => {
    use(profile([named("a")]));
    const { revision } = plan;
    plan.recompile((one) => structuredClone(one.compiled));
    plan.recompile(() => null);
    expect(plan.revision).toBe(revision);
  });

  it("of one fault are never shifted by what another answers", () => {
    const half = (name: string): CompiledFault => named(name, { when: { probability: 0.5 } });
    const run = (faults: readonly CompiledFault[]): string[] => {
      use(profile(faults));
      return Array.from({ length: 200 }, (_, n) => (jobs.connect(`bot-${n % 3}`).includes("b") ? "1" : "0"));
    };
    const alone = run([half("b")]);
    expect(new Set(alone).size).toBe(2);
    expect(run([half("a"), half("b")])).toEqual(alone);
    expect(run([named("a", { when: { count: 3 } }), half("b"), half("c")])).toEqual(alone);
  });

  it("give other draws for another seed, phase, pass, fault name or proxy", () => {
    const half: Partial<CompiledFault> = { when: { probability: 0.5 } };
    const run = (): string => Array.from({ length: 64 }, () => (jobs.connect() === "" ? "0" : "1")).join("");
    const seen = new Set<string>();
    use(profile([named("a", half)]));
    seen.add(run());
    use(profile([named("a", half)]), { seed: 2 });
    seen.add(run());
    use(profile([named("b", half)]));
    seen.add(run());
    use(profile([], [phase("one", 10, named("a", half)), phase("two", 10, named("a", half))], { repeat: 2 }));
    for (let step = 0; step < 4; step++) {
      seen.add(run());
      time.advance(10);
    }
    expect(seen.size).toBe(7);
    use(profile([named("a", half)]));
    expect(seen.has(run())).toBe(true);
  });
});

describe("activations", () => {
  it("stand one after the other, behind the toxics, each in its own order", () => {
    plan.setToxics("jobs", [named("t1"), named("t2")]);
    use(profile([named("a1"), named("a2")], [], { profile: "a" }));
    plan.add([request(profile([named("b1")], [], { profile: "b" }))]);
    expect(jobs.changes.at(-1)).toBe("1000 t1 t2 a1 a2 b1");
    plan.add([request(profile([named("a3")], [], { profile: "a" }))]);
    expect(jobs.changes.at(-1)).toBe("1000 t1 t2 b1 a3");
    expect(plan.end(({ id }) => id === "b", "healed")).toBe(1);
    expect(jobs.changes.at(-1)).toBe("1000 t1 t2 a3");
    plan.setToxics("jobs", [named("t2"), named("t1")]);
    expect(jobs.changes.at(-1)).toBe("1000 t2 t1 a3");
    expect(plan.end(({ id }) => id === "nobody", "healed")).toBe(0);
  });

  it("are replaced all at once, without a moment in between", () => {
    use(profile([named("a")], [], { profile: "a" }));
    plan.replace([
      request(profile([named("b")], [], { profile: "b" })),
      request(profile([named("c")], [], { profile: "c" })),
    ]);
    expect(jobs.changes).toEqual(["1000 a", "1000 b c"]);
  });

  it("give inline faults names that count up, and the smallest that is free", () => {
    const inline = (): ActivationRequest => request(profile([named("a")], [], { profile: "inline" }));
    expect(plan.add([inline(), inline()]).map(({ id }) => id)).toEqual(["inline", "inline-2"]);
    plan.end(({ id }) => id === "inline", "healed");
    expect(plan.add([inline()]).map(({ id }) => id)).toEqual(["inline"]);
  });

  it("can be kept to some proxies, and a fault to some of them", () => {
    const other = new Target("other", time);
    plan.attach(other);
    use(profile([named("everywhere"), named("there", { proxies: ["other"] })]));
    expect([jobs.changes.at(-1), other.changes.at(-1)]).toEqual(["1000 everywhere", "1000 everywhere there"]);
    use(profile([named("everywhere"), named("there", { proxies: ["other"] })]), { proxies: ["jobs"] });
    expect([jobs.changes.at(-1), other.changes.at(-1)]).toEqual(["1000 everywhere", "1000 -"]);
  });

  it("reach a proxy that comes later, and keep their counters where one goes", () => {
    use(profile([named("a", { when: { count: 1 } })]));
    jobs.connect();
    const late = new Target("late", time, [{ client: ["10.0.0.1"] }]);
    plan.attach(late);
    expect([late.connect("10.0.0.1"), late.connect("10.0.0.2"), jobs.connect()]).toEqual(["", "a", ""]);
    plan.detach("late", false);
    expect(jobs.connect()).toBe("");
  });

  it("keep a proxy's toxics over a restart, and drop them with it", () => {
    plan.setToxics("jobs", [named("t")]);
    plan.detach("jobs", true);
    plan.attach(jobs);
    expect(jobs.faults.map(({ origin }) => origin.fault)).toEqual(["t"]);
    plan.detach("jobs", false);
    expect(plan.value.toxics).toEqual({});
  });

  it("end when their time to live is over, in the middle of whatever they do", () => {
    use(profile([named("a")], [phase("long", 1_000, named("b"))]), { ttl: 300 });
    time.advance(299);
    expect(ends()).toEqual([]);
    time.advance(1);
    expect(ends()).toEqual(["test expired"]);
    expect(jobs.changes).toEqual(["1000 a b", "1300 -"]);
  });

  it("change the revision whenever something changes, and tell whoever listens", () => {
    const seen: number[] = [];
    const stop = plan.onChange(() => seen.push(plan.revision));
    use(profile([named("a")], [phase("one", 10), phase("two", 10)]));
    time.advance(10);
    time.advance(10);
    stop();
    use(profile([]));
    expect(seen).toEqual([1, 1, 2]);
    expect(facts.of("plan_changed").map(({ revision }) => revision)).toEqual([1, 2, 3]);
  });

  it("say in one line how to start them again", () => {
    use(profile([], [], { profile: "lost-ack", params: { away: "5s", text: "it's" } }), {
      seed: 7,
      proxies: ["jobs", "broker"],
      mode: "observe",
    });
    expect(facts.of("activation_started")[0]!.again).toBe(
      String.raw`squall use lost-ack --seed 7 --param away=5s --param 'text=it'\''s' --proxy jobs broker --observe  # squall 0.0.0`,
    );
  });

  it("say how to start faults again that came without a profile", () => {
    const written = [{ type: "latency", delay: "it's 5ms" }];
    use(profile([], [], { profile: "inline" }), { seed: 7, ttl: 90_000, written });
    expect(facts.of("activation_started")[0]!.again).toBe(
      String.raw`curl -X PUT localhost:8474/active -d '{"faults":[{"type":"latency","delay":"it'\''s 5ms"}],"seed":7,"ttl":"1m30s"}'  # squall 0.0.0`,
    );
  });
});

describe("reports", () => {
  it("say at the end what was done, since this start and not since the last one", () => {
    const compiled = profile([named("a", { when: { count: 2 } })]);
    use(compiled);
    for (let n = 0; n < 5; n++) jobs.connect();
    use(compiled);
    jobs.connect();
    plan.end(() => true, "healed");
    const counts = facts
      .of("activation_ended")
      .map(({ why, faults: [one] }) => [why, one!.subjects, one!.matched, one!.hits]);
    expect(counts).toEqual([
      ["replaced", 5, 5, 2],
      ["healed", 1, 1, 1],
    ]);
  });

  it("warn of a fault that matched nobody, and of one that matched and never hit", () => {
    use(
      profile([
        named("typo", { match: [{ client: ["10.9.9.9"] }] }),
        named("patient", { when: { skip: 1_000 } }),
        named("fine"),
      ]),
    );
    for (let n = 0; n < 412; n++) jobs.connect("10.0.0.1");
    plan.end(() => true, "healed");
    expect(warnings()).toEqual([
      "typo matched 0 of 412 connections: no client matches",
      "patient hit 0 of 412 matching connections",
    ]);
  });

  it("say of what it was that nobody was hit: of exchanges where the fault is about them", () => {
    const api = new Target("api", time);
    api.seams.add("exchange");
    plan.attach(api);
    const nobody = { match: [{ client: ["10.9.9.9"] }] };
    use(
      profile([
        fault("latency", { delay: "1s" }, { name: "here", proxies: ["api"], ...nobody }),
        fault("latency", { delay: "1s" }, { name: "everywhere", ...nobody }),
        named("there", { proxies: ["api"], ...nobody }),
      ]),
    );
    for (let n = 0; n < 3; n++) api.connect();
    jobs.connect();
    plan.end(() => true, "healed");
    expect(warnings()).toEqual([
      "here matched 0 of 3 exchanges: no client matches",
      "everywhere matched 0 of 4 connections and exchanges: no client matches",
      "there matched 0 of 3 connections: no client matches",
    ]);
  });

  it("warn of a fault that never came into force, once the profile is through", () => {
    use(
      profile(
        [],
        [
          phase("one", 10, named("late", { when: { after: 10 } })),
          phase("two", 10, named("late", { when: { after: 50 } })),
        ],
      ),
    );
    time.advance(20);
    expect(warnings()).toEqual(["late was never in force"]);
  });

  it("warn once of a name that stands in several phases", () => {
    use(profile([], [phase("one", 10, named("a")), phase("two", 10, named("a"))]));
    time.advance(20);
    expect(warnings()).toEqual(["a matched 0 of 0 connections"]);
  });

  it("do not warn that nobody got in while the door was shut", () => {
    use(profile([fault("down")]));
    plan.end(() => true, "healed");
    expect(warnings()).toEqual([]);
  });

  it("of observed profiles say what would have been hit", () => {
    use(profile([named("a", { when: { every: 2 } })]), { mode: "observe" });
    expect([1, 2, 3, 4].map(() => jobs.connect())).toEqual(["", "a", "", "a"]);
    plan.end(() => true, "healed");
    const ended = facts.of("activation_ended")[0]!;
    expect(ended.mode).toBe("observe");
    expect(ended.faults[0]).toMatchObject({ subjects: 4, matched: 4, hits: 2 });
    expect(facts.of("fault_hit").map(({ effect, observed }) => [effect, observed])).toEqual([
      ["observed", true],
      ["observed", true],
    ]);
  });
});

describe("a fault that needs exchanges", () => {
  const latency = (rest: Partial<CompiledFault>): CompiledFault => fault("latency", { delay: "1s" }, rest);

  it("is in force on proxies that have them, and on no other", () => {
    const api = new Target("api", time);
    api.seams.add("exchange");
    plan.attach(api);
    use(
      profile([
        latency({ name: "any" }),
        latency({ name: "path", match: [{ path: ["/"] }] }),
        latency({ name: "body", at: "body" }),
        latency({ name: "route", when: { every: 2, per: "route" } }),
      ]),
    );
    const names = (target: Target): string[] => target.faults.map((one) => one.origin.fault);
    expect(names(jobs)).toEqual(["any"]);
    expect(names(api)).toEqual(["any", "path", "body", "route"]);
  });

  it("that moves to another place is another fault", () => {
    const api = new Target("api", time);
    api.seams.add("exchange");
    plan.attach(api);
    use(profile([latency({ at: "wire" })]));
    const [before] = api.faults;
    plan.recompile(() => profile([latency({ at: "body" })]));
    expect(api.faults.map(({ at }) => at)).toEqual(["body"]);
    expect(api.faults[0]).not.toBe(before);
  });
});

describe("what a proxy spares", () => {
  it("counts from the next change of the plan on, also for faults that stay", () => {
    const faults = [named("a")];
    use(profile(faults));
    expect(jobs.connect("10.0.0.1")).toBe("a");
    plan.attach(Object.assign(jobs, { except: [{ client: ["10.0.0.1"] }] }));
    expect(jobs.connect("10.0.0.1")).toBe("");
    expect(jobs.connect("10.0.0.2")).toBe("a");
  });
});

describe("a mistake of ours while the plan moves on", () => {
  it("does not keep it from moving on, and from coming to its end", () => {
    use(profile([], [phase("one", 1_000, named("a")), phase("two", 5_000, named("b"))]), { ttl: 4_000 });
    const { apply } = jobs;
    jobs.apply = () => {
      jobs.apply = apply;
      throw new Error("a mistake");
    };
    expect(() => {
      time.advance(1_000);
    }).toThrow("a mistake");
    time.advance(1_000);
    expect(jobs.faults.map((one) => one.origin.fault)).toEqual(["b"]);
    time.advance(2_000);
    expect(jobs.faults).toEqual([]);
  });
});
