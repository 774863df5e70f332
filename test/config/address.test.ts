/** Addresses as people write them, and those that only look like one. */
import { describe, expect, it } from "vitest";
import {
  callsItself,
  formatAddress,
  isLoopback,
  parseListen,
  parseUpstream,
} from "../../src/config/address.js";

describe("an address to listen on", () => {
  it.each([
    ["127.0.0.1:8474", "127.0.0.1", 8474],
    [":8080", "", 8080],
    ["[::1]:0", "::1", 0],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
    ["localhost:65535", "localhost", 65_535],
    ["job_server.internal-1:1", "job_server.internal-1", 1],
  ])("%s is taken, and written the same way", (text, host, port) => {
    const address = parseListen(text);
    expect(address).toEqual({ host, port });
    expect(formatAddress(address ?? { host: "", port: 0 })).toBe(text);
  });

  it.each([
    "",
    "8080",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:8e3",
    "1:80",
    "1.2.3:80",
    "256.0.0.1:80",
    "01.2.3.4.5:1",
    "::1:80",
    "[::1]",
    "[1.2.3.4]:80",
    "[::g]:80",
    "[]:80",
    "a b:80",
    "-a:80",
    "a:80/",
    "tcp://a:80",
    "a:80\n",
    " a:80",
    "[::1%]:80",
  ])("%j is none", (text) => {
    expect(parseListen(text)).toBe(null);
  });
});

describe("who can reach an address", () => {
  it.each([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["localhost", true],
    ["LOCALHOST", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["", false],
    ["0.0.0.0", false],
    ["::", false],
    ["10.0.0.1", false],
    ["fe80::1%eth0", false],
    ["127.0.0.1.evil.example", false],
    ["localhost.example", false],
  ])("%s: nobody but this machine? %s", (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe("an upstream", () => {
  it("is tcp:// with a host and a port, and nothing behind them", () => {
    const tcp = { protocol: "tcp", tls: false };
    expect(parseUpstream("tcp://redis:6379")).toEqual({ ...tcp, address: { host: "redis", port: 6379 } });
    expect(parseUpstream("tcp://[::1]:1/")).toEqual({ ...tcp, address: { host: "::1", port: 1 } });
    for (const text of ["tcp://:80", "tcp://a", "tcp://a:0", "tcp://u@a:1", "tcp://a:1?x", "TCP://a:1", ""])
      expect(parseUpstream(text)).toBe("");
  });

  it.each([
    ["http://server:3000", { host: "server", port: 3000 }, false],
    ["http://server", { host: "server", port: 80 }, false],
    ["https://server/", { host: "server", port: 443 }, true],
    ["https://[::1]", { host: "::1", port: 443 }, true],
    ["https://[::1]:8443/", { host: "::1", port: 8443 }, true],
    ["http://10.0.0.1", { host: "10.0.0.1", port: 80 }, false],
  ] as const)("such as %s speaks HTTP, on its usual port unless another is given", (text, address, tls) => {
    expect(parseUpstream(text)).toEqual({ protocol: "http", tls, address });
  });

  it.each([
    "http://",
    "http://:80",
    "http://a:0",
    "http://a:65536",
    "http://10.0.0",
    "http:a",
    "http://[::g]",
    "HTTP://a",
  ])("%j is none", (text) => {
    expect(parseUpstream(text)).toBe("");
  });

  it.each(["http://u@a", "http://u:p@a:80/", "https://u:p@a/x?y"])(
    "with a user, %s, is told that it takes none",
    (text) => {
      expect(parseUpstream(text)).toContain("takes no user and password");
    },
  );

  it.each(["http://a/b", "http://a:80/b/", "http://a?b", "http://a/?b", "http://a#b", "https://a//"])(
    "with a path or a query, %s, is told that it takes none",
    (text) => {
      expect(parseUpstream(text)).toContain("takes no path and no query");
    },
  );

  it("is where datagrams go", () => {
    expect(parseUpstream("udp://statsd:8125")).toEqual({
      protocol: "udp",
      tls: false,
      address: { host: "statsd", port: 8125 },
    });
    expect(parseUpstream("udp://statsd")).toBe("");
  });

  it("without a protocol is told how it would be written", () => {
    expect(parseUpstream("redis:6379")).toBe(
      "expected an upstream with its protocol: http://redis:6379 or tcp://redis:6379",
    );
  });
});

describe("a proxy that would call itself", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1", true],
    ["127.0.0.1", "LOCALHOST.", true],
    ["127.0.0.1", "0.0.0.0", true],
    ["::1", "::", true],
    ["", "127.0.0.5", true],
    ["0.0.0.0", "::1", true],
    ["", "::", true],
    ["127.0.0.1", "127.0.0.2", false],
    ["127.0.0.1", "::", false],
    ["10.0.0.1", "0.0.0.0", false],
  ])("listens at %j and dials %s: %s", (host, dialled, calls) => {
    expect(callsItself({ host, port: 80 }, { host: dialled, port: 80 })).toBe(calls);
    expect(callsItself({ host, port: 80 }, { host: dialled, port: 81 })).toBe(false);
  });
});
