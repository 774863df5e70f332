/** The table of endings for byte streams: what each side has done, with and without a fault that holds, and every two things that may happen next. */
import { afterEach, describe, expect, it } from "vitest";
import type { CompiledFault } from "../../../src/plan/value.js";
import { fault, timeLab, turns, until, type Client, type Lab } from "../../support/lab.js";
import { sample } from "../../support/scope.js";

const EVENTS = [
  "client bytes",
  "client half-close",
  "client close",
  "client RST",
  "server bytes",
  "server half-close",
  "server close",
  "server RST",
  "heal",
  "removal",
] as const;
type Event = (typeof EVENTS)[number];

const FAULTS: Readonly<Record<string, () => readonly CompiledFault[]>> = {
  "no fault": () => [],
  "bytes that are held": () => [fault("latency", { delay: "1h" })],
  "a black hole": () => [fault("blackhole")],
  "an end that is kept from the other side": () => [fault("half_open")],
};

let lab: Lab | null = null;
afterEach(async () => {
  await lab?.close();
  lab = null;
});

function act(peer: Client, what: string, words: string): void {
  if (peer.socket.destroyed) return;
  if (what === "bytes" && peer.socket.writable) peer.write(words);
  else if (what === "half-close") peer.fin();
  else if (what === "close") peer.socket.destroy();
  else if (what === "RST") peer.rst();
}

async function play(faults: () => readonly CompiledFault[], events: readonly Event[]): Promise<void> {
  const timed = timeLab();
  lab = timed.lab;
  const upstream = await lab.upstream();
  const proxy = await lab.proxy(upstream.port);
  lab.use(faults());
  const { client, peer: server } = await lab.through(proxy, upstream);
  for (const [index, event] of events.entries()) {
    const [who, what = ""] = event.split(" ");
    if (event === "heal") lab.heal();
    else if (event === "removal") proxy.stop();
    else act(who === "client" ? client : server, what, `${who} ${index};`);
    await turns(10);
    timed.time.advance(10);
    await turns(10);
  }
  const sent = (who: string): string =>
    events.map((event, index) => (event === `${who} bytes` ? `${who} ${index};` : "")).join("");
  // Nobody gets what is not the other's, or gets it in another order.
  expect(sent("client").startsWith(server.text)).toBe(true);
  expect(sent("server").startsWith(client.text)).toBe(true);
  client.socket.destroy();
  server.socket.destroy();
  await turns(10);
  lab.heal();
  await turns(10);
  timed.time.advance(1_000);
  await until(() => proxy.stats.connectionsActive === 0);
  await turns(10);
  expect(lab.context.slots.taken).toBe(0);
  expect(lab.context.budget.held).toBe(0);
  expect(timed.time.idle).toBe(true);
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
  lab = null;
}

describe("a byte stream leaves nothing behind", () => {
  for (const [name, faults] of Object.entries(FAULTS))
    for (const first of EVENTS)
      it(`under ${name}, when ${first} is followed by anything`, async () => {
        const next = EVENTS.flatMap((second) =>
          (["client bytes", "server bytes", "client close", "server close"] as const).map(
            (third) => [second, third] as const,
          ),
        );
        for (const [second, third] of sample(next, 10, undefined, `${name} ${first}`))
          try {
            await play(faults, [first, second, third]);
          } catch (error) {
            throw new Error(`${first}, ${second}, ${third}: ${String(error)}`, { cause: error });
          }
      });
});
