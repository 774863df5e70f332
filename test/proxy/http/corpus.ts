/** Streams of bytes and what must be read in them; each rule of RFC 9110 and 9112 by its section. */
import { PLAINLY } from "../../../src/proxy/http/response-reader.js";
import type { RefusalReason } from "../../../src/proxy/http/refusal.js";
import type { Reading } from "./transcript.js";

export interface Example extends Reading {
  readonly rule: string;
  readonly text: string;
  /** The events in short: see `brief`. */
  readonly reads: string;
}

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD = { ...PLAINLY, head: true };
const CONNECT = { ...PLAINLY, connect: true };
const UPGRADE = { ...PLAINLY, upgrade: true };
const UPGRADE_FIELDS = "Host: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";

function request(rule: string, text: string, reads: string, more: Partial<Reading> = {}): Example {
  return { rule, kind: "request", text, reads, ...more };
}

function response(rule: string, text: string, reads: string, more: Partial<Reading> = {}): Example {
  return { rule, kind: "response", text, reads, ...more };
}

const post = (fields: string, body = ""): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const chunked = (body: string): string => post("Transfer-Encoding: chunked\r\n", body);
const ok = (fields: string, body = ""): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;

export const REQUESTS: readonly Example[] = [
  request("9112 3: a request without a body ends with its head", GET, "none; end"),
  request(
    "9112 9.3.2: pipelined requests follow each other",
    GET + GET + GET,
    "none; end; none; end; none; end",
  ),
  request("9112 2.2: empty lines before a request are no part of it", `\r\n\r\n${GET}`, "blank 4; none; end"),
  request(
    "9112 2.2: empty lines stand between requests",
    `${GET}\r\n${GET}\r\n`,
    "none; end; blank 2; none; end; blank 2",
  ),
  request(
    "9112 6.2: a counted body",
    post("Content-Length: 5\r\n", `hello${GET}`),
    "length 5; body hello; end; none; end",
  ),
  request("9110 8.6: a length of 0 is no body", post("Content-Length: 0\r\n", GET), "none; end; none; end"),
  request(
    "9110 8.6: leading zeros are digits",
    post("Content-Length: 0005\r\n", "hello"),
    "length 5; body hello; end",
  ),
  request(
    "9112 6.3: equal lengths are one length",
    post("Content-Length: 5\r\ncontent-length: 5, 5\r\n", "hello"),
    "length 5; body hello; end",
  ),
  request(
    "9112 7.1: a chunked body",
    chunked("5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n"),
    "chunked; body hello0123456789; end",
  ),
  request(
    "9112 7.1: sizes in both cases, with leading zeros",
    chunked("00a\r\n0123456789\r\n0B\r\n0123456789a\r\n000\r\n\r\n"),
    "chunked; body 01234567890123456789a; end",
  ),
  request(
    "9112 7.1.1: chunk extensions",
    chunked('5;a;b=c;d="e f";\r\nhello\r\n0;last\r\n\r\n'),
    "chunked; body hello; end",
  ),
  request(
    "9112 7.1.2: a trailer section",
    chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-sum:\t2 \r\n\r\n") + GET,
    "chunked; body hello; trailers X-Sum: 1|x-sum: 2; end; none; end",
  ),
  request(
    "9112 7: codings before chunked",
    post("Transfer-Encoding: gzip\r\nTransfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"),
    "chunked; body ; end",
  ),
  request(
    "9110 5.1: names without regard to case, values without white space around",
    "POST / HTTP/1.1\r\nhOST:a\r\nCONTENT-LENGTH: \t 2\t \r\n\r\nhi",
    "length 2; body hi; end",
  ),
  request(
    "9110 5.5: obs-text and empty values",
    "GET / HTTP/1.1\r\nHost: a\r\nX-A: \xe9\xff\r\nX-B:\r\nX-C: \r\n\r\n",
    "none; end",
  ),
  request("9112 3.2.2: absolute-form", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "none, absolute; end"),
  request("9112 3.2.4: asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "none, asterisk; end"),
  request(
    "9112 3.2: a target of no form is for the server to judge",
    "GET b/c HTTP/1.1\r\nHost: a\r\n\r\n",
    "none, other; end",
  ),
  request(
    "9112 3.2: a missing Host is said, not refused",
    "GET / HTTP/1.1\r\n\r\n",
    "none, host missing; end",
  ),
  request(
    "9112 3.2: several Hosts are said, not refused",
    "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
    "none, host several; end",
  ),
  request("9112 3.2: HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", "none; end closing"),
  request(
    "9112 9.3: HTTP/1.0 with keep-alive stays open",
    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + GET,
    "none; end; none; end",
  ),
  request(
    "9112 9.3: close wins over keep-alive",
    "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
    "none; end closing",
  ),
  request("9112 9.6: Connection: close ends the stream", post("Connection: close\r\n"), "none; end closing"),
  request(
    "9112 9.6: empty lines may follow a closing request",
    `${post("Connection: foo ,\tCLOSE\r\n")}\r\n`,
    "none; end closing; blank 2",
  ),
  request(
    "9112 9.6: another request after close is refused",
    post("Connection: close\r\n") + GET,
    `none; end closing; refused after_close @47; plain ${GET}`,
  ),
  request(
    "9110 10.1.1: Expect: 100-continue is said",
    post("Expect: 100-Continue\r\nContent-Length: 2\r\n", "hi"),
    "length 2, expects continue; body hi; end",
  ),
  request(
    "9110 10.1.1: HTTP/1.0 cannot expect",
    "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    "length 2; body hi; end closing",
  ),
  request(
    "9110 7.8: an Upgrade that is accepted",
    `GET / HTTP/1.1\r\n${UPGRADE_FIELDS}\r\n\x81\x00\r\n`,
    "none, upgrade; end; upgraded; plain \x81\x00\r\n",
    { accept: true },
  ),
  request(
    "9110 7.8: an Upgrade that is declined",
    `GET / HTTP/1.1\r\n${UPGRADE_FIELDS}\r\n${GET}`,
    "none, upgrade; end; none; end",
    { accept: false },
  ),
  request(
    "9110 7.8: an Upgrade with a body is read to its end first",
    `POST / HTTP/1.1\r\n${UPGRADE_FIELDS}Content-Length: 2\r\n\r\nhiPRI`,
    "length 2, upgrade; body hi; end; upgraded; plain PRI",
    { accept: true },
  ),
  request(
    "9110 7.8: Upgrade without the connection option is none",
    `GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n${GET}`,
    "none; end; none; end",
  ),
  request("9110 7.8: HTTP/1.0 cannot upgrade", `GET / HTTP/1.0\r\n${UPGRADE_FIELDS}\r\n`, "none; end"),
  request(
    "9110 9.3.6: a CONNECT that is accepted",
    "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\x16\x03\x01",
    "none, connect, authority; end; upgraded; plain \x16\x03\x01",
    { accept: true },
  ),
  request(
    "9110 9.3.6: a CONNECT that is declined",
    `CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 0\r\n\r\n${GET}`,
    "none, connect, authority; end; none; end",
    { accept: false },
  ),
  request(
    "a TLS ClientHello is recognised",
    "\x16\x03\x01\x02\x00\x01\x00",
    "foreign tls; plain \x16\x03\x01\x02\x00\x01\x00",
  ),
  request(
    "9113 3.4: the HTTP/2 preface is recognised",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00",
    "foreign h2; plain PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00",
  ),
  request("9112 8: an end in a head", "GET / HTTP/1.1\r\nHos", "truncated head; plain GET / HTTP/1.1\r\nHos"),
  request(
    "9112 8: an end in a counted body",
    post("Content-Length: 5\r\n", "hel"),
    "length 5; body hel; truncated body",
  ),
  request("9112 8: an end between chunks", chunked("3\r\nhel\r\n"), "chunked; body hel; truncated body"),
  request(
    "9112 8: an end in trailers",
    chunked("0\r\nX-Su"),
    "chunked; body ; truncated trailers; plain X-Su",
  ),
  request("an end in an empty line", "\r", "truncated head; plain \r"),
];

export const RESPONSES: readonly Example[] = [
  response("9112 6.3 rule 6: a counted body", ok("Content-Length: 2\r\n", "hi"), "length 2; body hi; end"),
  response(
    "9112 6.3 rule 4: a chunked body with trailers",
    ok("Transfer-Encoding: chunked\r\n", "2;x\r\nhi\r\n0\r\nA: b\r\n\r\n"),
    "chunked; body hi; trailers A: b; end",
  ),
  response("9112 6.3 rule 8: read until close", ok("Server: x\r\n", "hi"), "close; body hi; end closing"),
  response("9112 6.3 rule 8: an empty body, read until close", ok(""), "close; end closing"),
  response(
    "9112 6.3 rule 4: a last coding that is not chunked reads until close",
    ok("Transfer-Encoding: gzip\r\n", "hi"),
    "close; body hi; end closing",
  ),
  response(
    "9112 6.3 rule 1: an answer to HEAD",
    ok("Content-Length: 2\r\n") + ok("Content-Length: 2\r\n", "hi"),
    "none; end; length 2; body hi; end",
    { asked: [HEAD, PLAINLY] },
  ),
  response("9112 6.3 rule 1: a chunked answer to HEAD", ok("Transfer-Encoding: chunked\r\n"), "none; end", {
    asked: [HEAD],
  }),
  response(
    "9112 6.3 rule 1: 204 and 304",
    "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    "none; end; none; end",
    { asked: [PLAINLY, PLAINLY] },
  ),
  response(
    "9112 6.3 rule 1: several interim responses",
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok("Content-Length: 0\r\n")}`,
    "none, interim; none, interim; none; end",
  ),
  response(
    "9112 9.3: answers in the order of requests",
    ok("Content-Length: 1\r\n", "a") + ok("Content-Length: 1\r\n", "b"),
    "length 1; body a; end; length 1; body b; end",
    { asked: [PLAINLY, PLAINLY] },
  ),
  response(
    "9112 9.3: HTTP/1.0 closes",
    "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
    "length 1; body a; end closing",
  ),
  response(
    "9112 9.3: HTTP/1.0 with keep-alive stays open",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
    "length 1; body a; end",
  ),
  response(
    "9112 9.6: bytes after close are refused",
    ok("Connection: close\r\nContent-Length: 1\r\n", "ab"),
    "length 1; body a; end closing; refused after_close @58; plain b",
    { asked: [PLAINLY, PLAINLY] },
  ),
  response(
    "9112 4: an empty reason, with its space and without",
    "HTTP/1.1 204 \r\n\r\nHTTP/1.1 204\r\n\r\n",
    "none; end; none; end",
    { asked: [PLAINLY, PLAINLY] },
  ),
  response(
    "9110 15: codes of no known class",
    "HTTP/1.1 999 \xfcber\r\nContent-Length: 0\r\n\r\n",
    "none; end",
  ),
  response(
    "9110 7.8: 101 switches protocols",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x01a",
    "tunnel; upgraded; plain \x81\x01a",
    { asked: [UPGRADE] },
  ),
  response(
    "9110 7.8: an Upgrade that is declined",
    ok("Content-Length: 1\r\n", "a"),
    "length 1; body a; end",
    { asked: [UPGRADE] },
  ),
  response(
    "9110 15.2.2: a 101 that nobody asked for is refused",
    "HTTP/1.1 101 X\r\n\r\n",
    "refused unasked_upgrade @0; plain HTTP/1.1 101 X\r\n\r\n",
  ),
  response(
    "9112 6.3 rule 2: 2xx to CONNECT opens a tunnel, whatever its fields",
    ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "hi"),
    "tunnel; upgraded; plain hi",
    { asked: [CONNECT] },
  ),
  response(
    "9112 6.3 rule 2: any other answer to CONNECT is a response",
    "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nhi",
    "length 2; body hi; end",
    { asked: [CONNECT] },
  ),
  response(
    "9112 9.2: a response that nobody waits for is refused",
    `${ok("Content-Length: 0\r\n")}HTTP/1.1 408 Late\r\n\r\n`,
    "none; end; refused unasked_response @38; plain HTTP/1.1 408 Late\r\n\r\n",
  ),
  response(
    "9112 2.2: empty lines before a response are refused",
    `\r\n${ok("")}`,
    `refused bad_status_line @0; plain \r\n${ok("")}`,
  ),
  response(
    "9112 8: an end in a counted body",
    ok("Content-Length: 3\r\n", "hi"),
    "length 3; body hi; truncated body",
  ),
  response(
    "9112 8: an end in chunk framing",
    ok("Transfer-Encoding: chunked\r\n", "2\r\nhi\r"),
    "chunked; body hi; truncated body",
  ),
  response("9112 8: an end in a head", "HTTP/1.", "truncated head; plain HTTP/1."),
];

/** What is refused: the byte that does it stands behind the mark. */
export interface Wrong extends Reading {
  readonly rule: string;
  readonly before: string;
  readonly after: string;
  readonly reason: RefusalReason;
}

const MARK = "¦";

function wrong(rule: string, reason: RefusalReason, text: string, more: Partial<Reading> = {}): Wrong {
  const at = text.indexOf(MARK);
  return { rule, reason, kind: "request", before: text.slice(0, at), after: text.slice(at + 1), ...more };
}

const answers = { kind: "response" } as const;
const LINE = "GET / HTTP/1.1\r\n";
const BIG = "9007199254740992";

export const WRONG: readonly Wrong[] = [
  wrong("9112 3: no method", "bad_request_line", "¦ / HTTP/1.1\r\n\r\n"),
  wrong("9112 3: a method that is no token", "bad_request_line", "GE¦(T / HTTP/1.1\r\n\r\n"),
  wrong("9112 3: two spaces before the target", "bad_request_line", "GET ¦ / HTTP/1.1\r\n\r\n"),
  wrong("9112 3: two spaces behind the target", "bad_request_line", "GET / ¦ HTTP/1.1\r\n\r\n"),
  wrong("9112 3: a tab instead of a space", "bad_request_line", "GET¦\t/ HTTP/1.1\r\n\r\n"),
  wrong("9112 3.2: a control character in the target", "bad_request_line", "GET /¦\x01 HTTP/1.1\r\n\r\n"),
  wrong("9112 3.2: DEL in the target", "bad_request_line", "GET /¦\x7f HTTP/1.1\r\n\r\n"),
  wrong("9112 3: HTTP/0.9", "bad_request_line", "GET /¦\r\n"),
  wrong("9112 3: a space behind the version", "bad_request_line", "GET / HTTP/1.1¦ \r\n\r\n"),
  wrong("9112 2.3: another protocol", "bad_request_line", "GET / ¦ICE/1.0\r\n\r\n"),
  wrong("9112 2.3: the name in lower case", "bad_request_line", "GET / ¦http/1.1\r\n\r\n"),
  wrong("9112 2.3: HTTP/2.0 in a request that is no preface", "bad_version", "GET / HTTP/¦2.0\r\n\r\n"),
  wrong("9113 3.4: the preface behind a request", "bad_version", `${GET}PRI * HTTP/¦2.0\r\n\r\nSM\r\n\r\n`),
  wrong("9113 3.4: the preface behind an empty line", "bad_version", "\r\nPRI * HTTP/¦2.0\r\n\r\n"),
  wrong("TLS behind an empty line", "bad_request_line", "\r\n¦\x16\x03\x01"),
  wrong("9112 2.3: HTTP/1.2", "bad_version", "GET / HTTP/1.¦2\r\n\r\n"),
  wrong("9112 2.3: HTTP/1.10", "bad_request_line", "GET / HTTP/1.1¦0\r\n\r\n"),
  wrong("something that is no TLS", "bad_request_line", "\x16¦GET / HTTP/1.1\r\n\r\n"),
  wrong("9112 2.2: a bare LF in the request line", "bare_lf", "GET / HTTP/1.1¦\nHost: a\r\n\r\n"),
  wrong("9112 2.2: a bare LF behind a field", "bare_lf", `${LINE}Host: a¦\n\r\n`),
  wrong("9112 2.2: a bare LF at the end of the head", "bare_lf", `${LINE}Host: a\r\n¦\n`),
  wrong("9112 2.2: a bare LF in a name", "bare_lf", `${LINE}Host¦\n: a\r\n`),
  wrong("9112 2.2: a bare CR in the request line", "bare_cr", "GET / HTTP/1.1\r¦Host: a\r\n\r\n"),
  wrong("9112 2.2: a bare CR in a value", "bare_cr", `${LINE}Host: a\r¦b\r\n\r\n`),
  wrong("9112 2.2: a bare CR at the end of the head", "bare_cr", `${LINE}Host: a\r\n\r¦x`),
  wrong("9112 2.2: a bare CR before a request", "bare_cr", `\r¦${GET}`),
  wrong("9112 5.1: an empty name", "bad_field_name", `${LINE}¦: a\r\n\r\n`),
  wrong("9112 5.1: a space before the colon", "space_before_colon", `${LINE}Host¦ : a\r\n\r\n`),
  wrong("9112 5.1: a tab before the colon", "space_before_colon", `${LINE}Host¦\t: a\r\n\r\n`),
  wrong("9110 5.6.2: NUL in a name", "bad_field_name", `${LINE}Ho¦\0st: a\r\n\r\n`),
  wrong("9110 5.6.2: obs-text in a name", "bad_field_name", `${LINE}H¦\xf6st: a\r\n\r\n`),
  wrong("9112 5.1: a line without a colon", "bad_field_name", `${LINE}Host¦\r\n\r\n`),
  wrong("9110 5.5: NUL in a value", "bad_field_value", `${LINE}Host: a¦\0b\r\n\r\n`),
  wrong("9110 5.5: DEL in a value", "bad_field_value", `${LINE}Host: a¦\x7fb\r\n\r\n`),
  wrong("9112 5.2: a folded field", "folded_field", `${LINE}Host: a\r\n¦ b\r\n\r\n`),
  wrong("9112 2.2: white space before the first field", "folded_field", `${LINE}¦\tHost: a\r\n\r\n`),
  wrong(
    "9112 6.3: both lengths",
    "both_lengths",
    post("Content-Length: 5\r\n¦Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
  ),
  wrong(
    "9112 6.3: both lengths, the other way round",
    "both_lengths",
    post("Transfer-Encoding: chunked\r\n¦Content-Length: 0\r\n", "0\r\n\r\n"),
  ),
  wrong(
    "9112 6.3: differing lengths",
    "differing_content_lengths",
    post("Content-Length: 5\r\n¦Content-Length: 6\r\n", "hello"),
  ),
  wrong(
    "9112 6.3: differing lengths in a list",
    "differing_content_lengths",
    post("¦Content-Length: 5, 6\r\n", "hello"),
  ),
  wrong("9112 6.3: an empty length", "bad_content_length", post("¦Content-Length: \r\n")),
  wrong(
    "9112 6.3: an empty element of a list of lengths",
    "bad_content_length",
    post("¦Content-Length: 5,\r\n", "hello"),
  ),
  wrong("9112 6.3: a signed length", "bad_content_length", post("¦Content-Length: +5\r\n", "hello")),
  wrong("9112 6.3: a negative length", "bad_content_length", post("¦Content-Length: -5\r\n", "hello")),
  wrong("9112 6.3: a hexadecimal length", "bad_content_length", post("¦Content-Length: 0x5\r\n", "hello")),
  wrong(
    "9112 6.3: a length with a no-break space",
    "bad_content_length",
    post("¦Content-Length: \xa05\r\n", "hello"),
  ),
  wrong("9112 6.3: a length of 2^53", "bad_content_length", post(`¦Content-Length: ${BIG}\r\n`)),
  wrong(
    "9112 6.3: a request whose codings do not end in chunked",
    "unchunked_request",
    post("¦Transfer-Encoding: gzip\r\n"),
  ),
  wrong("9112 6.3: the coding identity", "unchunked_request", post("¦Transfer-Encoding: identity\r\n")),
  wrong(
    "9112 6.3: a coding that looks like chunked",
    "unchunked_request",
    post("¦Transfer-Encoding: xchunked\r\n"),
  ),
  wrong(
    "9112 6.1: chunked is not the last coding",
    "bad_transfer_encoding",
    post("¦Transfer-Encoding: chunked, gzip\r\n"),
  ),
  wrong(
    "9112 6.1: chunked twice",
    "bad_transfer_encoding",
    post("Transfer-Encoding: chunked\r\n¦Transfer-Encoding: chunked\r\n"),
  ),
  wrong(
    "9112 7: chunked with parameters",
    "bad_transfer_encoding",
    post("¦Transfer-Encoding: chunked;q=1\r\n"),
  ),
  wrong("9112 6.1: an empty Transfer-Encoding", "bad_transfer_encoding", post("¦Transfer-Encoding:\r\n")),
  wrong(
    "9112 6.1: an empty element of codings",
    "bad_transfer_encoding",
    post("¦Transfer-Encoding: ,chunked\r\n"),
  ),
  wrong(
    "9112 6.1: HTTP/1.0 knows no codings",
    "transfer_encoding_in_http10",
    "POST / HTTP/1.0\r\n¦Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ),
  wrong(
    "9110 9.3.6: a CONNECT with a length",
    "connect_with_body",
    "CONNECT a:1 HTTP/1.1\r\n¦Content-Length: 1\r\n\r\na",
  ),
  wrong(
    "9110 9.3.6: a CONNECT that is chunked",
    "connect_with_body",
    "CONNECT a:1 HTTP/1.1\r\n¦Transfer-Encoding: chunked\r\n\r\n",
  ),
  wrong("9112 7.1: no size", "bad_chunk_size", chunked("¦\r\nhello\r\n")),
  wrong("9112 7.1: a signed size", "bad_chunk_size", chunked("¦+5\r\nhello\r\n")),
  wrong("9112 7.1: a negative size", "bad_chunk_size", chunked("¦-5\r\nhello\r\n")),
  wrong("9112 7.1: a size with 0x", "bad_chunk_size", chunked("0¦x5\r\nhello\r\n")),
  wrong("9112 7.1: a space before a size", "bad_chunk_size", chunked("¦ 5\r\nhello\r\n")),
  wrong("9112 7.1: a space behind a size", "bad_chunk_size", chunked("5¦ \r\nhello\r\n")),
  wrong("9112 7.1.1: a space before an extension", "bad_chunk_size", chunked("5¦ ;a\r\nhello\r\n")),
  wrong("9112 7.1: a size with an underscore", "bad_chunk_size", chunked("1¦_0\r\nhello\r\n")),
  wrong("9112 7.1: a size of 2^53", "bad_chunk_size", chunked("2000000000000¦0\r\n")),
  wrong(
    "9112 7.1: a size that overflows 64 bits",
    "bad_chunk_size",
    chunked("10000000000000¦005\r\nhello\r\n"),
  ),
  wrong("9112 7.1: a bare LF behind a size", "bare_lf", chunked("5¦\nhello\r\n")),
  wrong("9112 7.1: a bare CR behind a size", "bare_cr", chunked("5\r¦hello\r\n")),
  wrong("9112 7.1.1: a bare LF in an extension", "bare_lf", chunked("5;a¦\nhello\r\n")),
  wrong("9112 7.1.1: a bare CR in an extension", "bare_cr", chunked("5;a\r¦b\r\nhello\r\n")),
  wrong("9112 7.1.1: NUL in an extension", "bad_chunk_extension", chunked("5;a¦\0\r\nhello\r\n")),
  wrong("9112 7.1: a chunk that is longer than its size", "bad_chunk_end", chunked("5\r\nhello¦!\r\n")),
  wrong("9112 7.1: a bare LF behind a chunk", "bare_lf", chunked("5\r\nhello¦\n0\r\n\r\n")),
  wrong("9112 7.1: a bare CR behind a chunk", "bare_cr", chunked("5\r\nhello\r¦0\r\n\r\n")),
  wrong("9112 7.1: a bare CR at the end", "bare_cr", chunked("0\r\n\r¦x")),
  wrong("9112 7.1.2: a bare LF at the end", "bare_lf", chunked("0\r\n¦\n")),
  wrong("9112 7.1.2: a folded trailer", "folded_field", chunked("0\r\nA: b\r\n¦ c\r\n\r\n")),
  wrong("9112 7.1.2: NUL in a trailer", "bad_field_value", chunked("0\r\nA: ¦\0\r\n\r\n")),
  wrong("9112 4: a status of two digits", "bad_status_line", "HTTP/1.1 20¦ OK\r\n\r\n", answers),
  wrong("9112 4: a status of four digits", "bad_status_line", "HTTP/1.1 200¦0 OK\r\n\r\n", answers),
  wrong("9112 4: a status below 100", "bad_status_line", "HTTP/1.1 ¦099 OK\r\n\r\n", answers),
  wrong("9112 4: two spaces before the status", "bad_status_line", "HTTP/1.1 ¦ 200 OK\r\n\r\n", answers),
  wrong(
    "9112 4: a control character in the reason",
    "bad_status_line",
    "HTTP/1.1 200 O¦\x01K\r\n\r\n",
    answers,
  ),
  wrong("9112 2.3: another protocol", "bad_status_line", "¦ICY 200 OK\r\n\r\n", answers),
  wrong("9112 2.3: HTTP/2 in a status line", "bad_version", "HTTP/¦2 200\r\n\r\n", answers),
  wrong("9112 2.2: a bare LF in a status line", "bare_lf", "HTTP/1.1 200 OK¦\n\r\n", answers),
  wrong(
    "9112 6.3: both lengths",
    "both_lengths",
    ok("Content-Length: 5\r\n¦Transfer-Encoding: chunked\r\n"),
    answers,
  ),
  wrong(
    "9112 6.3: both lengths, without chunked",
    "both_lengths",
    ok("Content-Length: 5\r\n¦Transfer-Encoding: identity\r\n"),
    answers,
  ),
  wrong("9112 6.3: differing lengths", "differing_content_lengths", ok("¦Content-Length: 5, 6\r\n"), answers),
  wrong(
    "9112 6.1: HTTP/1.0 knows no codings",
    "transfer_encoding_in_http10",
    "HTTP/1.0 200 OK\r\n¦Transfer-Encoding: chunked\r\n\r\n",
    answers,
  ),
  wrong(
    "9112 6.1: chunked is not the last coding",
    "bad_transfer_encoding",
    ok("¦Transfer-Encoding: chunked, gzip\r\n"),
    answers,
  ),
];
