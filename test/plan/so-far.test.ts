/** How much an activation has hit so far, and why nothing if nothing: the figures are the books' own. */
import { beforeEach, describe, expect, it } from "vitest";
import type { MatchEntry } from "../../src/config/match.js";
import { VirtualClock } from "../../src/core/clock.js";
import { Ledger } from "../../src/core/ledger.js";
import type { Seam } from "../../src/faults/contract/index.js";
import type { ArmedFault } from "../../src/pipeline/armed.js";
import type { SubjectInfo } from "../../src/pipeline/subject-info.js";
import { LivePlan } from "../../src/plan/live.js";
import type { PlanTarget } from "../../src/plan/targets.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { FactBook, fault, profile, request, TYPES } from "../support/lab.js";

let plan: LivePlan;
let faults: readonly ArmedFault[];
let asked: number;

beforeEach(() => {
  asked = 0;
  const clock = new VirtualClock(1_000);
  plan = new LivePlan({
    clock,
    facts: new FactBook(),
    ledger: new Ledger(),
    types: TYPES,
    version: "0",
    seed: 1,
  });
  const target: PlanTarget = {
    name: "jobs",
    seams: new Set<Seam>(["connection", "stream", "listener", "exchange"]),
    except: [],
    apply: (armed) => {
      faults = armed;
    },
  };
  plan.attach(target);
});

function use(rest: Partial<CompiledFault>, mode: "inject" | "observe" = "inject"): void {
  const compiled = profile([fault("latency", { delay: "1s" }, { name: "slow", ...rest })]);
  plan.replace([request(compiled, { profile: "p", mode })]);
}

function ask(path: string, method = "GET", headers: Readonly<Record<string, string>> = {}): void {
  const exchange = {
    id: ++asked,
    method,
    path,
    target: "/",
    host: "h",
    upstream: "u",
    status: null,
    headers: (name: string) => {
      looks++;
      return headers[name] === undefined ? [] : [headers[name]];
    },
    queries: () => [],
  };
  const subject: SubjectInfo = { bot: "b", connection: 1, client: "10.0.0.1", exchange };
  for (const one of faults) one.admit(subject)?.count("delayed");
}

/** How often a header was looked for. */
let looks = 0;

const text = (): string | undefined => plan.soFar("p")[0]?.text;
const matching = (...match: MatchEntry[]): Partial<CompiledFault> => ({ match });

describe("what was hit so far", () => {
  it("is told with the figures of the books, of this activation alone", () => {
    use({ when: { every: 2 } });
    expect(text()).toBe("no exchanges so far");
    for (let n = 0; n < 5; n++) ask("/jobs");
    expect(plan.soFar("p")).toEqual([
      {
        proxy: "jobs",
        fault: "slow",
        type: "latency",
        of: "exchanges",
        subjects: 5,
        matched: 5,
        hits: 2,
        effects: { delayed: 2 },
        text: "2 of 5 exchanges so far",
      },
    ]);
    expect(plan.soFar("q")).toEqual([]);
    use({});
    expect(text()).toBe("no exchanges so far");
  });

  it("says how many match where not all do, and that none was hit where none was", () => {
    use({ ...matching({ path: ["/a"] }), when: { skip: 1 } });
    ask("/b");
    ask("/a");
    expect(text()).toBe("0 of 2 exchanges so far: 1 matches, and none was hit yet");
    ask("/a");
    expect(text()).toBe("1 of 3 exchanges so far, of which 2 match");
  });

  it("says what would have been hit where faults are only observed", () => {
    use({}, "observe");
    ask("/a");
    expect(text()).toBe("would have hit 1 of 1 exchanges so far");
  });
});

describe("why nothing matches", () => {
  it("is the key that has held for nobody", () => {
    use(matching({ path: ["/y"] }));
    for (let n = 0; n < 66; n++) ask("/x");
    expect(text()).toBe("0 of 66 exchanges so far: no path matches");
  });

  it("is each of several keys, or that they never held at once", () => {
    use(matching({ method: ["POST"], path: ["/y"], header: { "x-bot": ["7"] } }));
    ask("/x");
    expect(text()).toBe("0 of 1 exchanges so far: no method and no path and no header x-bot matches");
    ask("/x", "POST");
    expect(text()).toBe("0 of 2 exchanges so far: no path and no header x-bot matches");
    ask("/y", "GET");
    ask("/z", "GET", { "x-bot": "7" });
    expect(text()).toBe("0 of 4 exchanges so far: none matches in method and path and header x-bot at once");
  });

  it("is what except spares, where match alone would hold", () => {
    use({ ...matching({ path: ["/y"] }), except: [{ client: ["10.0.0.0/8"] }] });
    ask("/x");
    expect(text()).toBe("0 of 1 exchanges so far: no path matches");
    ask("/y");
    expect(text()).toBe("0 of 2 exchanges so far: except spares all that match");
  });

  it("is not said where the rules have changed meanwhile", () => {
    use(matching({ path: ["/y"] }));
    ask("/x");
    const compiled = profile([
      fault("latency", { delay: "1s" }, { name: "slow", match: [{ path: ["/z"] }] }),
    ]);
    plan.recompile(() => compiled);
    ask("/x");
    expect(text()).toBe("0 of 2 exchanges so far");
  });

  it("costs nothing any more once somebody has matched", () => {
    use(matching({ path: ["/y"], header: { "x-bot": ["7"] } }));
    ask("/y", "GET", { "x-bot": "7" });
    const before = looks;
    ask("/x");
    expect(looks).toBe(before);
  });
});
