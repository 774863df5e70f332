/** Server-sent events, whatever pieces they come in. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServerEventReader } from "../../src/ui/server-events.js";

describe("a stream of events", () => {
  it("is read as it is written", () => {
    const reader = new ServerEventReader();
    expect(reader.read(": still here\n\nretry: 2000\n\n")).toEqual([]);
    expect(reader.read('id: 7-1\nevent: state\ndata: {"a":\ndata: 1}\n\ndata:x\n')).toEqual([
      { event: "state", data: '{"a":\n1}', id: "7-1" },
    ]);
    expect(reader.read("\r\n")).toEqual([{ event: "message", data: "x", id: "7-1" }]);
    expect(reader.lastId).toBe("7-1");
  });

  it("says the same however it is cut", () => {
    const text = "id: 1\nevent: tick\ndata: ä€👩\n\n: sign of life\n\nevent: tick\ndata: two\r\n\r\n";
    const whole = new ServerEventReader().read(text);
    expect(whole).toHaveLength(2);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: text.length })), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const reader = new ServerEventReader();
        const heard = places.slice(1).flatMap((to, index) => reader.read(text.slice(places[index], to)));
        expect(heard).toEqual(whole);
      }),
    );
  });
});
