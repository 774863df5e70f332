/** Hosts are what they name: every spelling of one name or address is the same to whoever compares them. */
import { describe, expect, it } from "vitest";
import { canonicalHostName, fieldText, parseAuthority } from "../../src/core/host-name.js";

const SPELLINGS: readonly (readonly [string, readonly string[]])[] = [
  ["api.example.com", ["API.Example.COM", "api.example.com.", "api\u3002example.com"]],
  ["xn--bcher-kva.example", ["b\u00fccher.example", "B\u00dcCHER.example.", "XN--bcher-KVA.example"]],
  ["[::1]", ["[0:0:0:0:0:0:0:1]", "[0::0001]"]],
  ["[2001:db8::ff]", ["[2001:DB8:0:0::FF]"]],
  ["127.0.0.1", ["127.0.0.1."]],
  ["localhost", ["LOCALHOST", "localhost."]],
  ["a_b", ["A_b."]],
  ["", [""]],
  [".", ["."]],
  ["a.", ["a.."]],
];

describe("a host name", () => {
  it.each(SPELLINGS)("is %s however it is written", (canonical, spellings) => {
    for (const spelling of spellings) expect(canonicalHostName(spelling)).toBe(canonical);
  });

  it("stands before its port", () => {
    expect(parseAuthority("API.example.com.:0080")).toEqual({ host: "api.example.com", port: "80" });
    expect(parseAuthority("[0::1]:8474")).toEqual({ host: "[::1]", port: "8474" });
    expect(parseAuthority("[0::1]")).toEqual({ host: "[::1]", port: null });
    expect(parseAuthority("localhost:")).toEqual({ host: "localhost", port: null });
  });

  it("that came as octets is read as UTF-8 only where it can be", () => {
    expect(fieldText(Buffer.from("b\u00fccher").toString("latin1"))).toBe("b\u00fccher");
    expect(fieldText("b\u00fccher")).toBe("b\u00fccher");
  });
});
