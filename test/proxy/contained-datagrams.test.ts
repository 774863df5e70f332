/** A mistake of ours in one flow of datagrams, or in one question, costs that one, and is told: never the proxy, never the daemon. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../src/core/clock.js";
import { DatagramPath } from "../../src/pipeline/datagram.js";
import { RunningQuestion } from "../../src/proxy/dns/question.js";
import { Flow } from "../../src/proxy/udp/flow.js";
import { address, dnsProxy, question, said, UdpClient } from "../support/dns-lab.js";
import { fault, Lab, turns, until } from "../support/lab.js";
import { udpEcho, udpEnd, udpProxy } from "../support/udp-lab.js";

let lab: Lab;
afterEach(async () => {
  vi.restoreAllMocks();
  await lab.close();
});

const MISTAKE = "a mistake of ours";
/** Those that carry a mistake to its end, and end what it was made in. */
const CARRIERS = new Set(["constructor", "failed", "close", "end", "cancel"]);

function methodsOf({ prototype }: { readonly prototype: object }): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === "function" && !CARRIERS.has(name))
    .map(([name]) => name);
}

/** The first call of this method throws; says how often it did. */
function breaks(prototype: object, method: string): () => number {
  const methods = prototype as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[method];
  let thrown = 0;
  vi.spyOn(methods, method).mockImplementation(function (this: unknown, ...args: unknown[]) {
    if (thrown++ === 0) throw new Error(MISTAKE);
    return original?.apply(this, args);
  });
  return () => Math.min(thrown, 1);
}

function told(): number {
  return lab.facts.of("mistake").filter(({ error }) => String(error).includes(MISTAKE)).length;
}

const flows = [Flow, DatagramPath].flatMap((type) =>
  methodsOf(type).map((method) => ({ what: `${type.name}.${method}`, prototype: type.prototype, method })),
);
const questions = methodsOf(RunningQuestion).map((method) => ({
  what: `RunningQuestion.${method}`,
  prototype: RunningQuestion.prototype,
  method,
}));

describe("a mistake in", () => {
  it.each(flows)("$what ends no other flow", async ({ prototype, method }) => {
    lab = new Lab({ clock: new VirtualClock(1_000) });
    const echo = await udpEcho(lab);
    const proxy = await udpProxy(lab, echo.port);
    lab.use([fault("latency", { delay: "5ms" }, { directions: "both" })]);
    const thrown = breaks(prototype, method);
    const one = await udpEnd(lab);
    for (let n = 0; n < 3; n++) {
      one.send("hello", proxy);
      await turns(20);
      (lab.clock as VirtualClock).advance(10);
      await turns(20);
    }
    lab.heal();
    await turns(10);
    vi.restoreAllMocks();
    const other = await udpEnd(lab);
    other.send("well", proxy);
    expect(await other.received(1)).toEqual(["well"]);
    expect(told()).toBe(thrown());
    expect(lab.context.budget.held).toBe(0);
  });

  it.each(questions)("$what ends no other question", async ({ prototype, method }) => {
    lab = new Lab({ clock: new VirtualClock(1_000) });
    const proxy = await dnsProxy(lab, { records: [address("jobs.test", "10.0.0.1")] });
    const udp = await UdpClient.to(lab, proxy);
    lab.use([fault("dns_delay", { delay: "5ms" })]);
    const thrown = breaks(prototype, method);
    for (let n = 0; n < 3; n++) {
      udp.send(question("jobs.test", "A"));
      await turns(20);
      if (n < 2) (lab.clock as VirtualClock).advance(10);
      await turns(20);
    }
    lab.heal();
    await turns(10);
    vi.restoreAllMocks();
    const before = udp.received.length;
    udp.send(question("jobs.test", "A"));
    await until(() => udp.received.length > before);
    expect(said(udp.received.at(-1) ?? Buffer.alloc(0))).toBe("NOERROR | A 10.0.0.1");
    expect(told()).toBe(thrown());
  });
});
