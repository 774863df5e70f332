/** The parts that keep the admin port within its bounds, by themselves: places, bytes, turns. */
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { Door } from "../../src/admin/door.js";
import { Ledger } from "../../src/admin/ledger.js";
import { placesOfOne, sourceOf } from "../../src/admin/sources.js";
import { Turnstile } from "../../src/admin/turnstile.js";
import { Visitors, type Occupation, type Visitor } from "../../src/admin/visitors.js";
import { VirtualClock } from "../../src/core/clock.js";
import { turns } from "../support/lab.js";

class Fake extends PassThrough implements Visitor {
  doing: Occupation = "nothing";

  constructor(readonly remoteAddress: string) {
    super();
  }
}

describe("connections", () => {
  const start = (limit: number): Visitors<Fake> => new Visitors<Fake>(limit, ({ doing }) => doing);
  const come = (visitors: Visitors<Fake>, address: string, doing: Occupation = "nothing"): Fake => {
    const fake = new Fake(address);
    visitors.came(fake);
    if (doing !== "nothing" && !fake.destroyed) visitors.answered(fake);
    fake.doing = doing;
    return fake;
  };

  it("of one address never take all places: it makes room for itself by its own", async () => {
    const visitors = start(8);
    const operator = come(visitors, "10.0.0.2");
    const flood = Array.from({ length: 50 }, () => come(visitors, "10.0.0.1"));
    expect(flood.filter(({ destroyed }) => !destroyed)).toEqual(flood.slice(-6));
    expect(operator.destroyed).toBe(false);
    await turns(2);
    expect(visitors.size).toBe(7);
  });

  it("that are answered give way when nobody is idle, whoever has been for longest first; guests stay", () => {
    const visitors = start(3);
    const guest = come(visitors, "10.0.0.1", "guest");
    const first = come(visitors, "10.0.0.2", "answer");
    const second = come(visitors, "10.0.0.3", "answer");
    const operator = come(visitors, "10.0.0.4");
    expect([guest, first, second, operator].map(({ destroyed }) => destroyed)).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  it("that were answered give way as well when they have more than half of the places", () => {
    const visitors = start(4);
    const known = Array.from({ length: 4 }, (_, n) => {
      const fake = come(visitors, `10.0.0.${n}`, "answer");
      fake.doing = "nothing";
      return fake;
    });
    const operator = come(visitors, "10.0.1.1");
    come(visitors, "10.0.0.5");
    expect([...known, operator].map(({ destroyed }) => destroyed)).toEqual([true, true, false, false, false]);
  });

  it("that have only begun to ask give way in the order in which they came, however many come behind them", () => {
    const visitors = start(4);
    const slow = Array.from({ length: 4 }, (_, n) => come(visitors, `10.0.0.${n}`));
    const operator = come(visitors, "10.0.1.1");
    come(visitors, "10.0.0.5");
    come(visitors, "10.0.0.6");
    expect(slow.map(({ destroyed }) => destroyed)).toEqual([true, true, true, false]);
    expect(operator.destroyed).toBe(false);
  });

  it("that are idle give way before those that are answered, strangers first", () => {
    const visitors = start(4);
    const answered = come(visitors, "10.0.0.1", "answer");
    const known = come(visitors, "10.0.0.2", "answer");
    known.doing = "nothing";
    const stranger = come(visitors, "10.0.0.3");
    come(visitors, "10.0.0.4");
    come(visitors, "10.0.0.5");
    expect([answered, known, stranger].map(({ destroyed }) => destroyed)).toEqual([false, false, true]);
  });

  it("are refused when all are guests, which the port sees to that they never are", () => {
    const visitors = start(2);
    come(visitors, "10.0.0.1", "guest");
    come(visitors, "10.0.0.2", "guest");
    expect(come(visitors, "10.0.0.3").destroyed).toBe(true);
  });

  it("come from an address, or for IPv6 from a network of 64 bits", () => {
    expect(
      ["127.0.0.1", "::ffff:127.0.0.1", "2001:db8::1", "2001:db8::2:3", "fe80::1%eth0", undefined].map(
        sourceOf,
      ),
    ).toEqual([
      "127.0.0.1",
      "127.0.0.1",
      "2001:db8:0:0/64".replaceAll("2001:db8:0:0", `${0x2001}:${0xdb8}:0:0`),
      `${0x2001}:${0xdb8}:0:0/64`,
      `${0xfe80}:0:0:0/64`,
      "",
    ]);
    expect([1, 3, 4, 64, 512].map(placesOfOne)).toEqual([1, 3, 3, 48, 384]);
  });
});

describe("bytes under way", () => {
  const KIB = 1_024;

  it("are bounded: whoever has moved nothing for longest makes room", () => {
    const clock = new VirtualClock(0);
    const ledger = new Ledger(100 * KIB, clock);
    const dropped: string[] = [];
    const [slow, lively] = ["slow", "lively"].map((name) => ledger.open(() => dropped.push(name)));
    slow?.set(40 * KIB);
    lively?.set(40 * KIB);
    clock.advance(5_000);
    lively?.moved();
    const newcomer = ledger.open(() => dropped.push("newcomer"));
    newcomer.set(50 * KIB);
    expect([dropped, ledger.bytes]).toEqual([["slow"], 90 * KIB]);
    // Once dropped it counts no more, whatever its connection still does.
    slow?.close();
    expect(ledger.bytes).toBe(90 * KIB);
    lively?.close();
    newcomer.close();
    expect(ledger.bytes).toBe(0);
  });

  it("are refused while all that is there moves on", () => {
    const clock = new VirtualClock(0);
    const ledger = new Ledger(100 * KIB, clock);
    const first = ledger.open(() => expect.unreachable());
    first.set(80 * KIB);
    const second = ledger.open(() => expect.unreachable());
    expect(() => {
      second.set(40 * KIB);
    }).toThrow("100KiB of bodies and answers are under way");
    expect(ledger.bytes).toBe(80 * KIB);
    // What is small is let through all the same.
    second.set(10 * KIB);
    second.close();
    first.close();
    expect(ledger.bytes).toBe(0);
  });

  it("never make an account drop itself", () => {
    const clock = new VirtualClock(0);
    const ledger = new Ledger(100 * KIB, clock);
    const one = ledger.open(() => expect.unreachable());
    one.set(60 * KIB);
    clock.advance(60_000);
    expect(() => {
      one.set(120 * KIB);
    }).toThrow("under way");
  });
});

describe("heavy calls", () => {
  it("wait until a turn in which nobody comes in, but not for good", () => {
    const later: (() => void)[] = [];
    const door = new Door((run) => later.push(run));
    let ran = 0;
    door.whenCalm(() => ran++);
    for (let n = 0; n < 100; n++) {
      door.came();
      later.shift()?.();
    }
    expect(ran).toBe(0);
    later.shift()?.();
    expect(ran).toBe(1);
    door.whenCalm(() => ran++);
    for (let n = 0; n < 600 && ran === 1; n++) {
      door.came();
      later.shift()?.();
    }
    expect(ran).toBe(2);
  });

  it("of a connection that has made few pass those of connections that have made many", async () => {
    const later: (() => void)[] = [];
    const turnstile = new Turnstile((run) => later.push(run));
    const passed: string[] = [];
    const flood = [{}, {}, {}];
    const ask = (name: string, connection: object): void => {
      void turnstile.pass("127.0.0.1", connection).then(() => {
        passed.push(name);
        if (name !== "operator" && passed.length < 8) ask(name, connection);
      });
    };
    for (const [n, connection] of flood.entries()) ask(`flood ${n}`, connection);
    for (let n = 0; n < 4; n++) {
      later.shift()?.();
      await turns(1);
    }
    ask("operator", {});
    later.shift()?.();
    await turns(1);
    // Of those that have passed as often, the last and the first have their turns one after the other.
    expect(passed.slice(0, 3).toSorted()).toEqual(["flood 0", "flood 1", "flood 2"]);
    expect(passed.slice(4)).toEqual(["operator"]);
    expect(passed[0]).toBe("flood 2");
    expect(passed[1]).toBe("flood 0");
  });

  it("have one turn of the event loop each, and addresses take turns", async () => {
    const later: (() => void)[] = [];
    const turnstile = new Turnstile((run) => later.push(run));
    const passed: string[] = [];
    for (let n = 1; n <= 3; n++) void turnstile.pass("flood", {}).then(() => passed.push(`flood ${n}`));
    void turnstile.pass("operator", {}).then(() => passed.push("operator"));
    const seen: number[] = [];
    while (later.length > 0) {
      later.shift()?.();
      await turns(1);
      seen.push(passed.length);
    }
    expect(passed).toEqual(["flood 3", "operator", "flood 2", "flood 1"]);
    expect(seen).toEqual([1, 2, 3, 4, 4]);
    // And it starts again.
    void turnstile.pass("x", {}).then(() => passed.push("x"));
    later.shift()?.();
    await turns(1);
    expect(passed).toContain("x");
  });
});
