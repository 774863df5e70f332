/** Which of several servers a dns proxy asks, when, and what it learns of them: on a clock that moves when told. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { encode, decode, type Answer } from "dns-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import { Forwarder } from "../../../src/proxy/dns/forwarder.js";
import { type Servers } from "../../../src/proxy/dns/servers.js";
import type { Asking, Outcome, ServerAddress } from "../../../src/proxy/dns/channel.js";
import { readQuery, type Query } from "../../../src/proxy/dns/codec.js";
import { dnsProxy, question, said, UdpClient } from "../../support/dns-lab.js";
import { timeLab, turns, until, type Lab } from "../../support/lab.js";
import { NAME, NamesLab } from "../../support/names-lab.js";

const REFUSED = 5;
const SERVFAIL = 2;

let lab: Lab;
let time: VirtualClock;
beforeEach(() => {
  ({ lab, time } = timeLab());
});
afterEach(() => lab.close());

interface Server {
  readonly port: number;
  asked: number;
  /** An address, an rcode, or nothing. */
  says: string | number | null;
  stop(): void;
}

/** A DNS server at an address of its own. */
async function server(says: Server["says"], address = "127.0.0.1", at = 0, of: Lab = lab): Promise<Server> {
  const socket = createSocket("udp4");
  let open = true;
  const stop = (): void => {
    if (open) socket.close();
    open = false;
  };
  socket.bind(at, address);
  await once(socket, "listening");
  of.onEnd(stop);
  const one: Server = { port: socket.address().port, asked: 0, says, stop };
  socket.on("message", (message, from) => {
    one.asked++;
    if (one.says === null) return;
    const { id = 0, questions = [] } = decode(message);
    const answers: Answer[] =
      typeof one.says === "string"
        ? [{ type: "A", name: questions[0]?.name ?? "", data: one.says, ttl: 5 }]
        : [];
    const rcode = typeof one.says === "number" ? one.says : 0;
    socket.send(encode({ type: "response", id, flags: rcode, questions, answers }), from.port, from.address);
  });
  return one;
}

function query(): Query {
  const read = readQuery(question("asked.example", "A"));
  if ("unreadable" in read) throw new Error("the question cannot be read");
  return read;
}

function forwarder(list: readonly ServerAddress[], more: Partial<Servers> = {}) {
  const made = new Forwarder(lab.context, { list: () => list, spread: false, ...more });
  lab.onEnd(() => {
    made.close();
  });
  const ask = (): { readonly asking: Asking; outcome: Outcome | null } => {
    const asked: { asking: Asking; outcome: Outcome | null } = {
      outcome: null,
      asking: made.ask(query(), false, (outcome) => (asked.outcome = outcome)),
    };
    return asked;
  };
  return ask;
}

const to = (address: string, { port }: Server): ServerAddress => ({ address, port });
const words = (outcome: Outcome | null): string =>
  outcome === null || typeof outcome === "string" ? String(outcome) : said(outcome);

describe("a first server that keeps silent", () => {
  it("costs one question half a second, and those after it nothing for 30 s", async () => {
    const dead = await server(null, "127.0.0.1");
    const live = await server("192.0.2.1", "127.0.0.2");
    const ask = forwarder([to("127.0.0.1", dead), to("127.0.0.2", live)]);
    const first = ask();
    await until(() => dead.asked === 1);
    time.advance(499);
    await turns();
    expect(live.asked).toBe(0);
    time.advance(1);
    await until(() => first.outcome !== null);
    expect(words(first.outcome)).toBe("NOERROR | A 192.0.2.1");
    for (let n = 0; n < 5; n++) {
      const next = ask();
      await until(() => next.outcome !== null);
    }
    expect([dead.asked, live.asked]).toEqual([1, 6]);
    time.advance(30_000);
    const later = ask();
    await until(() => dead.asked === 2);
    dead.says = "192.0.2.9";
    later.asking.cancel();
  });

  it("that answers again is asked first again", async () => {
    const first = await server(null, "127.0.0.1");
    const second = await server("192.0.2.1", "127.0.0.2");
    const ask = forwarder([to("127.0.0.1", first), to("127.0.0.2", second)]);
    const one = ask();
    await until(() => first.asked === 1);
    time.advance(500);
    await until(() => one.outcome !== null);
    first.says = "192.0.2.9";
    time.advance(30_001);
    const two = ask();
    await until(() => two.outcome !== null);
    expect(words(two.outcome)).toBe("NOERROR | A 192.0.2.9");
  });
});

describe("a first server that does not help", () => {
  it.each([
    ["SERVFAIL", SERVFAIL],
    ["REFUSED", REFUSED],
  ])("by %s lets the next one say", async (_name, rcode) => {
    const first = await server(rcode, "127.0.0.1");
    const second = await server("192.0.2.1", "127.0.0.2");
    const one = forwarder([to("127.0.0.1", first), to("127.0.0.2", second)])();
    await until(() => one.outcome !== null);
    expect(words(one.outcome)).toBe("NOERROR | A 192.0.2.1");
  });

  it("has the last word when no other one says anything within half a second", async () => {
    const first = await server(REFUSED, "127.0.0.1");
    const second = await server(null, "127.0.0.2");
    const one = forwarder([to("127.0.0.1", first), to("127.0.0.2", second)])();
    await until(() => second.asked === 1);
    await turns();
    time.advance(500);
    expect(words(one.outcome)).toBe("REFUSED");
  });

  it("has the last word at once when it is alone", async () => {
    const first = await server(SERVFAIL);
    const one = forwarder([to("127.0.0.1", first)])();
    await until(() => one.outcome !== null);
    expect(words(one.outcome)).toBe("SERVFAIL");
  });

  it("by saying that there is no such name is believed", async () => {
    const first = await server(3, "127.0.0.1");
    const second = await server("192.0.2.1", "127.0.0.2");
    const one = forwarder([to("127.0.0.1", first), to("127.0.0.2", second)])();
    await until(() => one.outcome !== null);
    expect([words(one.outcome), second.asked]).toEqual(["NXDOMAIN", 0]);
  });
});

describe("a server by name", () => {
  it("that moved is found by the question that meets nobody, or silence", async () => {
    const names = new NamesLab();
    try {
      for (const how of ["gone", "silent"] as const) {
        const old = await server("192.0.2.1", "127.0.0.2", 0, names.lab);
        await names.name(["127.0.0.2"]);
        names.time.advance(600_000);
        const proxy = await dnsProxy(names.lab, {
          name: how,
          source: "server",
          upstream: { host: NAME, port: old.port },
        });
        const client = await UdpClient.to(names.lab, proxy);
        expect(said(await client.ask("a.example"))).toBe("NOERROR | A 192.0.2.1");
        if (how === "gone") old.stop();
        else old.says = null;
        await server("192.0.2.2", "127.0.0.3", old.port, names.lab);
        await names.name(["127.0.0.3"]);
        names.time.advance(1_000);
        client.send(question("b.example", "A"));
        while (client.received.length < 2) await names.pass(100);
        expect(said(await client.nth(2))).toBe("NOERROR | A 192.0.2.2");
      }
    } finally {
      await names.lab.close();
    }
  });

  it("with several addresses asks them in turn", async () => {
    const one = await server("192.0.2.1", "127.0.0.2");
    const two = await server("192.0.2.2", "127.0.0.3", one.port);
    const ask = forwarder([to("127.0.0.2", one), to("127.0.0.3", two)], { spread: true });
    for (let n = 0; n < 4; n++) {
      const next = ask();
      await until(() => next.outcome !== null);
    }
    expect([one.asked, two.asked]).toEqual([2, 2]);
  });
});
