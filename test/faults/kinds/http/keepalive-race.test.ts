import { describe, expect, it } from "vitest";
import { ExchangeBench } from "../../../support/exchange-bench.js";

describe("keepalive_race", () => {
  it.each(["close", "reset"])("ends a connection by a %s when the next request comes", (how) => {
    const bench = new ExchangeBench("keepalive_race", { after: "5s", how });
    expect(bench.play({ idle: 5_000 })).toMatchObject({ met: how, upstream: null });
    expect(bench.armed.details["raced"]).toEqual({ idle_ms: 5_000 });
  });

  it("leaves alone what was idle for less, and a connection's first request", () => {
    const bench = new ExchangeBench("keepalive_race", { after: "5s" });
    expect(bench.play({ idle: 4_999 }).met).toBe("passed");
    expect(bench.play({ idle: null }).met).toBe("passed");
    expect(bench.counts).toEqual({});
  });

  it("meets every later request by default", () => {
    const bench = new ExchangeBench("keepalive_race", {});
    expect(bench.play({ idle: null }).met).toBe("passed");
    expect(bench.play({ idle: 0 }).met).toBe("close");
  });
});
