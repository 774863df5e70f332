/** The thread that keeps a port silent dies: that is told, and another one takes its place. */
import process from "node:process";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canBeSilent } from "../../../src/proxy/tcp/silence.js";
import { fault, Lab, until } from "../../support/lab.js";

const threads: Worker[] = [];
const started = (thread: Worker): void => {
  threads.push(thread);
};

let lab: Lab;
beforeEach(() => {
  process.on("worker", started);
});
afterEach(async () => {
  process.off("worker", started);
  await lab.close();
});

describe.skipIf(!canBeSilent())("a proxy whose silent thread dies", () => {
  it("says so once and falls silent again, and is healed as if nothing had been", async () => {
    lab = new Lab();
    const upstream = await lab.upstream();
    const proxy = await lab.proxy(upstream.port);
    const { port } = proxy.address;
    const silences = (): number =>
      lab.facts.of("listener_closed").filter(({ why }) => why === "attempts to connect go unanswered").length;
    lab.use([fault("down", { refuse: "syn_drop" })]);
    await until(() => silences() === 1);
    expect(threads).toHaveLength(1);
    void threads[0]?.terminate();
    const { reason } = await lab.facts.first("listen_failed");
    expect(reason).toBe("the thread that should keep the port silent has ended");
    await until(() => silences() === 2);
    expect(threads).toHaveLength(2);
    expect(lab.facts.of("listen_failed")).toHaveLength(1);
    expect(proxy.state).toBe("closed by fault");
    lab.heal();
    await lab.facts.first("listener_opened");
    expect(proxy.address.port).toBe(port);
    await lab.through(proxy, upstream);
    expect(lab.facts.of("listen_failed")).toHaveLength(1);
  });
});
