/** Who gets long answers over UDP: a forged address must not be worth a flood. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/core/clock.js";
import { Neighbours } from "../../../src/proxy/dns/neighbours.js";
import { address, dnsProxy, question, TcpClient, UdpClient } from "../../support/dns-lab.js";
import { Lab } from "../../support/lab.js";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

describe("a stranger", () => {
  const clock = new VirtualClock();
  const interfaces = [{ cidr: "203.0.113.10/24" }, { cidr: "2001:4860:1::5/48" }, { cidr: null }];
  const neighbours = new Neighbours(clock, () => interfaces);

  it.each([
    ["127.0.0.1", false],
    ["::1", false],
    ["10.1.2.3", false],
    ["172.31.0.1", false],
    ["192.168.1.1", false],
    ["169.254.1.1", false],
    ["100.64.0.1", false],
    ["fe80::1%eth0", false],
    ["fd00::1", false],
    ["2001:4860:1:2::3", false],
    ["8.8.8.8", true],
    ["::ffff:8.8.8.8", true],
    ["172.32.0.1", true],
    ["2001:4860:2::3", true],
    ["255.255.255.255", true],
    ["224.0.0.251", true],
  ])("is whoever is neither private nor on a network of this machine: %s? %s", (text, expected) => {
    expect(neighbours.isStranger(text)).toBe(expected);
  });

  it("is none any more when the machine has got onto his network", () => {
    const had = [{ cidr: "10.0.0.1/8" }];
    const moving = new Neighbours(clock, () => had);
    expect(moving.isStranger("9.9.9.9")).toBe(true);
    had.push({ cidr: "9.9.9.1/24" });
    clock.advance(1_000);
    expect(moving.isStranger("9.9.9.9")).toBe(false);
  });
});

describe("a dns proxy", () => {
  const records = Array.from({ length: 200 }, (_, n) => address("many.example", `10.0.0.${n}`));
  const strange = { isStranger: () => true };

  it("gives a stranger no byte more than he sent, over UDP", async () => {
    const proxy = await dnsProxy(lab, { records }, undefined, strange);
    for (const [name, edns] of [
      ["many.example", 65_535],
      ["many.example", 512],
      ["nobody.example", 65_535],
    ] as const) {
      const reply = await (await UdpClient.to(lab, proxy)).ask(name, "A", { edns });
      expect(reply.length).toBeLessThanOrEqual(question(name, "A", { edns }).length);
      expect((reply.readUInt16BE(2) & 0x0200) !== 0, name).toBe(name === "many.example");
    }
  });

  it("gives him all over TCP, where nobody can say that he is another", async () => {
    const proxy = await dnsProxy(lab, { records }, undefined, strange);
    expect((await new TcpClient(lab, proxy).ask("many.example")).length).toBeGreaterThan(3_000);
  });

  it("gives neighbours what they can take", async () => {
    const proxy = await dnsProxy(lab, { records });
    const client = await UdpClient.to(lab, proxy);
    expect((await client.ask("many.example", "A", { edns: 4_096 })).length).toBeGreaterThan(3_000);
  });
});
