import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { JobStore } from "../../../src/mock/server/store.js";
import { WaitingRoom } from "../../../src/mock/server/waiting-room.js";

const LEASE = 30_000;

function setUp() {
  const clock = new VirtualClock();
  const store = new JobStore({ clock, lease: LEASE });
  const room = new WaitingRoom(store, clock);
  const submit = (type = "test") =>
    store.submit({ type, payload: null, depends_on: [], timeout: null, priority: 0 }, null).job;
  const wait = (
    id: string,
    time = 10_000,
    gone = new AbortController().signal,
    capabilities: string[] = [],
  ) => room.lease({ id, name: id, capabilities }, null, time, gone);
  return { clock, store, room, submit, wait };
}

describe("a long poll", () => {
  it("is answered at once if there is a job, or if it does not wait", async () => {
    const { submit, wait, room } = setUp();
    expect(await wait("anna", 0)).toBeNull();
    const job = submit();
    expect((await wait("anna"))?.job).toBe(job);
    expect(room.size).toBe(0);
  });

  it("wakes up for a new job, in the order of arrival", async () => {
    const { submit, wait, room } = setUp();
    const anna = wait("anna");
    const ben = wait("ben");
    const first = submit();
    expect((await anna)?.job).toBe(first);
    expect(room.size).toBe(1);
    const second = submit();
    expect((await ben)?.job).toBe(second);
  });

  it("passes by those who cannot do the job", async () => {
    const { submit, wait, room } = setUp();
    void wait("painter", 10_000, new AbortController().signal, ["paint"]);
    const ben = wait("ben");
    const job = submit("wash");
    expect((await ben)?.job).toBe(job);
    expect(room.size).toBe(1);
  });

  it("wakes up when the lease of somebody else expires", async () => {
    const { clock, submit, wait } = setUp();
    const job = submit();
    await wait("anna");
    const ben = wait("ben", 60_000);
    clock.advance(LEASE);
    const leased = await ben;
    expect(leased?.job).toBe(job);
    expect(leased?.lease.expires).toBe(2 * LEASE);
  });

  it("wakes up when a job that another one waited for completes", async () => {
    const { store, submit, wait } = setUp();
    const parent = submit();
    const spec = { type: "test", payload: null, depends_on: [parent.id], timeout: null, priority: 0 };
    const child = store.submit(spec, null).job;
    const leased = await wait("anna");
    const ben = wait("ben");
    store.settle(parent.id, leased!.lease.id, "completed", null);
    expect((await ben)?.job).toBe(child);
  });

  it("ends without a job after its time, each after its own", async () => {
    const { clock, wait, room } = setUp();
    const long = wait("anna", 20_000);
    const short = wait("ben", 10_000);
    clock.advance(10_000);
    expect(await short).toBeNull();
    expect(room.size).toBe(1);
    clock.advance(10_000);
    expect(await long).toBeNull();
    expect(clock.idle).toBe(true);
  });

  it("takes no job for a client that has hung up", async () => {
    const { submit, wait } = setUp();
    const client = new AbortController();
    const poll = wait("anna", 10_000, client.signal);
    client.abort();
    expect(await poll).toBeNull();
    expect(submit().state).toBe("queued");
  });

  it("is sent away when the room closes", async () => {
    const { clock, room, wait } = setUp();
    const poll = wait("anna");
    room.close();
    expect(await poll).toBeNull();
    expect(await wait("ben")).toBeNull();
    expect(clock.idle).toBe(true);
  });
});
