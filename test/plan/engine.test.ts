/** Who loses the segments: the kernel where plain loss is asked for and it is permitted, or else the model, and why. */
import { describe, expect, it } from "vitest";
import type { Seam } from "../../src/faults/contract/index.js";
import {
  engineOf,
  engineRefused,
  NOT_REPRODUCIBLE,
  type EngineCircumstances,
} from "../../src/plan/engine.js";
import type { CompiledFault } from "../../src/plan/value.js";
import { fault, TYPES } from "../support/lab.js";

const TCP: { readonly seams: ReadonlySet<Seam>; readonly except: [] } = {
  seams: new Set(["listener", "connection", "stream"]),
  except: [],
};
const FREE: EngineCircumstances = { seeded: false, observe: false, unavailable: () => null };
const type = (() => {
  const found = TYPES.get("packet_loss");
  if (found === undefined) throw new Error("packet_loss is gone");
  return found;
})();

function loss(params: Record<string, unknown> = {}, rest: Partial<CompiledFault> = {}): CompiledFault {
  return fault("packet_loss", { loss: "5%", ...params }, rest);
}

function why(one: CompiledFault, place = TCP, circumstances = FREE): string | undefined {
  const engine = engineOf(one, type, place, circumstances);
  return engine?.kernel === null ? engine.why : undefined;
}

describe("the engine of packet_loss", () => {
  it("is the kernel for plain loss, by itself", () => {
    expect(engineOf(loss(), type, TCP, FREE)).toEqual({
      kernel: { loss: 0.05, leg: "client", directions: ["upstream", "downstream"], clients: null },
      why: NOT_REPRODUCIBLE,
    });
  });

  it("is the kernel for the clients and the direction that are named", () => {
    const match = [{ client: ["10.0.0.1"] }, { client: ["10.1.0.0/16"] }];
    expect(engineOf(loss({}, { match, directions: "upstream" }), type, TCP, FREE)?.kernel).toMatchObject({
      directions: ["upstream"],
      clients: ["10.0.0.1", "10.1.0.0/16"],
    });
  });

  it.each<[string, CompiledFault]>([
    ["the kernel knows no rtt", loss({ rtt: "50ms" })],
    ["the kernel knows no burst", loss({ burst: 4 })],
    [
      "the kernel knows no good_for, bad_for or timing",
      loss({ good_for: "1s", bad_for: "1s", timing: "fixed" }),
    ],
    ["the kernel knows no congestion", loss({ congestion: "reno" })],
    ["the kernel knows no ramp of loss", loss({}, { ramps: { loss: { from: 0, to: 0.1 } } })],
    ["the kernel knows no probability", loss({}, { when: { probability: 0.5 } })],
    ["the kernel knows no count", loss({}, { when: { count: 3, after: 1_000 } })],
    ["the kernel knows no match on bot", loss({}, { match: [{ bot: ["b"] }] })],
    ["the kernel knows no match on client", loss({ leg: "upstream" }, { match: [{ client: ["10.0.0.1"] }] })],
    ["the kernel knows no except", loss({}, { except: [{ client: ["10.0.0.1"] }] })],
    ["it was asked for", loss({ engine: "model" })],
  ])("is the model where %s", (reason, one) => {
    expect(why(one)).toBe(reason);
  });

  it("is the model where a seed was given, the kernel is not there, or it only observes", () => {
    expect(why(loss(), TCP, { ...FREE, seeded: true })).toMatch(/^a seed was given/u);
    expect(why(loss(), TCP, { ...FREE, unavailable: () => "no nft" })).toBe("no nft");
    expect(why(loss(), TCP, { ...FREE, observe: true })).toBe("it only observes");
  });

  it("is the model where headers name the clients, as segments bear other addresses", () => {
    const match = [{ client: ["10.0.0.1"] }];
    const named = { ...TCP, named: true };
    expect(why(loss({}, { match }), named)).toBe("the kernel knows no match on client");
    expect(why(loss(), named)).toBeUndefined();
  });

  it("is for connections: datagrams know none", () => {
    expect(engineOf(loss(), type, { seams: new Set(["datagram"]), except: [] }, FREE)).toBeNull();
  });

  it("does not ask the kernel before there is a reason to", () => {
    const unavailable = (): null => {
      throw new Error("asked");
    };
    expect(why(loss({ rtt: "50ms" }), TCP, { ...FREE, unavailable })).toBe("the kernel knows no rtt");
    expect(engineRefused(loss(), type, TCP, { ...FREE, unavailable })).toBeNull();
  });

  it("is refused to those who insist where it cannot be had, seed or not", () => {
    const kernel = loss({ engine: "kernel" });
    expect(engineRefused(kernel, type, TCP, { ...FREE, seeded: true })).toBeNull();
    expect(engineRefused(kernel, type, TCP, { ...FREE, unavailable: () => "no nft" })).toBe("no nft");
    expect(engineRefused({ ...kernel, when: { every: 2 } }, type, TCP, FREE)).toBe(
      "the kernel knows no every",
    );
    expect(engineRefused(kernel, type, { seams: new Set(["datagram"]), except: [] }, FREE)).toBe(
      "it has no TCP connections",
    );
  });
});
