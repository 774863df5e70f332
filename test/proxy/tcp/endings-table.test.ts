/** The table of endings for byte streams: what each side has done, with and without a fault that holds, and every two things that may happen next. */
import { afterEach, describe, expect, it } from "vitest";
import type { CompiledFault } from "../../../src/plan/value.js";
import type { TcpProxy } from "../../../src/proxy/tcp/proxy.js";
import { fault, timeLab, turns, until, type Client, type Lab } from "../../support/lab.js";
import { SecureLab, secureSpec, secureTimeLab } from "../../support/secure-lab.js";
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

/** What one side did, in its own books. */
interface Did {
  sent: number;
  readonly ends: Set<string>;
}

function act(peer: Client, what: string, words: string, did: Did): void {
  if (peer.socket.destroyed) return;
  if (what !== "bytes") did.ends.add(what);
  else if (peer.socket.writable) did.sent += words.length;
  if (what === "bytes" && peer.socket.writable) peer.write(words);
  else if (what === "half-close") peer.fin();
  else if (what === "close") peer.socket.destroy();
  else if (what === "RST") peer.rst();
}

/** Both sides' books against the proxy's: bytes, connections, and who is told to have reset. */
function compare(
  proxy: TcpProxy,
  client: Client,
  server: Client,
  did: Record<Side, Did>,
  quiet: boolean,
): void {
  const { connectionsTotal, bytesIn, bytesOut, errors } = proxy.stats;
  expect(connectionsTotal).toBe(1);
  // An RST takes bytes along that were sent before it, and whoever has closed does not count what comes.
  const orderly = [...did.client.ends, ...did.server.ends].every((end) => end === "half-close");
  for (const [from, to, direction] of [
    [did.client, server, "upstream"],
    [did.server, client, "downstream"],
  ] as const) {
    const [sent, came, went, got] = [from.sent, bytesIn[direction], bytesOut[direction], to.length];
    const books = `${direction}: ${sent} sent, ${came} came, ${went} went on, ${got} got`;
    expect(sent >= came && came >= went && went >= got, books).toBe(true);
    if (orderly && quiet) expect([came, went, got], books).toEqual([sent, sent, sent]);
  }
  const told = [...errors].flatMap(([reason, count]) => (count > 0 ? [[reason, count] as const] : []));
  for (const [reason, count] of told) {
    expect(count).toBe(1);
    expect(["client_reset", "upstream_reset"]).toContain(reason);
    // A peer that has closed answers what it is sent with an RST; so does one that was closed in the end, for what was on its way.
    const { ends } = did[reason === "client_reset" ? "client" : "server"];
    expect(ends.has("RST") || ends.has("close") || !quiet, `${reason}, and it ${[...ends].join()}`).toBe(
      true,
    );
  }
}

type Leg = "plain" | "tls";
type Side = "client" | "server";

async function play(
  leg: Leg,
  faults: () => readonly CompiledFault[],
  events: readonly Event[],
): Promise<void> {
  const timed = leg === "tls" ? secureTimeLab() : timeLab();
  lab = timed.lab;
  const upstream = await lab.upstream();
  const proxy = await lab.proxy(upstream.port, leg === "tls" ? { secure: secureSpec() } : {});
  lab.use(faults());
  const client = lab instanceof SecureLab ? await lab.secured(proxy) : lab.client(proxy);
  const server = await upstream.next();
  // The upstream accepts a turn before the proxy sees that it is connected.
  await turns();
  const did = { client: { sent: 0, ends: new Set<string>() }, server: { sent: 0, ends: new Set<string>() } };
  for (const [index, event] of events.entries()) {
    const [who, what = ""] = event.split(" ");
    if (event === "heal") lab.heal();
    else if (event === "removal") proxy.stop();
    else if (who === "client") act(client, what, `client ${index};`, did.client);
    else act(server, what, `server ${index};`, did.server);
    await turns(10);
    timed.time.advance(10);
    await turns(10);
  }
  const sent = (who: string): string =>
    events.map((event, index) => (event === `${who} bytes` ? `${who} ${index};` : "")).join("");
  // Nobody gets what is not the other's, or gets it in another order.
  expect(sent("client").startsWith(server.text)).toBe(true);
  expect(sent("server").startsWith(client.text)).toBe(true);
  // The first to reset is told as that, and the other side sees an RST of its own.
  if (faults().length === 0 && (events[0] === "client RST" || events[0] === "server RST")) {
    const [reason, other] =
      events[0] === "client RST"
        ? (["client_reset", server] as const)
        : (["upstream_reset", client] as const);
    expect([...proxy.stats.errors].filter(([, count]) => count > 0)).toEqual([[reason, 1]]);
    expect(other.end).toBe("reset");
  }
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
  compare(proxy, client, server, did, faults().length === 0 && !events.includes("removal"));
  await lab.close();
  lab = null;
}

describe.each(["plain", "tls"] as const)("a byte stream over a leg of %s leaves nothing behind", (leg) => {
  for (const [name, faults] of Object.entries(FAULTS))
    for (const first of EVENTS)
      it(`under ${name}, when ${first} is followed by anything`, async () => {
        const next = EVENTS.flatMap((second) =>
          (["client bytes", "server bytes", "client close", "server close"] as const).map(
            (third) => [second, third] as const,
          ),
        );
        for (const [second, third] of sample(
          next,
          leg === "tls" ? 2 : 5,
          undefined,
          `${name} ${first} ${leg}`,
        ))
          try {
            await play(leg, faults, [first, second, third]);
          } catch (error) {
            throw new Error(`${first}, ${second}, ${third}: ${String(error)}`, { cause: error });
          }
      });
});
