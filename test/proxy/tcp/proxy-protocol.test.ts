import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeProxyV1,
  encodeProxyV2,
  ProxyHeaderParser,
  type ProxyEndpoints,
  type ProxyHeaderResult,
} from "../../../src/proxy/tcp/proxy-protocol.js";

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

const IPV4: ProxyEndpoints = {
  source: { address: "192.0.2.7", port: 56_324 },
  destination: { address: "198.51.100.1", port: 443 },
};
const IPV6: ProxyEndpoints = {
  source: { address: "2001:db8::7", port: 56_324 },
  destination: { address: "2001:db8:0:1::1", port: 443 },
};

function parse(...chunks: readonly (Buffer | string)[]): ProxyHeaderResult {
  const parser = new ProxyHeaderParser();
  let result: ProxyHeaderResult = { state: "more" };
  for (const chunk of chunks) result = parser.push(Buffer.from(chunk as string, "latin1"));
  return result;
}

function v2(command: number, family: number, body: Buffer, length = body.length): Buffer {
  const fixed = Buffer.from([0x20 | command, family, length >> 8, length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, body]);
}

const done = (source: ProxyEndpoints["source"] | null, rest = "") => ({
  state: "done",
  source,
  rest: Buffer.from(rest),
});

describe("version 1", () => {
  it("names the client and leaves what follows", () => {
    expect(parse("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n")).toEqual(
      done(IPV4.source, "GET / HTTP/1.1\r\n"),
    );
    expect(parse("PROXY TCP6 2001:DB8:0::7 ::1 56324 443\r\n")).toEqual(done(IPV6.source));
  });

  it("names nobody with UNKNOWN, whatever follows it", () => {
    expect(parse("PROXY UNKNOWN\r\nx")).toEqual(done(null, "x"));
    expect(parse("PROXY UNKNOWN ffff::1 no such thing \xff\r\nx")).toEqual(done(null, "x"));
  });

  it("takes ports from 0 to 65535", () => {
    expect(parse("PROXY TCP4 1.2.3.4 1.2.3.4 0 65535\r\n")).toEqual(done({ address: "1.2.3.4", port: 0 }));
    expect(parse("PROXY TCP4 1.2.3.4 1.2.3.4 65535 0\r\n")).toEqual(
      done({ address: "1.2.3.4", port: 65_535 }),
    );
  });

  it.each([
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536",
    "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1",
    "PROXY TCP4 1.2.3.4 1.2.3.4 01 1",
    "PROXY TCP4 1.2.3.4 1.2.3.4 +1 1",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 ",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 ",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1",
    "PROXY TCP4  1.2.3.4 1.2.3.4 1 1",
    "PROXY TCP4 1.2.3.4\t1.2.3.4 1 1",
    "PROXY TCP4 1.2.3 1.2.3.4 1 1",
    "PROXY TCP4 01.2.3.4 1.2.3.4 1 1",
    "PROXY TCP4 1.2.3.4 1.2.3.256 1 1",
    "PROXY TCP4 ::1 ::1 1 1",
    "PROXY TCP6 1.2.3.4 1.2.3.4 1 1",
    "PROXY TCP6 fe80::1%eth0 ::1 1 1",
    "PROXY TCP6 ::1 ::g 1 1",
    "PROXY UDP4 1.2.3.4 1.2.3.4 1 1",
    "PROXY tcp4 1.2.3.4 1.2.3.4 1 1",
    "PROXY UNKNOWNS",
    "PROXY ",
    "PROXY  TCP4 1.2.3.4 1.2.3.4 1 1",
  ])("refuses the line %j and quotes it", (line) => {
    expect(parse(`${line}\r\n`)).toEqual({
      state: "invalid",
      reason: `malformed version 1 header ${JSON.stringify(line)}`,
    });
  });

  it("must end in CR LF exactly", () => {
    const line = "PROXY TCP4 1.2.3.4 1.2.3.4 1 1";
    expect(parse(`${line}\n`).state).toBe("invalid");
    expect(parse(`${line}\r`).state).toBe("more");
    expect(parse(`${line}\r`, "\n").state).toBe("done");
    expect(parse(`${line}\rX`).state).toBe("invalid");
    expect(parse(`${line}\r\r\n`).state).toBe("invalid");
  });

  it("may have 107 bytes and is refused at the byte that makes it longer", () => {
    const longest = `PROXY UNKNOWN ${"f".repeat(91)}\r\n`;
    expect(longest).toHaveLength(107);
    expect(parse(longest)).toEqual(done(null));
    const endless = `PROXY UNKNOWN ${"f".repeat(200)}`;
    expect(parse(endless.slice(0, 105)).state).toBe("more");
    expect(parse(endless.slice(0, 106)).state).toBe("invalid");
    expect(parse(`${endless}\r\n`).state).toBe("invalid");
  });
});

describe("version 2", () => {
  it("reads the bytes that HAProxy writes for a TCP connection over IPv4", () => {
    const bytes = Buffer.from(`${SIGNATURE.toString("hex")}2111000cc0000207c6336401dc0401bb`, "hex");
    expect(parse(bytes, "hello")).toEqual({ ...done(IPV4.source), rest: Buffer.from("hello") });
    expect(encodeProxyV2(IPV4)).toEqual(bytes);
  });

  it("names nobody for LOCAL, whatever its family says", () => {
    expect(parse(v2(0, 0x00, Buffer.alloc(0)), "x").state).toBe("done");
    expect(parse(Buffer.concat([v2(0, 0xff, Buffer.alloc(5)), Buffer.from("x")]))).toEqual(done(null, "x"));
  });

  it.each([
    ["unspecified", 0x00, 0],
    ["unspecified over TCP", 0x01, 7],
    ["IPv4 over nothing known", 0x10, 12],
    ["Unix stream", 0x31, 216],
    ["Unix datagram", 0x32, 216],
  ])("names nobody for the family %s", (_name, family, length) => {
    expect(parse(Buffer.concat([v2(1, family, Buffer.alloc(length)), Buffer.from("x")]))).toEqual(
      done(null, "x"),
    );
  });

  it("names the sender of a datagram too", () => {
    const body = encodeProxyV2(IPV6).subarray(16);
    expect(parse(v2(1, 0x22, body))).toEqual(done(IPV6.source));
  });

  it("skips what stands behind the addresses", () => {
    const tlvs = Buffer.from([0x04, 0x00, 0x03, 1, 2, 3]);
    expect(parse(Buffer.concat([encodeProxyV2(IPV4, tlvs), Buffer.from("x")]))).toEqual(
      done(IPV4.source, "x"),
    );
    expect(parse(Buffer.concat([encodeProxyV2(IPV6, tlvs), Buffer.from("x")]))).toEqual(
      done(IPV6.source, "x"),
    );
    expect(parse(encodeProxyV2(IPV4, tlvs).subarray(0, -1)).state).toBe("more");
  });

  it("writes an IPv4-mapped address as Node's sockets do, in both versions", () => {
    const body = Buffer.concat([
      Buffer.from("00000000000000000000ffffc0000207", "hex"),
      Buffer.alloc(16),
      Buffer.from([0, 1, 0, 2]),
    ]);
    const source = { address: "::ffff:192.0.2.7", port: 1 };
    expect(parse(v2(1, 0x21, body))).toEqual(done(source));
    expect(parse("PROXY TCP6 ::FFFF:c000:207 :: 1 2\r\n")).toEqual(done(source));
  });

  it.each([
    ["another version", Buffer.concat([SIGNATURE, Buffer.from([0x11])]), "version 1 behind the signature"],
    ["an unknown command", Buffer.concat([SIGNATURE, Buffer.from([0x22])]), "unknown command 2"],
    ["an unknown family", v2(1, 0x41, Buffer.alloc(0)), "unknown address family 4"],
    ["an unknown transport", v2(1, 0x13, Buffer.alloc(0)), "unknown transport 3"],
    ["too short an IPv4 block", v2(1, 0x11, Buffer.alloc(11)), "length 11 is too short"],
    ["too short an IPv6 block", v2(1, 0x21, Buffer.alloc(35)), "length 35 is too short"],
    ["a length beyond the limit", v2(1, 0x11, Buffer.alloc(0), 4_097), "length 4097 is more than"],
    ["a length beyond the limit in LOCAL", v2(0, 0, Buffer.alloc(0), 65_535), "length 65535 is more than"],
  ])("refuses %s as soon as it is seen", (_name, bytes, reason) => {
    expect(parse(bytes)).toMatchObject({
      state: "invalid",
      reason: expect.stringContaining(reason) as string,
    });
  });

  it("takes a length at the limit", () => {
    expect(parse(v2(1, 0x11, Buffer.alloc(4_096))).state).toBe("done");
    expect(parse(v2(1, 0x11, Buffer.alloc(4_095), 4_096)).state).toBe("more");
  });
});

describe("the parser", () => {
  it("refuses a stranger at the first byte that cannot begin a header", () => {
    const invalid = {
      state: "invalid",
      reason: "the connection does not begin with a PROXY protocol header",
    };
    expect(parse("G")).toEqual(invalid);
    expect(parse("PRO", "XI")).toEqual(invalid);
    expect(parse(SIGNATURE.subarray(0, 11), "\r")).toEqual(invalid);
    expect(parse("PROXY".slice(0, 5)).state).toBe("more");
    expect(parse("").state).toBe("more");
  });

  it("stays with its answer: the rest passes after done, and nothing after invalid", () => {
    expect(parse(encodeProxyV1(IPV4), "first", "second")).toEqual(done(IPV4.source, "second"));
    expect(parse("GET", encodeProxyV1(IPV4)).state).toBe("invalid");
  });

  it("does not lose what it holds when the caller uses its buffer again", () => {
    const parser = new ProxyHeaderParser();
    const header = encodeProxyV1(IPV4);
    const chunk = Buffer.from(header.subarray(0, 20));
    parser.push(chunk);
    chunk.fill(0);
    expect(parser.push(header.subarray(20))).toEqual(done(IPV4.source));
  });
});

describe("the encoders", () => {
  it("write the lines of the specification", () => {
    expect(encodeProxyV1(IPV4).toString()).toBe("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n");
    expect(encodeProxyV1(IPV6).toString()).toBe("PROXY TCP6 2001:db8::7 2001:db8:0:1::1 56324 443\r\n");
    expect(encodeProxyV1(null).toString()).toBe("PROXY UNKNOWN\r\n");
    expect(encodeProxyV2(null)).toEqual(v2(0, 0, Buffer.alloc(0)));
  });

  it("bring both ends into one family", () => {
    const mapped = { address: "::ffff:192.0.2.7", port: 1 };
    expect(encodeProxyV1({ source: mapped, destination: IPV4.destination }).toString()).toBe(
      "PROXY TCP4 192.0.2.7 198.51.100.1 1 443\r\n",
    );
    expect(encodeProxyV1({ source: mapped, destination: IPV6.destination }).toString()).toBe(
      "PROXY TCP6 ::ffff:192.0.2.7 2001:db8:0:1::1 1 443\r\n",
    );
    expect(encodeProxyV2({ source: IPV6.source, destination: IPV4.destination }).readUInt8(13)).toBe(0x21);
  });

  it("refuse what is no address and no port", () => {
    const { destination } = IPV4;
    for (const source of [
      { address: "jobs.test", port: 1 },
      { address: "127.1", port: 1 },
      { address: "1.2.3.4", port: 65_536 },
      { address: "1.2.3.4", port: -1 },
      { address: "1.2.3.4", port: 1.5 },
    ]) {
      expect(() => encodeProxyV1({ source, destination })).toThrow(RangeError);
      expect(() => encodeProxyV2({ source, destination })).toThrow(RangeError);
    }
  });
});

describe("any split and any mutation", () => {
  const port = fc.nat(65_535);
  const endpoint = (address: fc.Arbitrary<string>) => fc.record({ address, port });
  const endpoints = fc.oneof(
    ...[fc.ipV4(), fc.ipV6()].map((address) =>
      fc.record({ source: endpoint(address), destination: endpoint(address) }),
    ),
  );
  const tlvs = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const header = fc.oneof(
    fc.option(endpoints).map((ends) => encodeProxyV1(ends)),
    fc.tuple(fc.option(endpoints), tlvs).map(([ends, more]) => encodeProxyV2(ends, more)),
  );
  const payload = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const cuts = fc.array(fc.nat(600), { maxLength: 12 });

  function split(bytes: Buffer, at: readonly number[]): Buffer[] {
    const edges = [0, ...at.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
    return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
  }

  /** What one parser makes of the chunks: its answer and, when done, all bytes it left. */
  function feed(chunks: readonly Buffer[]) {
    const parser = new ProxyHeaderParser();
    const left: Buffer[] = [];
    let result: ProxyHeaderResult = { state: "more" };
    for (const chunk of chunks) {
      result = parser.push(chunk);
      if (result.state === "done") left.push(result.rest);
    }
    return { result, left: Buffer.concat(left) };
  }

  it("a header reads the same however it is split, and every byte behind it is left", () => {
    fc.assert(
      fc.property(header, payload, cuts, (head, body, at) => {
        const bytes = Buffer.concat([head, body]);
        const whole = feed([bytes]);
        const pieces = feed(split(bytes, at));
        expect(whole.left).toEqual(body);
        expect(pieces.left).toEqual(body);
        expect(pieces.result.state).toBe("done");
        expect({ ...pieces.result, rest: null }).toEqual({ ...whole.result, rest: null });
      }),
      { numRuns: 500 },
    );
  });

  it("versions 1 and 2 name the same client for the same connection", () => {
    fc.assert(
      fc.property(endpoints, (ends) => {
        expect(parse(encodeProxyV1(ends))).toEqual(parse(encodeProxyV2(ends)));
        expect(parse(encodeProxyV1(ends))).toMatchObject({ source: { port: ends.source.port } });
      }),
      { numRuns: 500 },
    );
  });

  it("a mutated header never makes it throw, take more than a header, or judge by the split", () => {
    const mutation = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(header, payload, mutation, cuts, (head, body, changes, at) => {
        const bytes = Buffer.concat([head, body]);
        for (const [index, value] of changes) bytes[index % bytes.length] = value;
        const whole = feed([bytes]);
        const pieces = feed(split(bytes, at));
        expect(pieces.result.state).toBe(whole.result.state);
        expect(pieces.left).toEqual(whole.left);
        if (whole.result.state !== "done") return;
        const taken = bytes.length - whole.left.length;
        expect(whole.left).toEqual(bytes.subarray(taken));
        const longest = bytes[0] === SIGNATURE[0] ? 16 + bytes.readUInt16BE(14) : bytes.indexOf("\r\n") + 2;
        expect(taken).toBe(longest);
      }),
      { numRuns: 2_000 },
    );
  });

  it("arbitrary bytes never make it throw", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("", "PROXY ", "PROXY TCP6 ", SIGNATURE),
        payload,
        cuts,
        (prefix, body, at) => {
          const bytes = Buffer.concat([Buffer.from(prefix as string), body]);
          expect(["more", "done", "invalid"]).toContain(feed(split(bytes, at)).result.state);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
