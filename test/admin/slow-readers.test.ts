/** Those who read streams and do not read: what waits for them is bounded, however many they are; nobody else pays for it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BEHIND_BYTES, STUCK_MS } from "../../src/admin/live-feed.js";
import { Outflow } from "../../src/admin/outflow.js";
import { ADMIN_LIMITS, type AdminLimits } from "../../src/admin/house.js";
import { Ledger } from "../../src/admin/ledger.js";
import { VirtualClock } from "../../src/core/clock.js";
import { LINGER_MS, TICK_MS } from "../../src/live/limits.js";
import { profile, request, turns, until, type Client } from "../support/lab.js";
import { scaled } from "../support/scope.js";
import { AdminLab } from "./admin-lab.js";
import { EventReader } from "./event-reader.js";

const MIB = 2 ** 20;
let here: AdminLab;
let most = 0;

beforeEach(async () => {
  here = await AdminLab.open();
  most = 0;
});
afterEach(async () => {
  here.live.close();
  await here.close();
});

async function reopen(limits: Partial<AdminLimits>): Promise<void> {
  await here.close();
  here = await AdminLab.open({ limits });
}

/** What is on has these params, so that the next tick is that large. */
function paramsOf(size: number, n: number): void {
  const params = { n, by: "x".repeat(size) };
  here.lab.plan.replace([request(profile([], [], { profile: "large", params }), { seed: n })]);
}

async function quarters(n: number): Promise<void> {
  for (let quarter = 0; quarter < n; quarter++) {
    here.clock.advance(TICK_MS);
    // What was said in this turn is on nobody's way as yet.
    most = Math.max(most, here.admin.waiting);
    await turns(3);
    most = Math.max(most, here.admin.waiting);
  }
}

/** So many who ask for that and read nothing of it, from as many addresses as they need. */
async function stuck(path: string, count: number): Promise<Client[]> {
  const clients = Array.from({ length: count }, (_, n) =>
    here.lab.client(here.port, `127.0.1.${1 + (n % 3)}`, { reading: false }),
  );
  for (const client of clients) client.write(`GET ${path} HTTP/1.0\r\n\r\n`);
  await Promise.all(clients.map(({ connected }) => connected));
  return clients;
}

describe("readers that do not read", () => {
  it("cost no more than all of them may, while the traffic goes on, and one that reads hears all of it", async () => {
    const part = scaled(4, 1);
    const [streams, streamsUnderWay] = [ADMIN_LIMITS.streams / part, ADMIN_LIMITS.streamsUnderWay / part];
    await reopen({ streams, streamsUnderWay });
    const good = await EventReader.open(here, "/live");
    await until(() => good.events.length === 1);
    await stuck("/live?exchanges=true", streams - 1);
    await until(() => here.live.readers === streams);
    for (let n = 0; n < 3; n++) {
      paramsOf(1.5 * MIB, n);
      await quarters(1);
      await until(() => good.events.length >= n + 2);
    }
    expect(most).toBeGreaterThan(streamsUnderWay / 4);
    expect(most).toBeLessThanOrEqual(streamsUnderWay);
    expect(good.events.every(({ event }, n) => event === (n === 0 ? "state" : "tick"))).toBe(true);
    // How much sockets hold is the kernel's business: sooner or later each of them takes nothing any more.
    for (let n = 100; here.live.readers > 1; n++) {
      const heard = good.events.length;
      paramsOf(1.5 * MIB, n);
      await quarters(1);
      await until(() => good.events.length > heard);
      here.clock.advance(STUCK_MS);
    }
    await until(() => here.admin.waiting === 0);
    expect(good.ended).toBe(false);
  });

  it("of the journal make room for who comes, whoever has taken nothing for longest first", async () => {
    await reopen({ streamsUnderWay: MIB });
    for (let n = 0; n < 8_000; n++) here.control.mark(`${n} ${"x".repeat(900)}`);
    const [slow] = await stuck("/events?after=0", 1);
    await until(() => here.telemetry.stream.subscribers === 1);
    await turns(20);
    expect(here.admin.waiting).toBeGreaterThan(MIB / 4);
    here.clock.advance(1);
    const good = await EventReader.open(here, "/events?after=0");
    expect(here.admin.waiting).toBeLessThanOrEqual(MIB);
    await good.atLeast(8_000);
    expect(here.admin.waiting).toBe(0);
    slow?.read();
    await slow?.ended;
    expect(here.telemetry.stream.subscribers).toBe(1);
  });

  it("of the journal are told so when they ask for more at once than all may have", async () => {
    await reopen({ streamsUnderWay: MIB / 4 });
    for (let n = 0; n < 3_000; n++) here.control.mark(`${n}`);
    expect((await here.get("/events?after=0")).json).toMatchObject({
      code: "SQ_TOO_MANY",
      error: "256KiB of events are under way at the admin port already",
    });
    expect([here.telemetry.stream.subscribers, here.admin.waiting]).toEqual([0, 0]);
  });
});

describe("a reader that is too slow for differences", () => {
  it("gets the whole picture again when it has taken what waited, and never a difference from what it has not heard", async () => {
    const slow = await EventReader.open(here, "/live");
    await until(() => slow.events.length === 1);
    slow.response.pause();
    let n = 0;
    // More than the sockets hold between two programs of one machine, and then more than may wait.
    while (here.admin.waiting <= BEHIND_BYTES) {
      paramsOf(0.9 * MIB, n++);
      await quarters(1);
    }
    for (let more = 0; more < 5; more++) {
      paramsOf(10, n++);
      await quarters(1);
    }
    const waited = here.admin.waiting;
    slow.response.resume();
    await until(() => slow.events.at(-1)?.event === "state" && slow.events.length > 1);
    expect(waited).toBeLessThan(2 * MIB);
    const told = slow.events.map(({ event, data }) => [event, data.active?.rows[0]?.params.n as unknown]);
    expect(told.at(-1)).toEqual(["state", n - 1]);
    // In between nothing was left out.
    expect(told.slice(1, -1)).toEqual(told.slice(1, -1).map((_, at) => ["tick", at]));
    expect(told.length - 2).toBeLessThan(n - 4);
    paramsOf(10, n);
    await quarters(1);
    await until(() => slow.events.at(-1)?.event === "tick");
    await quarters(LINGER_MS / TICK_MS);
    expect(here.live.readers).toBe(1);
  });
});

describe("room for what we have to say", () => {
  it("is made by whoever has taken nothing for longest, however much was said to him since", () => {
    const clock = new VirtualClock(0);
    const ledger = new Ledger(100_000, clock, { what: "events", ours: true });
    const dropped: string[] = [];
    const [one, two, three] = ["one", "two", "three"].map((name) => ledger.open(() => dropped.push(name)));
    one?.set(30_000);
    two?.set(30_000);
    clock.advance(1);
    two?.moved();
    one?.set(40_000);
    three?.set(40_000);
    expect([dropped, ledger.bytes]).toEqual([["one"], 70_000]);
    // Whoever has taken all that waited is not asked to leave.
    two?.set(0);
    three?.set(90_000);
    expect([dropped, ledger.bytes]).toEqual([["one"], 90_000]);
    // Whoever has waited for as long keeps what is his.
    expect(() => two?.set(50_000)).toThrow("of events are under way");
    clock.advance(1);
    two?.set(50_000);
    expect([dropped, ledger.bytes]).toEqual([["one", "three"], 50_000]);
  });
});

describe("what leaves in pieces", () => {
  /** Takes pieces only when it is told to. */
  function scene(limit = 10 * MIB) {
    const clock = new VirtualClock(0);
    const ledger = new Ledger(limit, clock, { what: "events", ours: true });
    const taken: (() => void)[] = [];
    const written: string[] = [];
    let drained = 0;
    let destroyed = false;
    const response = {
      write: (piece: Buffer, done: () => void) => {
        written.push(piece.toString());
        taken.push(done);
      },
      destroy: () => (destroyed = true),
    };
    const out = new Outflow(response as unknown as ConstructorParameters<typeof Outflow>[0], {
      clock,
      ledger,
      drained: () => drained++,
    });
    return {
      clock,
      ledger,
      out,
      written,
      take: () => taken.shift()?.(),
      drained: () => drained,
      destroyed: () => destroyed,
    };
  }

  it("has one piece on its way, in order, and is drained once all are taken", () => {
    const { out, ledger, written, take, drained } = scene();
    out.write("a".repeat(100_000));
    out.write("b");
    expect([written.length, out.bytes, ledger.bytes]).toEqual([1, 100_001, 100_001]);
    take();
    take();
    expect([written.length, drained()]).toEqual([3, 0]);
    take();
    expect([written.join("").length, written.at(-1), drained(), out.bytes, ledger.bytes]).toEqual([
      100_001,
      "b",
      1,
      0,
      0,
    ]);
  });

  it("knows for how long nothing was taken, from when it began to wait", () => {
    const { clock, out, take } = scene();
    clock.advance(5_000);
    expect(out.stuckFor).toBe(0);
    out.write("a".repeat(100_000));
    clock.advance(3_000);
    expect(out.stuckFor).toBe(3_000);
    take();
    clock.advance(1_000);
    out.write("b");
    expect(out.stuckFor).toBe(1_000);
    take();
    take();
    clock.advance(9_000);
    expect(out.stuckFor).toBe(0);
  });

  it("writes nothing for which there is no room, and drops its reader if that is what was asked for", () => {
    const { out, written, destroyed, ledger } = scene(100_000);
    expect(() => {
      out.write("a".repeat(100_001));
    }).toThrow("of events are under way");
    expect([written, out.bytes, destroyed()]).toEqual([[], 0, false]);
    out.writeOrDrop("a".repeat(100_001));
    expect([destroyed(), ledger.bytes]).toEqual([true, 0]);
    out.close();
  });
});
