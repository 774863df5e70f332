/** What is read from a ClientHello, in whatever pieces it comes, and what is refused. */
import { describe, expect, it } from "vitest";
import { HELLO_BYTES_MAX, HelloReader, type HelloState } from "../../src/tls/hello.js";
import {
  alpn,
  clientHello,
  number,
  records,
  serverName,
  supportedVersions,
  vector,
  type Extension,
} from "./client-hello.js";
import { recorded } from "./hellos.js";

const read = (bytes: Buffer, limit?: number): HelloState => new HelloReader(limit).push(bytes);
const hello = (...extensions: readonly Extension[]): HelloState => read(records(clientHello({ extensions })));
const said = (...extensions: readonly Extension[]): unknown => {
  const state = hello(...extensions);
  return state.state === "hello" ? state.hello : state;
};
const invalid = (reason: string | RegExp): unknown => ({
  state: "invalid",
  reason: expect.stringMatching(reason),
});

/** Hands the bytes in piece by piece, and answers with the last state and how many bytes there were before it. */
function inPieces(bytes: Buffer, size: number): { readonly state: HelloState; readonly after: number } {
  const reader = new HelloReader();
  for (let at = 0; at < bytes.length; at += size) {
    const state = reader.push(bytes.subarray(at, at + size));
    expect(reader.bytes.equals(bytes.subarray(0, at + size))).toBe(true);
    if (state.state !== "more") return { state, after: Math.min(at + size, bytes.length) };
  }
  return { state: { state: "more" }, after: bytes.length };
}

describe.each(recorded)("the hello of $client", ({ hello, bytes }) => {
  it("is read", () => {
    expect(read(bytes)).toEqual({ state: "hello", hello });
  });

  it("is read from two pieces, cut at every byte, and all of it can be put back", () => {
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = new HelloReader();
      expect(reader.push(bytes.subarray(0, cut))).toEqual({ state: "more" });
      expect(reader.push(bytes.subarray(cut))).toEqual({ state: "hello", hello });
      expect(reader.bytes.equals(bytes)).toBe(true);
    }
  });

  it("is read byte by byte, and not before its last", () => {
    expect(inPieces(bytes, 1)).toEqual({ state: { state: "hello", hello }, after: bytes.length });
  });

  it("is read from two records, cut at every byte, and from one record for each byte", () => {
    const message = bytes.subarray(5);
    for (let cut = 1; cut < message.length; cut++)
      expect(read(records(message, cut))).toEqual({ state: "hello", hello });
    const single = records(message, ...Array.from(message, () => 1));
    expect(read(single)).toEqual({ state: "hello", hello });
    expect(inPieces(single, 7).state).toEqual({ state: "hello", hello });
  });

  it("leaves what comes behind it alone", () => {
    const reader = new HelloReader();
    const more = Buffer.from("early data");
    expect(reader.push(Buffer.concat([bytes, more]))).toEqual({ state: "hello", hello });
    expect(reader.push(more)).toEqual({ state: "hello", hello });
    expect(reader.bytes.equals(Buffer.concat([bytes, more, more]))).toBe(true);
  });
});

describe("the server's name", () => {
  it.each([
    ["jobs.test", "jobs.test"],
    ["JOBS.Test", "jobs.test"],
    ["jobs.test.", "jobs.test"],
    ["job_server", "job_server"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["127.0.0.1", null],
    ["::1", null],
    ["[::1]", null],
    ["jobs test", null],
    ["jobs\0.test", null],
    ["bücher.example", null],
    ["a..test", null],
    [".test", null],
    [".", null],
    ["a/../b", null],
    [`${"a".repeat(63)}.test`, `${"a".repeat(63)}.test`],
    [`${"a".repeat(64)}.test`, null],
    [`${"a.".repeat(126)}a`, `${"a.".repeat(126)}a`],
    [`${"a.".repeat(127)}a`, null],
  ])("%j is taken for %j", (name, sni) => {
    expect(said(serverName(name))).toMatchObject({ sni });
  });

  it.each<[string, Buffer, RegExp]>([
    ["no list", Buffer.alloc(0), /ends in the middle/u],
    ["an empty list", vector(2), /cannot have 0 bytes/u],
    ["an empty name", vector(2, number(0, 1), vector(2)), /cannot have 0 bytes/u],
    ["a name of another kind", vector(2, number(1, 1), vector(2, Buffer.from("a"))), /unknown kind/u],
    [
      "two names",
      vector(2, ...["a", "b"].flatMap((name) => [number(0, 1), vector(2, Buffer.from(name))])),
      /too many/u,
    ],
    ["bytes behind the list", Buffer.concat([serverName("a")[1], number(0, 1)]), /too many/u],
    ["a list longer than the extension", Buffer.concat([number(90, 2), Buffer.from("a")]), /is longer than/u],
    [
      "a name longer than the list",
      vector(2, number(0, 1), number(9, 2), Buffer.from("a")),
      /is longer than/u,
    ],
  ])("is refused when it is %s", (_what, data, reason) => {
    expect(hello([0, data])).toEqual(invalid(reason));
  });
});

describe("the versions", () => {
  it.each([
    [0x0304, ["1.0", "1.1", "1.2"]],
    [0x0303, ["1.0", "1.1", "1.2"]],
    [0x0302, ["1.0", "1.1"]],
    [0x0301, ["1.0"]],
    [0x0300, []],
    [0x0002, []],
  ])("of a hello without the extension that says %i are all up to it", (version, versions) => {
    expect(read(records(clientHello({ version, extensions: null })))).toMatchObject({ hello: { versions } });
  });

  it("are those of the extension, without GREASE and SSL 3.0, the oldest first, each once", () => {
    const versions = supportedVersions(0x7a7a, 0x0304, 0x0302, 0x0304, 0x0300, 0x7f1c, 0x0303);
    expect(said(versions)).toMatchObject({ versions: ["1.1", "1.2", "1.3"] });
    expect(said(supportedVersions(0x0a0a))).toMatchObject({ versions: [] });
  });

  it.each<[string, Buffer, RegExp]>([
    ["empty", vector(1), /cannot have 0 bytes/u],
    ["of an odd length", vector(1, Buffer.from([3, 4, 3])), /middle of one/u],
    ["longer than its extension", Buffer.from([4, 3, 4]), /is longer than/u],
    ["shorter than its extension", Buffer.from([2, 3, 4, 3, 3]), /too many/u],
  ])("are refused in a list that is %s", (_what, data, reason) => {
    expect(hello([43, data])).toEqual(invalid(reason));
  });
});

describe("the other extensions", () => {
  it("give the protocols in their order, GREASE and odd octets as they are", () => {
    expect(said(alpn("h2", "\x8a\x8a", "http/1.1"))).toMatchObject({ alpn: ["h2", "\x8a\x8a", "http/1.1"] });
    expect(hello([16, vector(2)])).toEqual(invalid(/cannot have 0 bytes/u));
    expect(hello([16, vector(2, vector(1), vector(1, Buffer.from("h2")))])).toEqual(
      invalid(/cannot have 0 bytes/u),
    );
    expect(hello([16, vector(2, number(3, 1), Buffer.from("h2"))])).toEqual(invalid(/is longer than/u));
  });

  it("tell whether a stapled OCSP response is asked for", () => {
    expect(said([5, Buffer.from([1, 0, 0, 0, 0])])).toMatchObject({ asksStatus: true });
    expect(said([5, Buffer.from([2, 0, 0, 0, 0])])).toMatchObject({ asksStatus: false });
    expect(said([5, Buffer.alloc(0)])).toMatchObject({ asksStatus: false });
  });

  it("tell whether a session is resumed: by ticket, by PSK, and by ID before TLS 1.3", () => {
    const v13 = supportedVersions(0x0304);
    expect(said([35, Buffer.alloc(0)])).toMatchObject({ resumes: false });
    expect(said([35, Buffer.from("ticket")])).toMatchObject({ resumes: true });
    expect(said(v13, [41, Buffer.from("any")])).toMatchObject({ resumes: true });
    const sessionId = Buffer.alloc(32, 1);
    expect(read(records(clientHello({ sessionId })))).toMatchObject({ hello: { resumes: true } });
    expect(read(records(clientHello({ sessionId, extensions: [v13] })))).toMatchObject({
      hello: { resumes: false },
    });
  });

  it("may be unknown, and empty, but none may come twice", () => {
    expect(said([0x5a5a, Buffer.alloc(0)], [0xfe0d, Buffer.alloc(300)], serverName("a"))).toMatchObject({
      sni: "a",
    });
    expect(hello(serverName("a"), serverName("b"))).toEqual(invalid(/extension 0 comes twice/u));
    expect(hello([0x5a5a, Buffer.alloc(0)], [0x5a5a, Buffer.alloc(0)])).toEqual(invalid(/comes twice/u));
  });
});

describe("the message", () => {
  const message = clientHello({
    extensions: [serverName("jobs.test"), alpn("h2"), supportedVersions(0x0304)],
  });

  it("is refused where any of its lengths leads beyond it or not to its end", () => {
    for (let length = 0; length < message.length - 4; length++) {
      const short = Buffer.concat([Buffer.from([1]), vector(3, message.subarray(4, 4 + length))]);
      const { state } = read(records(short));
      // Behind the compression methods a hello of old may end.
      expect([length, state]).toEqual([length, length === 2 + 32 + 1 + 6 + 2 ? "hello" : "invalid"]);
    }
    expect(read(records(clientHello({ behind: Buffer.from([0]) })))).toEqual(invalid(/1 bytes too many/u));
    expect(read(records(clientHello({ suites: [] })))).toEqual(invalid(/cipher suites cannot have 0 bytes/u));
    expect(read(records(clientHello({ sessionId: Buffer.alloc(33) })))).toEqual(
      invalid(/session ID cannot have 33/u),
    );
  });

  it("must be a ClientHello, in handshake records of TLS that are neither empty nor too long", () => {
    expect(read(records(Buffer.from([2, 0, 0, 0])))).toEqual(invalid(/handshake message 2/u));
    expect(read(Buffer.from([22, 3, 1, 0, 0]))).toEqual(invalid(/is empty/u));
    expect(read(Buffer.from([22, 3, 1, 0x40, 1]))).toEqual(invalid(/16385 bytes/u));
    const half = records(message.subarray(0, 20));
    expect(read(Buffer.concat([half, Buffer.from([21, 3, 1, 0, 2, 1, 0])]))).toEqual(invalid(/type 21/u));
    expect(read(Buffer.concat([half, Buffer.from([22, 2])]))).toEqual(invalid(/another protocol version/u));
  });

  it("is refused beyond the limit, at the same byte however it is cut, and taken at the limit", () => {
    const padded = (bytes: number): Buffer =>
      records(clientHello({ extensions: [[21, Buffer.alloc(bytes)]] }), 9_000);
    const over = padded(10_000).length - 10_000;
    const most = padded(12_000 - over);
    expect(most.length).toBe(12_000);
    expect(read(most, 12_000)).toMatchObject({ state: "hello" });
    for (const size of [1, 7, 11_999, 12_000, 13_000]) {
      const reader = new HelloReader(11_999);
      let state: HelloState = { state: "more" };
      for (let at = 0; at < most.length; at += size) state = reader.push(most.subarray(at, at + size));
      expect(state).toEqual(invalid(/11999/u));
    }
    const length = Buffer.from([1, 1, 0, 0]);
    expect(read(records(length))).toEqual(invalid(/its hello has 65545 bytes, and 65536 are allowed/u));
    expect(HELLO_BYTES_MAX).toBe(65_536);
  });

  it("is refused when it comes in records of a byte each and these are more than the limit", () => {
    const long = clientHello({ extensions: [[21, Buffer.alloc(12_000)]] });
    const reader = new HelloReader();
    expect(reader.push(records(long, ...Array.from(long, () => 1)))).toEqual(
      invalid(/not whole within 65536/u),
    );
  });
});

describe("what is no TLS", () => {
  it.each([
    ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\n"), /begins with 0x47/u],
    ["an SSL 2.0 hello", Buffer.from([0x80, 0x2e, 1, 0, 2]), /SSL 2\.0/u],
    ["a TLS alert", Buffer.from([21, 3, 1, 0, 2, 2, 40]), /begins with 0x15/u],
    ["a record of another version", Buffer.from([22, 2, 0]), /second byte is 0x02/u],
  ])("%s is known by its first bytes, one by one or at once", (_what, bytes, reason) => {
    const expected = { state: "not_tls", reason: expect.stringMatching(reason) };
    expect(read(bytes)).toEqual(expected);
    expect(inPieces(bytes, 1).state).toEqual(expected);
  });

  it("is not judged where nothing has come", () => {
    const reader = new HelloReader();
    expect(reader.push(Buffer.alloc(0))).toEqual({ state: "more" });
    expect(reader.bytes.length).toBe(0);
  });
});
