/** `when`: which of the matching subjects are hit. */
import { describe, expect, it } from "vitest";
import type { MatchEntry } from "../../src/config/match.js";
import type { WhenEntry } from "../../src/config/conditions.js";
import { admissionDraw, drawKey } from "../../src/core/random.js";
import { KEYS_REMEMBERED, WhenAdmission } from "../../src/plan/when.js";
import type { SubjectInfo } from "../../src/pipeline/subject-info.js";
import { exchangeSubject } from "../support/exchange-subject.js";
import { fault } from "../support/lab.js";

const admission = (when: WhenEntry, probability = 1): WhenAdmission =>
  new WhenAdmission(fault("half_open", {}, { when }), [], () => probability);
const subject = (bot = "x", connection = 1): SubjectInfo => ({ bot, connection, client: "127.0.0.1" });
const never = (): number => {
  throw new Error("nobody asked for a draw");
};

/** `1` for each that was hit. */
const pattern = (of: WhenAdmission, n: number, one = subject(), draw = never): string =>
  Array.from({ length: n }, () => (of.fires(one, draw) ? "1" : "0")).join("");

describe("when", () => {
  it("hits everybody when nothing is said, and needs no draw for it", () => {
    expect(pattern(admission({}), 5)).toBe("11111");
  });

  it("skips the first, and then hits each so-manyeth", () => {
    expect(pattern(admission({ skip: 2 }), 5)).toBe("00111");
    expect(pattern(admission({ every: 3 }), 9)).toBe("001001001");
    expect(pattern(admission({ skip: 2, every: 3 }), 9)).toBe("000010010");
  });

  it("stops after so many hits", () => {
    expect(pattern(admission({ count: 2 }), 5)).toBe("11000");
    expect(pattern(admission({ skip: 1, every: 2, count: 2 }), 9)).toBe("001010000");
  });

  it("leaves the first two alone, then hits each fifth, three times per bot", () => {
    const each = admission({ skip: 2, every: 5, count: 3, per: "bot" });
    for (const bot of ["x", "y"]) expect(pattern(each, 25, subject(bot))).toBe("0000001000010000100000000");
  });

  it("counts for all together by default, and for each connection when told so", () => {
    const together = admission({ count: 1 });
    expect([together.fires(subject("x"), never), together.fires(subject("y"), never)]).toEqual([true, false]);
    const apart = admission({ count: 1, per: "connection" });
    expect([1, 2, 2].map((connection) => apart.fires(subject("x", connection), never))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("counts for each route when told so: by the pattern that knows the path, and by the method", () => {
    const each = new WhenAdmission(
      fault(
        "latency",
        { delay: "1s" },
        { match: [{ path: ["/jobs/:id"] }, { path: ["/**"] }], when: { every: 2, per: "route" } },
      ),
      [],
      () => 1,
    );
    const fires = (method: string, path: string): boolean =>
      each.fires(exchangeSubject({ method, path }), never);
    expect([fires("GET", "/jobs/1"), fires("GET", "/jobs/2"), fires("GET", "/jobs/3")]).toEqual([
      false,
      true,
      false,
    ]);
    expect([fires("POST", "/jobs/4"), fires("POST", "/jobs/5")]).toEqual([false, true]);
    expect([fires("GET", "/bots/1"), fires("GET", "/bots/2")]).toEqual([false, true]);
  });

  it("hits exactly the ordinals that it is given, from 1, and keeps the probability", () => {
    expect(pattern(admission({ only: [1, 3, 7] }), 9)).toBe("101000100");
    const asked: number[] = [];
    const half = admission({ only: [2, 4] }, 0.5);
    const draw = (): number => (asked.push(1) === 1 ? 0.9 : 0.1);
    expect(pattern(half, 6, subject(), draw)).toBe("000100");
    expect(asked).toHaveLength(2);
    expect(admission({ only: [2] }).weighs(() => 0)).toBeNull();
  });

  it("counts for each bot and route together when both are listed", () => {
    const each = new WhenAdmission(
      fault(
        "latency",
        { delay: "1s" },
        { match: [{ path: ["/jobs/:n"] }], when: { only: [2], per: ["bot", "route"] } },
      ),
      [],
      () => 1,
    );
    const fires = (bot: string, method: string, path: string): boolean =>
      each.fires({ ...exchangeSubject({ method, path }), bot }, never);
    expect([
      fires("a", "GET", "/jobs/1"),
      fires("b", "GET", "/jobs/2"),
      fires("a", "POST", "/jobs/1"),
    ]).toEqual([false, false, false]);
    expect([
      fires("a", "GET", "/jobs/3"),
      fires("b", "GET", "/jobs/4"),
      fires("a", "POST", "/jobs/9"),
    ]).toEqual([true, true, true]);
    expect([fires("a", "GET", "/jobs/5"), fires("b", "GET", "/jobs/5")]).toEqual([false, false]);
  });

  describe("that follows retries", () => {
    const followed = (when: WhenEntry = {}): ((parts: Parameters<typeof exchangeSubject>[0]) => boolean) => {
      const one = new WhenAdmission(
        fault("lost_request", {}, { when: { only: [1], per: ["bot", "route"], follow: "retries", ...when } }),
        [],
        () => 1,
      );
      return (parts) => one.fires(exchangeSubject(parts), never);
    };
    const work = { method: "POST", path: "/jobs", headers: { "content-length": ["4"] } };

    it("knows a request again by method, target, length and type of body, and by its bot", () => {
      const fires = followed();
      expect([fires(work), fires(work), fires({ ...work, headers: { "content-length": ["5"] } })]).toEqual([
        true,
        true,
        false,
      ]);
      expect(fires({ ...work, target: "/jobs?page=2" })).toBe(false);
      expect(fires(work)).toBe(true);
      expect([fires({ ...work, bot: "y", path: "/jobs" }), fires({ ...work, bot: "z" })]).toEqual([
        true,
        true,
      ]);
    });

    it("tells requests apart by their bodies, as far as these are known", () => {
      const fires = followed({ only: [1, 4] });
      const said = (body?: string): boolean => fires(body === undefined ? work : { ...work, body });
      expect([said("work"), said("rest"), said("work"), said("rest"), said("rest"), said("best")]).toEqual([
        true, // hit by its own rules
        false,
        true,
        true, // hit by its own rules, too
        true,
        false,
      ]);
      // A retry whose body is not known may be any of them.
      expect(said()).toBe(true);
      const unknown = followed();
      expect([unknown(work), unknown({ ...work, body: "rest" })]).toEqual([true, true]);
      const keyed = followed();
      const key = { ...work, headers: { "idempotency-key": ["a"] } };
      expect([keyed({ ...key, body: "work" }), keyed({ ...key, body: "rest" })]).toEqual([true, true]);
    });

    it("knows a request with a key again by the key alone", () => {
      const fires = followed({ per: "proxy" });
      const keyed = (key: string, path = "/jobs") => ({
        ...work,
        path,
        headers: { "idempotency-key": [key] },
      });
      expect([fires(keyed("a")), fires(keyed("b")), fires(keyed("a")), fires(work)]).toEqual([
        true,
        false,
        true,
        false,
      ]);
      expect(fires(keyed("a", "/elsewhere"))).toBe(true);
    });

    it("counts no retry as a hit, and weighs nobody anew", () => {
      const fires = followed({ only: undefined as never, count: 1, per: "proxy" });
      expect([fires(work), fires(work), fires({ ...work, path: "/b" }), fires(work)]).toEqual([
        true,
        true,
        false,
        true,
      ]);
      expect(admission({ follow: "retries", probability: 0.5 }).weighs(() => 0)).toBeNull();
    });

    it("knows so many again and no more", () => {
      const one = new WhenAdmission(
        fault("lost_request", {}, { when: { count: KEYS_REMEMBERED + 1, follow: "retries" } }),
        [],
        () => 1,
      );
      const fires = (n: number): boolean => one.fires(exchangeSubject({ path: `/${n}` }), never);
      for (let n = 0; n <= KEYS_REMEMBERED; n++) expect(fires(n)).toBe(true);
      expect([fires(KEYS_REMEMBERED), fires(0)]).toEqual([true, false]);
      expect(one.evicted).toBe(1);
    });
  });

  describe("that lasts", () => {
    const outage = (when: WhenEntry) => {
      let now = 0;
      const one = new WhenAdmission(
        fault("lost_request", {}, { when: { lasts: 100, ...when } }),
        [],
        () => 1,
        null,
        null,
        () => now,
      );
      const fires = (at: number, bot: string, path = "/jobs"): boolean => {
        now = at;
        return one.fires(exchangeSubject({ bot, path }), never);
      };
      return { one, fires };
    };

    it("hits whatever matches, of any bot and route, from a hit on and for so long", () => {
      const { fires } = outage({ only: [2], per: ["bot", "route"] });
      expect([fires(0, "a"), fires(1, "b"), fires(5, "a"), fires(6, "c", "/other"), fires(104, "b")]).toEqual(
        [false, false, true, true, true],
      );
      expect([fires(105, "a"), fires(106, "b"), fires(107, "c")]).toEqual([false, false, false]);
    });

    it("is made no longer by what it hits, and counts none of that as a hit", () => {
      const { fires } = outage({ count: 2, per: "proxy" });
      expect([fires(0, "a"), fires(90, "a"), fires(101, "a"), fires(190, "a"), fires(202, "a")]).toEqual([
        true,
        true,
        true,
        true,
        false,
      ]);
    });

    it("weighs nobody anew, and goes on under other rules", () => {
      const { one, fires } = outage({ only: [1] });
      expect(one.weighs(() => 0)).toBeNull();
      expect(fires(0, "a")).toBe(true);
      const other = one.replacedBy(
        fault("lost_request", {}, { when: { lasts: 100, only: [9] } }),
        [],
        () => 1,
      );
      expect(other.fires(exchangeSubject({ bot: "b" }), never)).toBe(true);
    });
  });

  it("takes no two bots for one, whatever they call themselves", () => {
    const each = admission({ only: [2], per: ["bot", "connection"] });
    expect(each.fires(subject("x1", 2), never)).toBe(false);
    expect(each.fires(subject("x", 12), never)).toBe(false);
    expect(each.fires(subject("x1", 2), never)).toBe(true);
  });

  it("asks probability after skip and every, and counts hits, not tries", () => {
    const draws = [0.9, 0.1, 0.9, 0.1, 0.1];
    let asked = 0;
    const half = admission({ skip: 1, every: 2, count: 2 }, 0.5);
    expect(pattern(half, 11, subject(), () => draws[asked++]!)).toBe("00001000100");
    expect(asked).toBe(5);
  });

  it("never fires at 0 %, not even on a draw of 0", () => {
    expect(pattern(admission({}, 0), 3, subject(), () => 0)).toBe("000");
  });

  it("always fires at 100 %, and reads a probability that moves", () => {
    expect(pattern(admission({}, 1), 3, subject(), () => 1 - 2 ** -53)).toBe("111");
    let probability = 0;
    const moving = new WhenAdmission(fault("half_open"), [], () => probability);
    const fires = (): boolean => moving.fires(subject(), () => 0.5);
    expect(fires()).toBe(false);
    probability = 0.6;
    expect(fires()).toBe(true);
  });

  it.each([0.0001, 0.01, 0.5, 0.99])("hits a share of %d within three standard errors", (p) => {
    const n = 1_000_000;
    const each = admission({}, p);
    const key = drawKey({
      seed: 1,
      activation: "a",
      phase: "",
      pass: 0,
      fault: "f",
      proxy: "jobs",
      bot: "x",
    });
    let hits = 0;
    for (let ordinal = 0; ordinal < n; ordinal++) {
      if (each.fires(subject(), () => admissionDraw(key, ordinal))) hits++;
    }
    expect(Math.abs(hits / n - p)).toBeLessThanOrEqual(3 * Math.sqrt((p * (1 - p)) / n));
  });

  it("keeps its counters when its text changes", () => {
    const before = admission({ count: 3, per: "bot" });
    expect(pattern(before, 2)).toBe("11");
    const after = before.replacedBy(fault("half_open", {}, { when: { count: 4, per: "bot" } }), [], () => 1);
    expect(pattern(after, 4)).toBe("1100");
  });

  it("remembers so many bots and no more, and says how many it has forgotten", () => {
    const each = admission({ count: 1, per: "bot" });
    for (let bot = 0; bot < KEYS_REMEMBERED + 5; bot++)
      expect(each.fires(subject(`bot-${bot}`), never)).toBe(true);
    expect(each.evicted).toBe(5);
    expect(each.fires(subject(`bot-${KEYS_REMEMBERED}`), never)).toBe(false);
  });
});

describe("match and except", () => {
  it("are asked of the client, and either list of exceptions is enough", () => {
    const of = new WhenAdmission(
      fault("half_open", {}, { match: [{ client: ["10.0.0.0/8"] }], except: [{ client: ["10.0.0.1"] }] }),
      [{ client: ["10.0.0.2"] }],
      () => 1,
    );
    const clients = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "192.168.0.1"];
    expect(clients.map((client) => of.matches({ bot: "x", connection: 1, client }))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });
});

describe("a status", () => {
  const needs = (match: MatchEntry[], except: MatchEntry[] = []): boolean =>
    new WhenAdmission(fault("half_open", {}, { match, except }), [], () => 1).needsStatus;

  it("is needed if match or except ask for it, and only then", () => {
    expect(needs([])).toBe(false);
    expect(needs([{ path: ["/"] }], [{ method: ["GET"] }])).toBe(false);
    expect(needs([{ path: ["/"] }, { status: ["5xx"] }])).toBe(true);
    expect(needs([], [{ status: ["5xx"] }])).toBe(true);
  });
});
