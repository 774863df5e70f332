/** Each kind of TCP, UDP and DNS between real sockets: it hits the second connection, datagram or query of its bot, and no other. */
import { afterEach, describe, expect, it } from "vitest";
import { locate } from "../../../src/config/located.js";
import { compileFaults } from "../../../src/plan/compile.js";
import type { Site } from "../../../src/sweep/contract/site.js";
import { KINDS } from "../../../src/sweep/kinds/kinds.js";
import type { AnyKind, Protocol } from "../../../src/sweep/kinds/kind.js";
import { address, dnsProxy, said, UdpClient } from "../../support/dns-lab.js";
import { TYPES, timeLab, turns, until, type Lab } from "../../support/lab.js";
import { dnsSite, tcpSite, udpSite } from "../../support/made-up-sites.js";
import { udpEcho, udpEnd, udpProxy, type UdpEnd } from "../../support/udp-lab.js";

let lab: Lab;

afterEach(async () => {
  await lab.close();
});

const SECOND = { word: "second", nth: 2 } as const;
const kindsOf = (protocol: Protocol): (readonly [string, AnyKind])[] =>
  KINDS.filter((kind) => kind.protocol === protocol).map((kind) => [kind.name, kind]);
const switchOn = (kind: AnyKind, site: Site): void => {
  lab.use(compileFaults(locate([...kind.faults(site, SECOND)]), TYPES).compiled.faults);
};

describe("a kind of TCP", () => {
  it.each(kindsOf("tcp").filter(([, { to }]) => to === undefined))(
    "%s hits the second connection",
    async (name, kind) => {
      const { lab: own, time } = timeLab();
      lab = own;
      const answer = "x".repeat(200);
      const port = await lab.server((socket) =>
        socket.on("data", () => socket.write(answer)).on("end", () => socket.end()),
      );
      const proxy = await lab.proxy(port, { name: "queue" });
      switchOn(kind, tcpSite({ bytes: { up: 40, down: answer.length } }));
      for (const n of [1, 2, 3]) {
        const client = lab.client(proxy);
        await client.connected;
        const hits = (): boolean => lab.facts.of("fault_hit").some(({ connection }) => connection === n);
        client.write("y".repeat(40));
        // A fault that acts at once has acted by the time that an answer could have come.
        await until(() => client.length === answer.length || client.end !== null || hits());
        client.fin();
        if (n !== 2) await client.ended;
        else await until(hits);
        time.advance(1);
      }
      const told = lab.facts.of("fault_hit").map(({ fault, connection }) => `${fault} ${connection}`);
      expect(new Set(told)).toStrictEqual(new Set([`${name} 2`]));
    },
  );

  it("refused closes the port for 2 s", async () => {
    const { lab: own, time } = timeLab();
    lab = own;
    const proxy = await lab.proxy(await lab.echo(), { name: "queue" });
    const [refused] = kindsOf("tcp").filter(([, { to }]) => to === "all");
    if (refused === undefined) throw new Error("no such kind");
    const before = proxy.address.port;
    switchOn(refused[1], tcpSite());
    await turns();
    await expect(lab.client(before).connected).rejects.toThrow("ECONNREFUSED");
    time.advance(2_001);
    await turns();
    await lab.client(before).connected;
  });
});

describe("a kind of UDP", () => {
  const exchange = async (
    name: string,
    kind: AnyKind,
  ): Promise<{ readonly client: UdpEnd; readonly server: UdpEnd }> => {
    const { lab: own, time } = timeLab();
    lab = own;
    const server = await udpEcho(lab);
    const proxy = await udpProxy(lab, server.port, { name: "stats" });
    const client = await udpEnd(lab);
    switchOn(kind, udpSite());
    for (const n of [1, 2, 3]) {
      client.send(String(n), proxy);
      await until(() => proxy.tally.received.upstream === n);
      await turns();
      if (name !== "swapped" || n === 3) time.advance(200);
      await turns();
    }
    return { client, server };
  };

  const EXPECTED: Readonly<Record<string, readonly [arrived: string, answered: string]>> = {
    "lost": ["1 3", "1 3"],
    "answer-lost": ["1 2 3", "1 3"],
    "twice": ["1 2 2 3", "1 2 2 3"],
    "answer-twice": ["1 2 3", "1 2 2 3"],
    "swapped": ["1 3 2", "1 3 2"],
  };

  it.each(kindsOf("udp"))("%s hits the second datagram of its direction", async (name, kind) => {
    const { client, server } = await exchange(name, kind);
    const [arrived = "", answered = ""] = EXPECTED[name] ?? [];
    await client.received(answered.split(" ").length);
    expect([server.texts.join(" "), client.texts.join(" ")]).toStrictEqual([arrived, answered]);
  });
});

describe("a kind of DNS", () => {
  const EXPECTED: Readonly<Record<string, string>> = {
    "nxdomain": "NXDOMAIN",
    "servfail": "SERVFAIL",
    "silent": "",
    "wrong-address": "NOERROR | A 192.0.2.1",
    "no-address": "NOERROR",
    "truncated": "NOERROR TC",
    "ttl-0": "NOERROR | A 10.0.0.7",
  };

  it.each(kindsOf("dns"))("%s hits the second query for its name, or all", async (name, kind) => {
    lab = timeLab().lab;
    const records = [address("jobs.example", "10.0.0.7"), address("other.example", "10.0.0.8")];
    const proxy = await dnsProxy(lab, { records });
    const client = await UdpClient.to(lab, proxy);
    switchOn(kind, dnsSite());
    const answers: string[] = [];
    for (const n of [1, 2, 3]) {
      expect(said(await client.ask("other.example"))).toBe("NOERROR | A 10.0.0.8");
      if (name === "silent" && n === 2) {
        const before = client.received.length;
        void client.ask("jobs.example");
        await until(() => lab.facts.of("fault_hit").length > 0);
        await turns();
        expect(client.received.length).toBe(before);
        answers.push("");
      } else answers.push(said(await client.ask("jobs.example")));
    }
    const hit = EXPECTED[name];
    const plain = "NOERROR | A 10.0.0.7";
    expect(answers).toStrictEqual(kind.to === "all" ? [hit, hit, hit] : [plain, hit, plain]);
    expect(lab.facts.of("fault_hit").length).toBe(kind.to === "all" ? 3 : 1);
  });
});
