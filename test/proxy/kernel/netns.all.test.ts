/** Packet loss by the kernel, between two network namespaces: what is lost, what is not, and that nothing is left behind. */
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Cable, missingForNamespaces } from "../../support/netns.js";
import type { Json } from "../../support/process.js";

const missing = missingForNamespaces();
const needs = missing === null ? "" : ` (needs: ${missing})`;

const PORT = 8080;
const OTHER = 8081;
const PROXIES = {
  jobs: { listen: `[::]:${PORT}`, upstream: "tcp://127.0.0.1:9" },
  other: { listen: `[::]:${OTHER}`, upstream: "tcp://127.0.0.1:9" },
};

let cable: Cable;
let daemon: ChildProcess;

async function open(proxies: Json = PROXIES, before: readonly string[] = []): Promise<void> {
  await cable.echo("a", 9);
  daemon = await cable.daemon(proxies, before);
}

/** Four standard deviations of a share of n. */
const tolerance = (p: number, n: number): number => 4 * Math.sqrt((p * (1 - p)) / n);

function expectShare(part: number, of: number, p: number): void {
  expect(of).toBeGreaterThan(1_000);
  expect(Math.abs(part / of - p), `${part} of ${of}`).toBeLessThan(tolerance(p, of));
}

const loss = (rest: Json = {}): Json => ({ type: "packet_loss", proxy: "jobs", loss: "5%", ...rest });

describe.skipIf(missing !== null)(`packet loss by the kernel${needs}`, () => {
  beforeEach(() => {
    cable = new Cable();
  });
  afterEach(() => {
    cable.close();
  });

  it("loses the share that was asked for in both directions, as plain loss leaves it to the kernel by itself", async () => {
    await open();
    const active = await cable.lose([loss()]);
    const [on] = active["activations"] as Json[];
    expect(on).toMatchObject({ reproducible: false, engines: [{ proxy: "jobs", engine: "kernel" }] });
    expect(on?.["irreproducible"]).toMatch(/no seed repeats that/u);
    const { times } = await cable.ask("b", { port: PORT });
    const {
      seen_upstream = 0,
      lost_upstream = 0,
      seen_downstream = 0,
      lost_downstream = 0,
    } = await cable.losses();
    expectShare(lost_upstream, seen_upstream, 0.05);
    expectShare(lost_downstream, seen_downstream, 0.05);
    // How long they took is compared in test/long/kernel-loss.test.ts, on a quiet machine.
    expect(times.length).toBeGreaterThan(1_000);
    await cable.api("DELETE", "/active");
    const { segments, dropped } = await cable.told("kernel_loss_ended");
    expect(Number(segments)).toBeGreaterThanOrEqual(seen_upstream + seen_downstream);
    expect(Number(dropped)).toBeGreaterThanOrEqual(lost_upstream + lost_downstream);
    const metrics = await cable.in("a", ["curl", "-sS", "localhost:8474/metrics"]);
    expect(metrics).toContain(`effect="dropped"} ${Number(dropped)}`);
    // The proxy itself is the only one hit, and all say the same of it.
    expect(metrics).toMatch(/^squall_fault_hits_total\{.*fault="packet_loss".*\} 1$/mu);
    const hit = await cable.told("fault_hit");
    expect(hit).toMatchObject({ bot: "", connection: 0, effect: "dropped" });
    const total = await cable.told("fault_total");
    expect(total).toMatchObject({ bot: "", connection: 0, effects: { dropped: Number(dropped) } });
    const ended = await cable.told("activation_ended");
    expect(ended["faults"]).toMatchObject([{ hits: 1, effects: { dropped: Number(dropped) } }]);
  });

  it.each([
    ["upstream", "b"],
    ["downstream", "a"],
  ] as const)(
    "loses segments for good %s: the sender sends each of them again",
    async (direction, sender) => {
      await open();
      await cable.lose([loss({ direction })]);
      await cable.ask("b", { port: PORT });
      const losses = await cable.losses();
      const lost = losses[`lost_${direction}`] ?? 0;
      expectShare(lost, losses[`seen_${direction}`] ?? 0, 0.05);
      expect(
        Object.keys(losses).filter((name) => name.startsWith("lost_") && (losses[name] ?? 0) > 0),
      ).toEqual([`lost_${direction}`]);
      // A few are lone acknowledgements and ends, which are not.
      const again = await cable.retransmitted(sender);
      expect(again).toBeGreaterThan(lost * 0.7);
      expect(again).toBeLessThan(lost * 1.5);
    },
  );

  it("acts over IPv6, and for clients on the machine itself once in each direction", async () => {
    await open();
    await cable.lose([loss()]);
    for (const [side, host] of [
      ["b", "fd77::1"],
      ["a", "127.0.0.1"],
      ["a", "::1"],
    ] as const) {
      const before = await cable.losses();
      const { times } = await cable.ask(side, { host, port: PORT, exchanges: 30 });
      expect(times).toHaveLength(1_500);
      const after = await cable.losses();
      for (const direction of ["upstream", "downstream"]) {
        const more = (what: string): number =>
          (after[`${what}_${direction}`] ?? 0) - (before[`${what}_${direction}`] ?? 0);
        expect(more("seen")).toBeGreaterThan(1_500);
        expectShare(more("lost"), more("seen"), 0.05);
      }
    }
  });

  it("leaves other ports alone, and the clients that it is not about", async () => {
    await open();
    const match = { client: ["10.77.0.3", "10.77.0.3/32"] };
    await cable.lose([loss({ loss: "100%", match })]);
    const retransmitted = await cable.retransmitted("b");
    for (const ask of [{ port: OTHER }, { port: 9 }, { port: PORT, from: "10.77.0.2" }]) {
      const { times, errors } = await cable.ask("b", ask);
      expect([times.length, errors]).toEqual([3_000, []]);
    }
    expect(await cable.losses()).toMatchObject({ seen_upstream: 0, seen_downstream: 0 });
    expect((await cable.retransmitted("b")) - retransmitted).toBeLessThan(30);
    const refused = cable.in("b", [
      "curl",
      "-sS",
      "--interface",
      "10.77.0.3",
      "-m",
      "1",
      `10.77.0.1:${PORT}`,
    ]);
    await expect(refused).rejects.toThrow(/timed out/iu);
  });

  it("loses segments between the proxy and its upstream with leg: upstream", async () => {
    await cable.echo("b", 9);
    await open({ jobs: { listen: `127.0.0.1:${PORT}`, upstream: "tcp://10.77.0.2:9" } });
    await cable.lose([loss({ leg: "upstream" })]);
    const { times } = await cable.ask("a", { host: "127.0.0.1", port: PORT });
    const {
      seen_upstream = 0,
      lost_upstream = 0,
      seen_downstream = 0,
      lost_downstream = 0,
    } = await cable.losses();
    expectShare(lost_upstream, seen_upstream, 0.05);
    expectShare(lost_downstream, seen_downstream, 0.05);
    expect(times.length).toBeGreaterThan(1_000);
  });

  it("takes its table away on heal, on exit and on SIGKILL, and no rule of anybody else's", async () => {
    await cable.in("a", ["nft", "add table inet mine"]);
    await open();
    expect(await cable.rules()).not.toContain("squall_");
    await cable.lose([loss()]);
    expect(await cable.rules()).toContain("flags owner");
    await cable.api("DELETE", "/active");
    await cable.told("kernel_loss_ended");
    expect(await cable.rules()).not.toContain("squall_");

    await cable.lose([loss({ engine: "kernel" })]);
    daemon.kill("SIGTERM");
    expect(await once(daemon, "exit")).toEqual([0, null]);
    expect(await cable.rules()).not.toContain("squall_");

    daemon = await cable.daemon(PROXIES);
    await cable.lose([loss()]);
    daemon.kill("SIGKILL");
    await cable.unruled();
    expect(await cable.rules()).toMatch(/^table inet mine \{\n\}\n$/u);
  });

  it("puts its rules back when the process that held them is killed, and takes the model when that goes on", async () => {
    await open();
    await cable.lose([loss()]);
    let after = 0;
    for (let times = 1; times <= 4; times++) {
      while (!(await cable.rules()).includes('counter name "f')) continue;
      const children = (
        await cable.in("a", ["cat", `/proc/${daemon.pid}/task/${daemon.pid}/children`])
      ).trim();
      expect(children).toMatch(/^\d+$/u);
      process.kill(Number(children), "SIGKILL");
      const failed = await cable.told("kernel_loss_failed", after);
      expect(failed).toMatchObject({ why: "nft ended with SIGKILL", again: times < 4 });
      after = Number(failed["seq"]);
    }
    expect(await cable.told("engine_chosen", after)).toMatchObject({
      engine: "model",
      why: "nft ended with SIGKILL",
    });
    expect(await cable.api("GET", "/active")).toMatchObject({ activations: [{ reproducible: true }] });
    expect(await cable.rules()).not.toContain("squall_");
  });

  it("falls back to the model without the capability, and refuses whoever insists", async () => {
    await open(PROXIES, ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]);
    const why = "the capability NET_ADMIN is missing";
    const active = await cable.lose([loss()], false);
    expect(active).toMatchObject({
      activations: [{ reproducible: true, engines: [{ proxy: "jobs", engine: "model", why }] }],
    });
    expect(await cable.told("engine_chosen")).toMatchObject({ engine: "model", why });
    const { proxies } = await cable.api("GET", "/status");
    expect((proxies as Json[])[0]).toMatchObject({ faults: [{ type: "packet_loss", engine: "model" }] });
    expect(await cable.lose([loss({ engine: "kernel" })], false)).toMatchObject({
      status: 422,
      code: "SQ_ENGINE_UNAVAILABLE",
      error: `packet_loss cannot have the engine kernel on jobs: ${why}`,
    });
    expect(await cable.rules()).toBe("");
  });
});
