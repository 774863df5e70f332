/** Losses as nftables rules, as text. */
import { describe, expect, it } from "vitest";
import type { KernelLoss } from "../../../src/faults/kernel-loss.js";
import { swap, tableCommands, trialCommands, type End } from "../../../src/proxy/kernel/rules.js";

const BOTH = ["upstream", "downstream"] as const;

function rules(loss: Partial<KernelLoss>, ends: readonly End[] = [{ host: "10.0.0.1", port: 80 }]): string[] {
  const source = {
    id: "f1",
    loss: 0.05,
    leg: "client" as const,
    directions: BOTH,
    clients: null,
    ends,
    ...loss,
  };
  return swap("t", 2, [source], new Set())
    .filter((line) => line.startsWith("add rule"))
    .map((line) => line.replace("add rule inet t ", "").replace(/counter name f1_\w+ ?/gu, ""));
}

describe("the rules", () => {
  it("drop what arrives at the listener, and lead astray what leaves it", () => {
    expect(rules({})).toEqual([
      "arriving meta nfproto ipv4 ip daddr 10.0.0.1 tcp dport 80 numgen random mod 10000 < 500 drop",
      "leaving meta nfproto ipv4 ip saddr 10.0.0.1 tcp sport 80 numgen random mod 10000 < 500 meta mark set 0x53714c ip daddr set 127.0.0.1",
    ]);
  });

  it("have the ports the other way round for upstreams", () => {
    expect(rules({ leg: "upstream" }, [{ host: "fd00::1", port: 80 }])).toEqual([
      "leaving meta nfproto ipv6 ip6 daddr fd00::1 tcp dport 80 numgen random mod 10000 < 500 meta mark set 0x53714c ip6 daddr set ::1",
      "arriving meta nfproto ipv6 ip6 saddr fd00::1 tcp sport 80 numgen random mod 10000 < 500 drop",
    ]);
  });

  it("act in the directions that are named, and on the clients that are", () => {
    const clients = ["10.0.0.0/8", "10.1.0.0/16", "10.2.2.2", "192.0.2.1", "192.0.2.1/32", "fd00::7"];
    expect(rules({ directions: ["upstream"], clients }, [{ host: "", port: 80 }])).toEqual([
      "arriving meta nfproto ipv4 tcp dport 80 ip saddr { 10.0.0.0/8, 192.0.2.1 } numgen random mod 10000 < 500 drop",
      "arriving meta nfproto ipv6 tcp dport 80 ip6 saddr { fd00::7 } numgen random mod 10000 < 500 drop",
    ]);
  });

  it.each([
    ["::", ["ipv4", "ipv6"]],
    ["0.0.0.0", ["ipv4"]],
    ["fe80::1%eth0", ["ipv6"]],
  ])("take any address for what %s listens on", (host, families) => {
    const found = rules({ directions: ["upstream"] }, [{ host, port: 80 }]);
    expect(found.map((rule) => /nfproto (\w+)/u.exec(rule)?.[1])).toEqual(families);
  });

  it.each([
    [0.05, "numgen random mod 10000 < 500 drop"],
    [0.0001, "numgen random mod 10000 < 1 drop"],
    [0.00025, "numgen random mod 1000000000 < 250000 drop"],
    [0.000_000_1, "numgen random mod 1000000000 < 100 drop"],
    [1, "tcp dport 80 drop"],
  ])("are as fine as a loss of %d", (loss, end) => {
    const [rule = ""] = rules({ directions: ["upstream"], loss });
    expect(rule.endsWith(end), rule).toBe(true);
  });

  it("are none where nothing is to be lost", () => {
    expect(rules({ loss: 0 })).toEqual([]);
  });

  it("replace all others in one transaction, and keep the counters of those that stay", () => {
    const source = {
      id: "f1",
      loss: 0.05,
      leg: "client" as const,
      directions: BOTH,
      clients: null,
      ends: [],
    };
    expect(swap("t", 7, [source], new Set(["f1"]))).toEqual([
      "flush chain inet t arriving",
      "flush chain inet t leaving",
      "delete counter inet t r6",
      "add counter inet t r7",
    ]);
    expect(swap("t", 7, [source], new Set())).toHaveLength(8);
  });

  it("live in a table that the kernel takes away with its owner", () => {
    expect(tableCommands("t", 0)[0]).toBe("add table inet t { flags owner; }");
    expect(trialCommands("t").join("\n")).toContain("numgen random");
  });
});
