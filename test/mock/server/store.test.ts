import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import type { Job, JobSpec } from "../../../src/mock/server/job.js";
import type { JobRecords } from "../../../src/mock/server/records.js";
import type { Refusal } from "../../../src/mock/server/refusal.js";
import { JobStore, type JobStoreOptions } from "../../../src/mock/server/store.js";

const LEASE = 30_000;
const anna = { id: "bot-anna", capabilities: [] };
const ben = { id: "bot-ben", capabilities: [] };

function setUp(options: Partial<JobStoreOptions> = {}) {
  const clock = new VirtualClock();
  const store = new JobStore({ clock, lease: LEASE, ...options });
  const submit = (spec: Partial<JobSpec> = {}, key: string | null = null): Job =>
    store.submit({ type: "test", payload: null, depends_on: [], timeout: null, priority: 0, ...spec }, key)
      .job;
  const lease = (bot = anna, key: string | null = null) => {
    const leased = store.lease(bot, key);
    if (!leased) throw new Error("there was no job to lease");
    return leased;
  };
  const complete = (): string => {
    const leased = lease();
    return store.settle(leased.job.id, leased.lease.id, "completed", null).job.id;
  };
  return { clock, store, submit, lease, complete };
}

function refusal(run: () => unknown): Refusal {
  try {
    run();
  } catch (error) {
    return error as Refusal;
  }
  throw new Error("nothing was refused");
}

/** Jobs as text, as a real store would have them: what was not saved is not there after a restart. */
function textRecords(): JobRecords {
  const texts = new Map<string, string>();
  return {
    load: () => [...texts.values()].map((text) => JSON.parse(text) as Job),
    save: (job) => void texts.set(job.id, JSON.stringify(job)),
    remove: (id) => void texts.delete(id),
    flushed: () => Promise.resolve(),
  };
}

describe("the order of jobs", () => {
  it("is by priority, then by submission", () => {
    const { submit, complete } = setUp();
    const first = submit();
    const second = submit();
    const urgent = submit({ priority: 5 });
    const late = submit({ priority: -5 });
    const third = submit();
    expect([1, 2, 3, 4, 5].map(complete)).toEqual([urgent, first, second, third, late].map((job) => job.id));
  });

  it("holds a job back until all that it depends on have completed", () => {
    const { store, submit, lease, complete } = setUp();
    const a = submit();
    const b = submit();
    const last = submit({ depends_on: [a.id, b.id], priority: 100 });
    expect(last).toMatchObject({ state: "waiting", waiting_for: [a.id, b.id] });
    expect(complete()).toBe(a.id);
    const { job, lease: held } = lease();
    expect(job.id).toBe(b.id);
    expect(store.lease(ben, null)).toBeNull();
    store.settle(b.id, held.id, "completed", null);
    expect(complete()).toBe(last.id);
  });

  it("does not hold a job back for what has completed before", () => {
    const { submit, complete } = setUp();
    const a = submit();
    complete();
    expect(submit({ depends_on: [a.id] }).state).toBe("queued");
  });

  it("fails all that depend, near and far, on a job that failed", () => {
    const { store, submit, lease } = setUp();
    const a = submit();
    const b = submit({ depends_on: [a.id] });
    const c = submit({ depends_on: [a.id, b.id] });
    const { lease: held } = lease();
    store.settle(a.id, held.id, "failed", { reason: "no" });
    const late = submit({ depends_on: [c.id] });
    expect([a, b, c, late].map((job) => job.state)).toEqual(["failed", "failed", "failed", "failed"]);
    expect(b.settlement?.result).toEqual({ reason: `it depends on ${a.id}, which failed` });
    expect(store.pending).toBe(0);
  });

  it("refuses to depend on a job that does not exist", () => {
    const { submit } = setUp();
    const { code, detail } = refusal(() => submit({ depends_on: ["job-9"] }));
    expect(code).toBe("bad_request");
    expect(detail.reasons).toEqual([`depends_on: There is no job "job-9"; it may have finished long ago.`]);
  });

  it("gives a bot only jobs of the types that it can do", () => {
    const { store, submit } = setUp();
    submit({ type: "paint", priority: 9 });
    const wash = submit({ type: "wash" });
    const cleaner = { id: "bot-cleaner", capabilities: ["wash", "iron"] };
    expect(store.lease(cleaner, null)?.job.id).toBe(wash.id);
    expect(store.lease(cleaner, null)).toBeNull();
  });
});

describe("a lease", () => {
  it("expires, and the job takes its old place in the queue", () => {
    const { clock, store, submit, lease } = setUp();
    const job = submit();
    const next = submit();
    lease();
    clock.advance(LEASE - 1);
    expect(job.state).toBe("leased");
    clock.advance(1);
    store.expire();
    expect(job.state).toBe("queued");
    expect([lease(ben).job.id, lease(ben).job.id]).toEqual([job.id, next.id]);
    expect(job.counts).toMatchObject({ leases: 2, expired: 1, executions: 0 });
  });

  it("is extended by each heartbeat", () => {
    const { clock, store, submit, lease } = setUp();
    const job = submit();
    const held = lease().lease;
    for (const progress of [0.2, 0.4, 0.6]) {
      clock.advance(LEASE - 1);
      store.heartbeat(job.id, held.id, progress);
    }
    expect(job).toMatchObject({ state: "leased", progress: 0.6 });
    expect(job.counts).toMatchObject({ leases: 1, executions: 1 });
  });

  it("ends at the timeout of the job, heartbeats or not", () => {
    const { clock, store, submit, lease } = setUp();
    const job = submit({ timeout: 45_000 });
    const held = lease().lease;
    clock.advance(20_000);
    expect(store.heartbeat(job.id, held.id, null).lease.expires).toBe(45_000);
    clock.advance(25_000);
    expect(refusal(() => store.heartbeat(job.id, held.id, null)).status).toBe(409);
    expect(job.state).toBe("queued");
  });

  it("that is stale extends and settles nothing, and its calls are counted", () => {
    const { clock, store, submit, lease } = setUp();
    const job = submit();
    const stale = lease(anna).lease;
    clock.advance(LEASE);
    const held = lease(ben).lease;
    for (const call of [
      () => store.heartbeat(job.id, stale.id, 0.5),
      () => store.settle(job.id, stale.id, "completed", "anna's"),
      () => store.settle(job.id, stale.id, "failed", "anna's"),
    ]) {
      expect(refusal(call)).toMatchObject({
        status: 409,
        message: `The lease expired; ${job.id} is leased now.`,
      });
    }
    store.settle(job.id, held.id, "completed", "ben's");
    expect(job.settlement?.result).toBe("ben's");
    expect(job.counts).toMatchObject({ leases: 2, executions: 2, completions: 1, refused: 3 });
  });

  it("is refused while nobody has the job, although nobody would be harmed", () => {
    const { clock, store, submit, lease } = setUp();
    const job = submit();
    const stale = lease().lease;
    clock.advance(LEASE);
    expect(refusal(() => store.settle(job.id, stale.id, "completed", null)).code).toBe("stale_lease");
    expect(job.state).toBe("queued");
  });

  it("is given again to the same idempotency key, for as long as it holds", () => {
    const { clock, store, submit, lease } = setUp();
    submit();
    submit();
    const first = lease(anna, "key-1");
    expect(lease(anna, "key-1").lease).toBe(first.lease);
    expect(lease(ben, "key-1").job.id).not.toBe(first.job.id);
    expect(first.job.counts.leases).toBe(1);
    clock.advance(LEASE);
    expect(lease(anna, "key-1").lease.id).not.toBe(first.lease.id);
    expect(store.totals()).toMatchObject({ leases: 3, expired: 2 });
  });
});

describe("settling a job", () => {
  it("is idempotent by lease", () => {
    const { clock, store, submit, lease } = setUp();
    const job = submit();
    const held = lease().lease;
    expect(store.settle(job.id, held.id, "completed", 1).repeated).toBe(false);
    clock.advance(10 * LEASE);
    expect(store.settle(job.id, held.id, "completed", 2).repeated).toBe(true);
    expect(job.settlement?.result).toBe(1);
    expect(job.counts).toMatchObject({ completions: 1, repeated: 1, refused: 0 });
  });

  it("cannot be changed afterwards, nor be kept alive", () => {
    const { store, submit, lease } = setUp();
    const job = submit();
    const held = lease().lease;
    store.settle(job.id, held.id, "completed", null);
    const { status, message } = refusal(() => store.settle(job.id, held.id, "failed", null));
    expect([status, message]).toEqual([409, `The lease is over; ${job.id} is completed now.`]);
    expect(refusal(() => store.heartbeat(job.id, held.id, 1)).status).toBe(409);
    expect(refusal(() => store.settle(job.id, "guessed", "completed", null)).message).toContain(
      "no such lease",
    );
  });
});

describe("submitting", () => {
  it("under the same key gives the same job, and refuses another one", () => {
    const { store, submit } = setUp();
    const job = submit({ payload: { size: 1 } }, "key");
    expect(submit({ payload: { size: 1 } }, "key")).toBe(job);
    expect(refusal(() => submit({ payload: { size: 2 } }, "key")).code).toBe("idempotency_key_reused");
    expect(store.totals().submitted).toBe(1);
  });

  it("is refused when too many jobs are unfinished, with when to come again", () => {
    const { submit, complete } = setUp({ pendingMax: 2 });
    submit();
    submit();
    expect(refusal(() => submit())).toMatchObject({
      status: 429,
      detail: { headers: { "retry-after": "1" } },
    });
    complete();
    expect(submit().state).toBe("queued");
  });

  it("is refused when unfinished jobs hold all the bytes there are", () => {
    const { submit, complete } = setUp({ bytesMax: 1_000 });
    submit({ payload: "x".repeat(800) });
    expect(refusal(() => submit({ payload: "x".repeat(800) })).code).toBe("queue_full");
    complete();
    expect(submit({ payload: "x".repeat(800) }).state).toBe("queued");
  });
});

it("forgets the oldest finished jobs, but not that they were", () => {
  const { store, submit, complete } = setUp({ finishedMax: 2 });
  const [first, ...others] = [submit({}, "a"), submit({}, "b"), submit({}, "c")];
  for (let count = 0; count < 3; count++) complete();
  expect(refusal(() => store.get(first!.id)).status).toBe(404);
  expect(store.list().map((job) => job.id)).toEqual(others.map((job) => job.id));
  expect(store.totals()).toMatchObject({ submitted: 3, completions: 3, forgotten: 1 });
  expect(submit({}, "a").id).not.toBe(first!.id);
});

describe("a store that starts with the records of another", () => {
  it("knows the queue, the leases, the keys and the counts", () => {
    const records = textRecords();
    const before = setUp({ records });
    const done = before.submit({}, "key-done");
    before.complete();
    const held = before.submit({ priority: 3 });
    const { lease } = before.lease();
    const queued = before.submit({ payload: { n: 1 } });
    const waiting = before.submit({ depends_on: [held.id] });

    const after = setUp({ records });
    expect(after.store.list().map((job) => [job.id, job.state])).toEqual([
      [done.id, "completed"],
      [held.id, "leased"],
      [queued.id, "queued"],
      [waiting.id, "waiting"],
    ]);
    expect(after.submit({}, "key-done").id).toBe(done.id);
    after.store.settle(held.id, lease.id, "completed", null);
    expect(after.store.get(waiting.id).state).toBe("queued");
    expect(after.store.totals()).toMatchObject({ submitted: 4, leases: 2, completions: 2 });
    expect(after.submit().order).toBe(5);
  });

  it("lets leases run anew, since the bots could not reach it", () => {
    const records = textRecords();
    const before = setUp({ records });
    const job = before.submit();
    before.clock.advance(1e6);
    before.lease();
    const after = setUp({ records });
    after.clock.advance(LEASE - 1);
    expect(after.store.get(job.id).state).toBe("leased");
    after.clock.advance(1);
    expect(after.store.get(job.id).state).toBe("queued");
  });

  it("frees the dependents of a job that was settled just before the crash", () => {
    const records = textRecords();
    const before = setUp({ records });
    const job = before.submit();
    const dependent = before.submit({ depends_on: [job.id] });
    const stuck = structuredClone(dependent);
    before.complete();
    records.save(stuck);
    expect(setUp({ records }).store.get(dependent.id)).toMatchObject({ state: "queued", waiting_for: [] });
  });
});

it("loses no job and completes none twice, whatever bots do", () => {
  const command = fc.oneof(
    fc.record({
      do: fc.constant("submit" as const),
      parent: fc.nat(20),
      priority: fc.integer({ min: -1, max: 1 }),
    }),
    fc.record({ do: fc.constant("lease" as const), bot: fc.nat(2), key: fc.option(fc.nat(2)) }),
    fc.record({ do: fc.constant("beat" as const), lease: fc.nat(20) }),
    fc.record({ do: fc.constant("settle" as const), lease: fc.nat(20), fail: fc.boolean() }),
    fc.record({ do: fc.constant("wait" as const), time: fc.nat(LEASE) }),
    fc.record({ do: fc.constant("restart" as const) }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      const records = textRecords();
      const clock = new VirtualClock();
      let store = new JobStore({ clock, lease: LEASE, records });
      const leases: { job: string; lease: string }[] = [];
      const accepted = new Map<string, string>();
      let submitted = 0;
      const tolerant = (run: () => void): void => {
        try {
          run();
        } catch (error) {
          expect(error).toMatchObject({ name: "Refusal", code: "stale_lease" });
        }
      };
      for (const each of commands) {
        if (each.do === "submit") {
          const parent = store.list()[each.parent];
          const depends_on = parent ? [parent.id] : [];
          const spec = { type: "t", payload: null, depends_on, timeout: null, priority: each.priority };
          store.submit(spec, null);
          submitted++;
        } else if (each.do === "lease") {
          const key = each.key === null ? null : `key-${each.key}`;
          const leased = store.lease({ id: `bot-${each.bot}`, capabilities: [] }, key);
          for (const id of leased?.job.spec.depends_on ?? []) expect(store.get(id).state).toBe("completed");
          if (leased) leases.push({ job: leased.job.id, lease: leased.lease.id });
        } else if (each.do === "beat" || each.do === "settle") {
          const held = leases.at(-1 - each.lease);
          if (!held) continue;
          tolerant(() => {
            if (each.do === "beat") return void store.heartbeat(held.job, held.lease, 0.5);
            store.settle(held.job, held.lease, each.fail ? "failed" : "completed", null);
            expect(accepted.get(held.job) ?? held.lease).toBe(held.lease);
            accepted.set(held.job, held.lease);
          });
        } else if (each.do === "wait") clock.advance(each.time);
        else store = new JobStore({ clock, lease: LEASE, records });

        const jobs = store.list();
        expect(jobs).toHaveLength(submitted);
        for (const job of jobs) {
          expect(job.counts.completions + job.counts.failures).toBe(job.settlement ? 1 : 0);
          expect(job.lease !== null).toBe(job.state === "leased");
          if (job.state === "waiting") expect(job.waiting_for).not.toEqual([]);
        }
      }
      // And what is left can still be done: nothing is stuck.
      clock.advance(2 * LEASE);
      for (let round = 0; round <= submitted; round++) {
        const leased = store.lease(anna, null);
        if (leased) store.settle(leased.job.id, leased.lease.id, "completed", null);
      }
      expect(store.pending).toBe(0);
    }),
    { numRuns: 200 },
  );
});
