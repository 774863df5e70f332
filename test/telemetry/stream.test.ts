import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { Telemetry } from "../../src/telemetry/telemetry.js";
import type { StreamEvent } from "../../src/telemetry/stream.js";
import { hit, NOON, SAMPLES, silent } from "./samples.js";

function start(keep = 100, at = NOON) {
  const telemetry = new Telemetry({ clock: new VirtualClock(at), log: silent(), journal: { keep } });
  const tell = (count: number) => {
    for (let n = 0; n < count; n++) telemetry.tell(hit());
  };
  return { telemetry, stream: telemetry.stream, tell };
}

const seqs = (events: readonly Pick<StreamEvent, "entry">[]) => events.map(({ entry }) => entry.seq);

describe("a subscriber", () => {
  it("hears each entry once it is told, with its JSON, and nothing from before", () => {
    const { stream, telemetry, tell } = start();
    tell(2);
    const heard: StreamEvent[] = [];
    const { replay, gap } = stream.subscribe((event) => heard.push(event));
    telemetry.tell(SAMPLES.mark);
    telemetry.tell(SAMPLES.plan_changed);
    expect(seqs(heard)).toEqual([3]);
    expect(JSON.parse(heard[0]!.json)).toEqual(heard[0]!.entry);
    expect({ replay, gap }).toEqual({ replay: [], gap: null });
  });

  it("hears nothing any more after it has closed, not even what is being told", () => {
    const { stream, tell } = start();
    const heard: string[] = [];
    stream.subscribe(() => {
      heard.push("first");
      second.close();
    });
    const second = stream.subscribe(() => heard.push("second"));
    expect(stream.subscribers).toBe(2);
    tell(2);
    expect(heard).toEqual(["first", "first"]);
    expect(stream.subscribers).toBe(1);
  });

  it("may subscribe the same listener twice, and close one of them", () => {
    const { stream, tell } = start();
    let heard = 0;
    const listener = () => void heard++;
    stream.subscribe(listener).close();
    stream.subscribe(listener);
    tell(1);
    expect(heard).toBe(1);
  });

  it("does not keep others from hearing when it throws", () => {
    const { stream, telemetry, tell } = start();
    const heard: number[] = [];
    stream.subscribe(() => {
      throw new Error("broken");
    });
    stream.subscribe(({ entry }) => heard.push(entry.seq));
    tell(2);
    expect(heard).toEqual([1, 2]);
    expect(telemetry.failures).toBe(2);
  });

  it("is let go when telemetry closes", async () => {
    const { stream, telemetry, tell } = start();
    let heard = 0;
    stream.subscribe(() => void heard++);
    await telemetry.close();
    tell(1);
    expect(heard).toBe(0);
  });
});

describe("a subscriber that comes back", () => {
  it("is given what it missed, and then hears the rest", () => {
    const { stream, tell } = start();
    tell(5);
    const heard: StreamEvent[] = [];
    const { replay, gap } = stream.subscribe((event) => heard.push(event), { afterSeq: 3 });
    tell(1);
    expect([...seqs(replay), ...seqs(heard)]).toEqual([4, 5, 6]);
    expect(gap).toBeNull();
  });

  it("may name the last event by its id", () => {
    const { stream, tell } = start();
    const heard: StreamEvent[] = [];
    stream.subscribe((event) => heard.push(event));
    tell(3);
    const { replay, gap } = stream.subscribe(() => undefined, { lastEventId: heard[1]!.id });
    expect(replay.map(({ id }) => id)).toEqual([heard[2]!.id]);
    expect(gap).toBeNull();
  });

  it("is told how many entries are lost", () => {
    const { stream, tell } = start(4);
    tell(10);
    const subscribe = (afterSeq: number) => stream.subscribe(() => undefined, { afterSeq });
    expect(subscribe(2)).toMatchObject({ gap: { lost: 4 } });
    expect(seqs(subscribe(2).replay)).toEqual([7, 8, 9, 10]);
    expect(subscribe(6)).toMatchObject({ gap: null });
    expect(subscribe(10)).toMatchObject({ gap: null, replay: [] });
  });

  it("is told that nobody knows what is lost when its last event is from another life of the daemon", () => {
    const before = start(100, NOON - 60_000);
    const events: StreamEvent[] = [];
    before.stream.subscribe((event) => events.push(event));
    before.tell(2);
    const after = start();
    after.tell(5);
    for (const options of [
      { lastEventId: events[1]!.id },
      { lastEventId: "nonsense" },
      { lastEventId: "" },
      { afterSeq: 9 },
    ]) {
      const { replay, gap } = after.stream.subscribe(() => undefined, options);
      expect(gap).toEqual({ lost: null });
      expect(seqs(replay)).toEqual([1, 2, 3, 4, 5]);
    }
  });
});
