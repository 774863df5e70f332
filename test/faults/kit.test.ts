import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Outlet } from "../../src/faults/contract/index.js";
import { DelayLine, acts } from "../../src/faults/kit.js";
import { fieldOf, httpDate, wholeSeconds, withField, withoutField } from "../../src/faults/messages.js";
import { TokenBucket } from "../../src/faults/token-bucket.js";
import { Fuse } from "../../src/faults/fuse.js";
import { ByteQueue } from "../../src/faults/byte-queue.js";
import { codedBytes, isCoded } from "../support/coded-bytes.js";

function outlet(chunks: Buffer[]): Outlet {
  const never = (): never => {
    throw new Error("not expected");
  };
  return {
    now: 0,
    emit: (chunk) => chunks.push(chunk),
    drop: never,
    insert: never,
    end: never,
    sever: never,
  };
}

describe("a byte queue", () => {
  it("gives the bytes out in order, in whatever portions they are asked for", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.integer({ min: 0, max: 50 })), { maxLength: 200 }),
        (operations) => {
          const queue = new ByteQueue();
          let [added, taken] = [0, 0];
          for (const [adding, pouring, bytes] of operations) {
            if (adding) {
              queue.add(codedBytes(added, bytes));
              added += bytes;
            } else {
              const chunks: Buffer[] = [];
              if (pouring) queue.pour(outlet(chunks), bytes);
              else chunks.push(queue.take(bytes));
              const got = Buffer.concat(chunks);
              expect(got).toHaveLength(Math.min(bytes, added - taken));
              expect(isCoded(taken, got)).toBe(true);
              taken += got.length;
            }
            expect(queue.length).toBe(added - taken);
          }
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  it("copies nothing that lies in one chunk", () => {
    const queue = new ByteQueue();
    const chunk = Buffer.from("abcdef");
    queue.add(chunk);
    expect(queue.take(2).buffer).toBe(chunk.buffer);
    const poured: Buffer[] = [];
    queue.pour(outlet(poured));
    expect(poured[0]?.buffer).toBe(chunk.buffer);
  });

  it("keeps count over thousands of chunks without ever running empty", () => {
    const queue = new ByteQueue();
    queue.add(Buffer.alloc(1));
    for (let i = 0; i < 5000; i++) {
      queue.add(Buffer.alloc(1));
      queue.take(1);
    }
    expect(queue.length).toBe(1);
  });
});

describe("a delay line", () => {
  it("is first in, first out, even where a later chunk would be due earlier", () => {
    const line = new DelayLine<null>();
    const chunks: Buffer[] = [];
    line.add(Buffer.from("a"), 100, null);
    line.add(Buffer.from("b"), 50, null);
    expect(line.due).toBe(100);
    line.flush(outlet(chunks), 99);
    expect(chunks).toHaveLength(0);
    line.flush(outlet(chunks), 100);
    expect(Buffer.concat(chunks).toString()).toBe("ab");
    expect([line.empty, line.held, line.due]).toEqual([true, 0, Infinity]);
  });
});

describe("a fuse", () => {
  it("burns down by time from when it is lit", () => {
    const fuse = new Fuse(() => ({ kind: "duration", millis: 100 }));
    expect(fuse.deadline).toBe(Infinity);
    fuse.light(50);
    fuse.light(70);
    expect([fuse.deadline, fuse.left(149), fuse.left(150)]).toEqual([150, Infinity, 0]);
  });

  it("burns down by bytes, and at once without an extent", () => {
    const fuse = new Fuse(() => ({ kind: "size", bytes: 100 }));
    fuse.pass(60);
    expect(fuse.left(0)).toBe(40);
    fuse.pass(60);
    expect(fuse.left(0)).toBe(0);
    expect(new Fuse(() => undefined).left(0)).toBe(0);
  });
});

describe("a token bucket", () => {
  it("never promises more than rate and burst allow, over any bookings", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            gap: fc.double({ min: 0, max: 50, noNaN: true }),
            wanted: fc.integer({ min: 1, max: 3000 }),
          }),
          { maxLength: 100 },
        ),
        (asks) => {
          const bucket = new TokenBucket(() => ({ rate: 10_000, burst: 500 }), 0);
          let now = 0;
          const left: { at: number; bytes: number }[] = [];
          for (const { gap, wanted } of asks) {
            now += gap;
            const booking = bucket.book(wanted, 50, now, false);
            const due = bucket.dueAt(booking, now);
            expect(bucket.ready(booking, now)).toBe(due <= now);
            left.push({ at: due, bytes: booking.bytes });
          }
          // In no window more than the burst, the window's worth, and one quantum of rounding.
          for (let i = 0; i < left.length; i++) {
            let sum = 0;
            for (let j = i; j < left.length; j++) {
              sum += left[j]?.bytes ?? 0;
              const window = (left[j]?.at ?? 0) - (left[i]?.at ?? 0);
              expect(sum).toBeLessThanOrEqual(500 + 10 * window + 50 + 1e-3);
            }
          }
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  it("serves a cancelled booking to somebody else", () => {
    const bucket = new TokenBucket(() => ({ rate: 1000, burst: 0 }), 0);
    const first = bucket.book(100, 100, 0, false);
    expect(bucket.dueAt(first, 0)).toBe(100);
    bucket.cancel(first);
    expect(bucket.dueAt(bucket.book(100, 100, 0, false), 0)).toBe(100);
  });

  it("earns the mean of a ramp, however seldom it is asked, and the old rate up to an assignment", () => {
    let [rate, now] = [0, 0];
    const bucket = new TokenBucket(() => ({ rate, burst: 0 }), now);
    const booking = bucket.book(500, 500, now, false);
    rate = 1000;
    now = 1000;
    expect(bucket.dueAt(bucket.book(1, 1, now, true), now)).toBe(1001);
    expect(bucket.ready(booking, now)).toBe(true);
    const stepped = new TokenBucket(() => ({ rate, burst: 0 }), 0);
    const other = stepped.book(1000, 1000, 0, false);
    rate = 1_000_000;
    stepped.advance(999, true);
    expect(stepped.ready(other, 999)).toBe(false);
    expect(stepped.ready(other, 1000)).toBe(true);
  });

  it("never comes due at a rate of zero", () => {
    const bucket = new TokenBucket(() => ({ rate: 0, burst: 0 }), 0);
    expect(bucket.dueAt(bucket.book(1, 1, 0, false), 1e12)).toBe(Infinity);
  });
});

describe("directions", () => {
  it("act where they say", () => {
    expect([
      acts("both", "upstream"),
      acts("upstream", "upstream"),
      acts("downstream", "upstream"),
      acts(null, "upstream"),
    ]).toEqual([true, true, false, false]);
  });
});

describe("a list of fields", () => {
  const fields = [
    ["Date", "x"],
    ["X-Job", "1"],
    ["Via", "y"],
    ["x-job", "2"],
  ] as const;

  it("finds the first of a name, in any case", () => {
    expect(fieldOf(fields, "x-JOB")).toBe("1");
    expect(fieldOf(fields, "job")).toBeUndefined();
  });

  it("puts a field in the place of the first of its name and of all others, or behind all", () => {
    expect(withField(fields, "X-JOB", "3")).toEqual([
      ["Date", "x"],
      ["X-JOB", "3"],
      ["Via", "y"],
    ]);
    expect(withField(fields, "Age", "3").at(-1)).toEqual(["Age", "3"]);
  });

  it("leaves out all of a name", () => {
    expect(withoutField(fields, "X-job")).toEqual([
      ["Date", "x"],
      ["Via", "y"],
    ]);
  });
});

describe("times in heads", () => {
  it.each([
    [0, 0],
    [1, 1],
    [1000, 1],
    [1000.0000001, 1],
    [1000.1, 2],
    [-5, 0],
  ])("counts %d ms as %d whole seconds, rounded up but for rounding", (millis, seconds) => {
    expect(wholeSeconds(millis)).toBe(seconds);
  });

  it("writes dates as RFC 9110 has them", () => {
    expect(httpDate(784_111_777_000)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
  });
});
