import { describe, expect, it } from "vitest";
import { ExchangeBench } from "../../../support/exchange-bench.js";
import { typeNamed } from "../../../support/stream-bench.js";

describe("duplicate_request", () => {
  it("asks for one copy less than the times in all", () => {
    const bench = new ExchangeBench("duplicate_request", { times: 3, gap: "50ms" });
    const { dispatch, met } = bench.play({ method: "POST", body: "x" });
    expect(met).toBe("passed");
    expect(dispatch).toMatchObject({
      copies: 2,
      gap: 50,
      connection: "another",
      detached: true,
      limit: 1_048_576,
    });
    expect(bench.counts).toEqual({ duplicated: 2 });
    expect(bench.armed.details["duplicated"]).toEqual({ times: 3 });
  });

  it("can send them on the first one's connection", () => {
    const { dispatch } = new ExchangeBench("duplicate_request", { same_connection: true }).play();
    expect(dispatch?.connection).toBe("same");
  });

  it("sends once what is too large to be kept, and says so", () => {
    const bench = new ExchangeBench("duplicate_request", { limit: "4B" });
    bench.play({ method: "POST", body: "12345" });
    expect(bench.counts).toEqual({ too_large: 1 });
    bench.play({ method: "POST", body: "1234" });
    expect(bench.counts).toEqual({ too_large: 1, duplicated: 1 });
  });

  it.each([0, 1, 11])("cannot send it %d times", (times) => {
    expect(typeNamed("duplicate_request").params.safeParse({ times }).success).toBe(false);
  });
});
