/** Members of a pool that go down and come back, in a rhythm: what a balancer in front of them makes bots see. */
import { z } from "zod";
import type { Millis } from "../../../core/clock.js";
import type { Random } from "../../../core/random.js";
import { formatDuration, formatRatio } from "../../../core/units.js";
import {
  defineFault,
  hang,
  hold,
  pass,
  reset,
  type Pass,
  type ReachVerdict,
  type Scope,
  type SharedScope,
  type Sever,
  type Upstream,
  type UpstreamsFault,
} from "../../contract/index.js";
import { NamedDraws, numbered } from "../../draws.js";
import { inJournal } from "../../kit.js";
import { choice, duration, ratio, shown, statusCode } from "../../params.js";
import { PERSONAS, personaAnswer } from "../../personas.js";
import {
  explainRhythm,
  rhythmMistake,
  rhythmParams,
  rhythmsOf,
  type Outage,
  type Rhythm,
  type RhythmParams,
} from "../../rhythm.js";
import { namesOf, refuseNarrowed, targetsIn, upstreamNames, without } from "../../targets.js";

const WAYS = ["refuse", "reset", "blackhole", "status", "drain", "slow", "hidden"] as const;
type Way = (typeof WAYS)[number];

const params = z.object({
  targets: upstreamNames().describe("the upstreams that flap, by name; * stands for all"),
  down: choice(WAYS)
    .default("refuse")
    .describe(
      "what reaching one that is down gives: refused, reset, silence, a response with that status, refused while open connections finish, or slow; hidden: the balancer knows, and does not choose it",
    ),
  status: statusCode().optional().describe("with down: status, the status of the response; 503 by default"),
  persona: choice(PERSONAS)
    .default("plain")
    .describe("whose words the responses have, those of a half-healthy return too"),
  delay: duration()
    .prefault("1s")
    .describe("how much longer reaching it takes with down: slow, and at the beginning of a return"),
  up: z
    .strictObject(
      {
        ramp: duration({ positive: true }).describe(
          "how long a return takes: reaching it takes `delay` longer at first, and less and less",
        ),
        error_rate: ratio()
          .prefault("0%")
          .describe("the share of requests that get a 503 meanwhile, drawn for each"),
      },
      {
        error: (issue) =>
          issue.code === "invalid_type"
            ? `expected a mapping such as { ramp: 10s, error_rate: 20% }, got ${shown(issue.input)}`
            : undefined,
      },
    )
    .optional()
    .describe(
      "how it comes back, `{ ramp, error_rate }`: for the time of `ramp` reaching it takes longer by `delay`, less and less, and that share of requests gets a 503; at once and well by default",
    ),
  existing: choice(["cut", "keep", "drain"])
    .optional()
    .describe(
      "what becomes of connections that are open when it goes down; by default cut with refuse and reset, drain with drain, and keep otherwise",
    ),
  ...rhythmParams,
});
type Params = z.infer<typeof params>;
type Effect = "went_down" | "ended" | "failed" | "slowed" | "passed_over" | "erred";

const EXISTING: Readonly<Record<Way, "cut" | "keep" | "drain">> = {
  refuse: "cut",
  reset: "cut",
  blackhole: "keep",
  status: "keep",
  drain: "drain",
  slow: "keep",
  hidden: "keep",
};

interface Shared {
  /** When the fault took hold: the rhythm goes on from there, whatever becomes of the proxy. */
  readonly startedAt: Millis;
}

/** A moment, and who was down then. */
interface Look {
  readonly at: Millis;
  readonly down: ReadonlySet<string>;
}
const NEVER: Look = { at: -Infinity, down: new Set() };

/** One that has gone down, how often, and the last time. */
interface Gone {
  readonly name: string;
  readonly times: number;
  readonly outage: Outage;
}

class Flap implements UpstreamsFault {
  readonly #draws: NamedDraws;
  readonly #errors = new Map<string, Random>();
  #rhythms: ReadonlyMap<string, Rhythm> = new Map();
  #builtFor: readonly unknown[] = [];
  /** The last wake, and those that have gone down since the wake before it. */
  #woken = NEVER;
  #struck: Set<string> = new Set();
  /** Up to here it was told who went down. */
  #told = NEVER;
  wakeAt: Millis;

  constructor(
    private readonly scope: Scope<Params, Effect, Shared>,
    private readonly pool: readonly Upstream[],
  ) {
    this.#draws = new NamedDraws(scope.random);
    // At once: one may be down from the first moment on, and what is open to it must hear of it.
    this.wakeAt = scope.now();
  }

  candidates(pool: readonly Upstream[]): readonly Upstream[] {
    if (this.scope.params.down !== "hidden") return pool;
    const now = this.scope.now();
    const left = without(pool, ({ name }) => this.#outage(name, now) !== null);
    if (left !== pool) this.scope.count("passed_over", pool.length - left.length);
    return left;
  }

  reach({ name }: Upstream): ReachVerdict {
    const now = this.scope.now();
    const rhythm = this.#current().get(name);
    if (rhythm === undefined) return pass;
    // What comes of this was not there when it went down, and `existing` may be asked for other reasons too.
    this.#struck.delete(name);
    if (rhythm.during(now) !== null) return this.#whileDown(name);
    const last = rhythm.outage(rhythm.begun(now));
    return last === null ? pass : this.#returning(name, now - last.until);
  }

  existing({ name }: Upstream): Pass | Sever | { readonly do: "drain" } {
    const { down, existing = EXISTING[down] } = this.scope.params;
    // Nobody gets through to one that is down, but to a slow one: only those are meant who were there before.
    const hit = this.#struck.has(name) || (this.#woken.down.has(name) && down !== "slow");
    if (!hit || existing === "keep") return pass;
    return existing === "cut" ? reset : { do: "drain" };
  }

  ended({ name }: Upstream): void {
    this.scope.count("ended", 1, { upstream: name });
  }

  notice(): void {
    const now = this.scope.now();
    const { down, gone } = this.#since(this.#told, now);
    for (const { name, times, outage } of gone) {
      const lasts = outage.until - outage.from;
      this.scope.count("went_down", times, {
        upstream: name,
        ...(lasts === Infinity ? {} : { down_for_ms: inJournal(lasts) }),
      });
    }
    this.#told = { at: now, down };
  }

  wake(): void {
    this.notice();
    const now = this.scope.now();
    const { down, gone } = this.#since(this.#woken, now);
    this.#struck = new Set(gone.map(({ name }) => name));
    this.#woken = { at: now, down };
    this.wakeAt = Infinity;
    for (const rhythm of this.#current().values()) this.wakeAt = Math.min(this.wakeAt, rhythm.next(now));
  }

  /** Who is down now, and who has gone down since. */
  #since(before: Look, now: Millis): { readonly down: ReadonlySet<string>; readonly gone: readonly Gone[] } {
    const down = new Set<string>();
    const gone: Gone[] = [];
    for (const [name, rhythm] of this.#current()) {
      const begun = rhythm.begun(now);
      const isDown = rhythm.during(now) !== null;
      // A timer that came late may have slept through a whole outage, which is no reason to leave it out.
      const missed = begun - rhythm.begun(before.at);
      const times = Math.max(missed, isDown && !before.down.has(name) ? 1 : 0);
      if (isDown) down.add(name);
      const outage = rhythm.outage(begun);
      if (times > 0 && outage !== null) gone.push({ name, times, outage });
    }
    return { down, gone };
  }

  #whileDown(name: string): ReachVerdict {
    const { down, status = 503, persona, delay } = this.scope.params;
    if (down === "hidden") return pass;
    if (down === "slow") return this.#slow(name, delay);
    this.scope.count("failed", 1, { upstream: name });
    switch (down) {
      case "refuse":
      case "drain":
        return { do: "refuse" };
      case "reset":
        return reset;
      case "blackhole":
        return hang;
      case "status":
        return personaAnswer(persona, status, { now: this.scope.wallTime(), why: "no_upstream" });
    }
  }

  /** So long after it came back. */
  #returning(name: string, since: Millis): ReachVerdict {
    const { up, persona, delay } = this.scope.params;
    if (up === undefined || since >= up.ramp) return pass;
    if (up.error_rate > 0 && this.#luckOf(name).chance(up.error_rate)) {
      this.scope.count("erred", 1, { upstream: name });
      return personaAnswer(persona, 503, { now: this.scope.wallTime(), why: "no_upstream" });
    }
    return this.#slow(name, delay * (1 - since / up.ramp));
  }

  #slow(name: string, delay: Millis): ReachVerdict {
    if (delay === 0) return pass;
    this.scope.count("slowed", 1, { upstream: name, delay_ms: inJournal(delay) });
    this.scope.delayed(delay);
    return hold(delay);
  }

  #luckOf(name: string): Random {
    const known = this.#errors.get(name);
    if (known !== undefined) return known;
    const luck = numbered(this.#draws.key("errors", name), 0);
    this.#errors.set(name, luck);
    return luck;
  }

  #outage(name: string, now: Millis): unknown {
    return this.#current().get(name)?.during(now) ?? null;
  }

  /** The rhythms for the parameters as they are now. */
  #current(): ReadonlyMap<string, Rhythm> {
    const { params: now, shared } = this.scope;
    const key = keyOf(now);
    if (key.some((part, index) => part !== this.#builtFor[index])) {
      this.#builtFor = key;
      this.#rhythms = rhythmsOf(targetsIn(now.targets, this.pool), now, shared.startedAt, this.#draws);
    }
    return this.#rhythms;
  }
}

/** Everything that a rhythm hangs on. */
function keyOf({ targets, ...terms }: RhythmParams & { readonly targets: readonly string[] }): unknown[] {
  const { pattern, period, duty, jitter, phase, count, settle } = terms;
  return [targets, pattern, period, duty, jitter, phase, count, settle];
}

const DOWN: Readonly<Record<Exclude<Way, "status">, string>> = {
  refuse: "refusing connections",
  reset: "resetting connections",
  blackhole: "silent",
  drain: "draining",
  slow: "slow",
  hidden: "out of the balancer's choice",
};

export default defineFault({
  type: "flap",
  summary: "Takes upstreams of a pool down and lets them come back, in a rhythm.",
  params,
  example: {
    type: "flap",
    targets: ["a"],
    down: "refuse",
    pattern: ["up 5s", "down 300ms"],
    jitter: "100ms",
  },
  effects: {
    went_down: "times that an upstream went down",
    ended: "connections to one that were open when it went down, and were cut",
    failed: "attempts to reach one that was down, and failed",
    slowed: "attempts to reach one that took longer",
    passed_over: "upstreams that the balancer did not choose from since it knew",
    erred: "requests that got a 503 from an upstream that was coming back",
  },
  entries: 100,
  directions: null,
  explain: (current) => {
    const { targets, down, status = 503, delay, up, existing = EXISTING[down] } = current;
    const how = down === "status" ? `answering ${status}` : DOWN[down];
    const open = { cut: "cut", keep: "kept", drain: "drained" }[existing];
    return (
      `lets ${namesOf(targets)} flap (${explainRhythm(current)}), ${how}` +
      (down === "slow" ? ` by ${formatDuration(delay)}` : "") +
      ` while down, with open connections ${open}` +
      (up === undefined
        ? ""
        : `, and come back half-healthy over ${formatDuration(up.ramp)}` +
          (up.error_rate === 0 ? "" : ` (${formatRatio(up.error_rate)} of requests get a 503)`))
    );
  },
  check: ({ params: current, narrowed }) => {
    if (current.status !== undefined && current.down !== "status")
      return { path: "status", message: "goes with down: status, and with nothing else" };
    return rhythmMistake(current) ?? refuseNarrowed({ narrowed });
  },
  shared: (scope: SharedScope<Params>): Shared => ({ startedAt: scope.now() }),
  upstreams: (scope, pool) => new Flap(scope, pool),
});
