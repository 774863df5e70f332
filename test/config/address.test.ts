/** Addresses as people write them, and those that only look like one. */
import { describe, expect, it } from "vitest";
import { formatAddress, parseListen, parseUpstream } from "../../src/config/address.js";

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

describe("an upstream", () => {
  it("is tcp:// with a host and a port, and nothing behind them", () => {
    expect(parseUpstream("tcp://redis:6379")).toEqual({ host: "redis", port: 6379 });
    expect(parseUpstream("tcp://[::1]:1/")).toEqual({ host: "::1", port: 1 });
    for (const text of ["tcp://:80", "tcp://a", "tcp://a:0", "tcp://u@a:1", "tcp://a:1?x", "TCP://a:1", ""])
      expect(parseUpstream(text)).toBe("");
  });

  it("of a protocol that will come is refused by its name", () => {
    for (const protocol of ["http", "https", "udp", "dns"]) {
      expect(parseUpstream(`${protocol}://a:1`)).toContain(
        `protocol ${protocol} is not part of this version`,
      );
    }
  });

  it("without a protocol is told how it would be written", () => {
    expect(parseUpstream("redis:6379")).toBe("expected an upstream with its protocol: tcp://redis:6379");
  });
});
