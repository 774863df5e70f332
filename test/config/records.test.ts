/** dns:// upstreams and `records` in squall.yaml, and what a dns proxy does not take. */
import { describe, expect, it } from "vitest";
import { readConfig, type ProxyConfig } from "../../src/config/config.js";
import { SquallError } from "../../src/core/errors.js";

function read(proxy: string): ProxyConfig {
  const text = `proxies:\n  names:\n    listen: 127.0.0.1:53\n${proxy.replace(/^/gmu, "    ")}`;
  return readConfig({ text, file: "squall.yaml" }).config.proxies[0]!;
}

/** Everything that is wrong, without the places. */
function mistakes(proxy: string): string {
  try {
    read(proxy);
    return "";
  } catch (error) {
    if (!(error instanceof SquallError)) throw error;
    return JSON.stringify(error);
  }
}

describe("a dns:// upstream", () => {
  it.each([
    ["dns://10.0.0.2", "10.0.0.2", 53, "server"],
    ["dns://server:5353", "server", 5353, "server"],
    ["dns://system", "system", 53, "system"],
    ["dns://system:53", "system", 53, "server"],
    ["dns://none", "none", 53, "none"],
  ])("%s", (upstream, host, port, source) => {
    const { protocol, upstream: address, dns } = read(`upstream: ${upstream}`);
    expect([protocol, address.host, address.port, dns.source]).toEqual(["dns", host, port, source]);
  });

  it.each([
    "health: {}",
    "dial_timeout: 1s",
    "proxy_protocol: accept",
    "persona: nginx",
    "identify: [bearer]",
  ])("takes no %s", (key) => {
    expect(() => read(`upstream: dns://none\n${key}`)).toThrow(/names/u);
  });

  it("takes what DNS queries can be asked in except, and no path", () => {
    expect(read('upstream: dns://none\nexcept: { qname: "*.Internal.", qtype: a }').except).toEqual([
      { qname: ["*.internal"], qtype: ["A"] },
    ]);
    expect(() => read("upstream: dns://none\nexcept: { path: /x }")).toThrow(/HTTP exchanges/u);
  });
});

describe("records", () => {
  it("are an address, several, another name, or a mapping", () => {
    const { dns } = read(
      [
        "upstream: dns://none",
        "records:",
        "  Jobs.Test.: 10.0.0.1",
        '  both: [10.0.0.2, "fd00::2"]',
        "  www: Jobs.Test",
        '  "*.bots": { address: 10.0.0.3, ttl: 1m }',
        "  _x._tcp: { srv: { target: jobs.test, port: 80 } }",
      ].join("\n"),
    );
    expect(dns.records.map(({ name, type, ttl, data }) => `${name} ${ttl} ${type} ${data}`)).toEqual([
      "jobs.test 5 A 10.0.0.1",
      "both 5 A 10.0.0.2",
      "both 5 AAAA fd00::2",
      "www 5 CNAME jobs.test",
      "*.bots 60 A 10.0.0.3",
      "_x._tcp 5 SRV 0 0 80 jobs.test",
    ]);
  });

  it.each([
    ["a: 10.0.0", /address/u],
    ["-a: 10.0.0.1", /name/u],
    ["a: { cname: b, address: 10.0.0.1 }", /nothing of its own/u],
    ["a: {}", /no address/u],
    ["a: 10.0.0.1\n  A.: 10.0.0.2", /twice/u],
    ["a: [b]", /address/u],
    ["a: { srv: { target: b } }", /port/u],
  ])("are refused where they make no sense: %s", (record, words) => {
    expect(() => read(`upstream: dns://none\nrecords:\n  ${record}`)).toThrow(words);
  });

  it("are for dns proxies only", () => {
    expect(() => read("upstream: tcp://x:1\nrecords: { a: 10.0.0.1 }")).toThrow(/dns proxy/u);
    expect(mistakes("upstream: dns://none")).toBe("");
  });
});

it("a dns proxy has both ports of its number", () => {
  const both = (other: string): unknown =>
    readConfig({
      text: `proxies: { a: { listen: ":53", upstream: dns://none }, b: { listen: ":53", upstream: "${other}" } }`,
      file: "squall.yaml",
    });
  expect(() => both("tcp://x:1")).toThrow(/cannot listen/u);
  expect(() => both("udp://x:1")).toThrow(/cannot listen/u);
});
