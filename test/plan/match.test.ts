/** `match: { client }`: addresses and blocks, of both families. */
import { describe, expect, it } from "vitest";
import { compileMatch, parseBlock } from "../../src/plan/match.js";

const matches = (patterns: readonly string[], client: string): boolean =>
  compileMatch([{ client: patterns }])({ bot: client, connection: 1, client });

describe("a client", () => {
  it.each([
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.1.2.4", false],
    ["10.1.0.0/16", "10.1.255.255", true],
    ["10.1.0.0/16", "10.2.0.0", false],
    ["10.1.2.3/32", "10.1.2.3", true],
    ["10.1.2.128/25", "10.1.2.127", false],
    ["10.1.2.128/25", "10.1.2.128", true],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["2001:db8::1", "2001:0db8:0:0:0:0:0:1", true],
    ["::1", "::1", true],
    ["::/0", "2001:db8::1", true],
    ["::/0", "10.1.2.3", false],
  ] as const)("of %s: is %s one? %s", (pattern, client, expected) => {
    expect(matches([pattern], client)).toBe(expected);
  });

  it("that comes to a dual-stack listener over IPv4 is the IPv4 address that people write", () => {
    expect(matches(["10.1.0.0/16"], "::ffff:10.1.2.3")).toBe(true);
    expect(matches(["::ffff:10.1.2.3"], "10.1.2.3")).toBe(true);
  });

  it("written as a mapped block is the IPv4 block", () => {
    expect(matches(["::ffff:10.1.0.0/112"], "10.1.2.3")).toBe(true);
    expect(matches(["::ffff:10.1.0.0/112"], "::ffff:10.1.2.3")).toBe(true);
    expect(matches(["::ffff:10.1.0.0/112"], "10.2.2.3")).toBe(false);
  });

  it("with a zone is the address without it", () => {
    expect(matches(["fe80::/10"], "fe80::1%eth0")).toBe(true);
  });

  it("is any of a list, in any of several entries", () => {
    expect(matches(["10.0.0.1", "192.168.0.0/16"], "192.168.3.4")).toBe(true);
    const either = compileMatch([{ client: ["10.0.0.1"] }, { client: ["10.0.0.2"] }]);
    const told = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((client) =>
      either({ bot: "x", connection: 1, client }),
    );
    expect(told).toEqual([true, true, false]);
  });

  it("that nobody knows the address of matches no address", () => {
    expect(matches(["0.0.0.0/0", "::/0"], "")).toBe(false);
  });
});

describe("a pattern", () => {
  it.each([
    "",
    "jobs",
    "10.0.0",
    "010.0.0.1",
    "167772161",
    "10.0.0.0/8/8",
    "10.0.0.0/1e1",
    "10.0.0.1/33",
    "10.0.0.1/",
    "2001:db8::/129",
    "10.0.0.256",
    "1.2.3.4/-1",
  ])("such as %j is none", (pattern) => {
    expect(parseBlock(pattern)).toBeNull();
  });
});
