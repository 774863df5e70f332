/** Where the codec and Node's parser differ, each by the name under which docs/decisions/0005-http-codec.md decides it. */
import type { Account, Message } from "./node-oracle.js";

/** One stream, read by both. */
export interface Readings {
  readonly kind: "request" | "response";
  readonly text: string;
  readonly ours: Account;
  /** Which byte we refused, or -1, and all bytes that we had not passed on. */
  readonly at: number;
  readonly unread: string;
  /** We are in the middle of a head. */
  readonly inHead: boolean;
  readonly node: Account;
}

export interface Difference {
  readonly name: string;
  /** A stream that shows it. */
  readonly shown: string;
  /** Where the stream that shows it must be cut. */
  readonly cut?: number;
  readonly kind: "request" | "response";
  readonly holds: (readings: Readings) => boolean;
}

const done = ({ messages }: Account): Message[] => messages.filter(({ complete }) => complete);

/** Whether the one has read all that the other has, as it did, and perhaps more. */
function continues(longer: readonly Message[], shorter: readonly Message[]): boolean {
  return JSON.stringify(longer.slice(0, shorter.length)) === JSON.stringify(shorter);
}

type Judge = (readings: Readings) => boolean;

/** We refuse what Node reads, having read the same before. */
function stricter(
  name: string,
  kind: Difference["kind"],
  reasons: string,
  shown: string,
  judge: Judge,
): Difference {
  const holds: Judge = (readings) =>
    readings.kind === kind &&
    readings.ours.outcome === "refused" &&
    reasons.split(" ").includes(readings.ours.reason) &&
    continues(readings.node.messages, done(readings.ours)) &&
    judge(readings);
  return { name, kind, shown, holds };
}

/** Node refuses a message that we read, having read the same before. */
function looser(
  name: string,
  kind: Difference["kind"],
  shown: string,
  judge: (message: Message) => boolean,
): Difference {
  const holds: Judge = ({ ours, node, kind: actual }) => {
    const message = ours.messages[done(node).length];
    return (
      actual === kind &&
      node.outcome === "refused" &&
      continues(ours.messages, done(node)) &&
      message !== undefined &&
      judge(message)
    );
  };
  return { name, kind, shown, holds };
}

/** Node refuses, because of what an earlier message said, a message that we read. */
function after(
  name: string,
  kind: Difference["kind"],
  shown: string,
  judge: (message: Message) => boolean,
): Difference {
  const holds: Judge = ({ ours, node, kind: actual }) =>
    actual === kind &&
    node.outcome === "refused" &&
    continues(ours.messages, done(node)) &&
    done(node).some((message) => judge(message));
  return { name, kind, shown, holds };
}

/** Node has begun to read the same messages; how far it came with their bodies is another matter. */
function begins(node: readonly Message[], ours: readonly Message[]): boolean {
  return node.every(({ line, fields, payload }, index) => {
    const same = ours[index];
    return (
      same !== undefined &&
      line === same.line &&
      JSON.stringify(fields) === JSON.stringify(same.fields) &&
      same.payload.startsWith(payload)
    );
  });
}

/** Node takes the rest of the stream for another protocol, from a message on that we read as HTTP. */
function sooner(name: string, shown: string, judge: (message: Message) => boolean): Difference {
  const holds: Judge = ({ ours, node }) => {
    const last = node.messages.length - 1;
    const message = ours.messages[last];
    return (
      node.outcome === "upgraded" &&
      continues(ours.messages, node.messages.slice(0, last)) &&
      message !== undefined &&
      judge(message)
    );
  };
  return { name, kind: "request", shown, holds };
}

const has = (message: Message | undefined, field: RegExp): boolean =>
  message?.fields.some((line) => field.test(line)) === true;
const all = ({ ours }: Readings): boolean => done(ours).length === ours.messages.length;
const always = (): boolean => true;

/** Node's parser is one for RTSP and ICE as well, and waits while what it has may become one of them. */
function isOtherProtocol(text: string): boolean {
  return ["RTSP/", "ICE/"].some(
    (protocol) => text.startsWith(protocol) || (text !== "" && protocol.startsWith(text)),
  );
}
const POST = "POST / HTTP/1.1\r\nHost: a\r\n";
const OK = "HTTP/1.1 200 OK\r\n";

export const DIFFERENCES: readonly Difference[] = [
  stricter(
    "several spaces in a request line",
    "request",
    "bad_request_line",
    "GET  / HTTP/1.1\r\n\r\n",
    ({ text, at }) => text[at] === " ",
  ),
  stricter(
    "HTTP/0.9",
    "request",
    "bad_request_line",
    "GET /\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ({ text, at }) => text[at] === "\r",
  ),
  stricter("HTTP/0.9", "request", "bare_lf", "GET /\n", ({ unread }) => /^[A-Z]+ [^ \r\n]+\n/u.test(unread)),
  stricter(
    "a bare CR behind a status line",
    "response",
    "bare_cr",
    "HTTP/1.1 200 OK\r\rA: b\r\nContent-Length: 0\r\n\r\n",
    ({ text, unread, at }) => !unread.slice(0, at - text.length).includes("\n"),
  ),
  stricter(
    "a bare LF before a target",
    "request",
    "bare_lf",
    "CONNECT \na:1 HTTP/1.1\r\n\r\n",
    ({ unread }) => /^[A-Z]+ +\n/u.test(unread),
  ),
  stricter(
    "an Upgrade with faulty lengths",
    "request",
    "unchunked_request both_lengths bad_transfer_encoding bad_content_length differing_content_lengths",
    `${POST}Connection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: gzip\r\n\r\n`,
    ({ node, unread }) => node.outcome === "upgraded" && /upgrade:/iu.test(unread),
  ),
  stricter(
    "odd lists of codings",
    "request",
    "both_lengths",
    `${POST}Transfer-Encoding:\r\nContent-Length: 0\r\n\r\n`,
    ({ unread }) => /\ntransfer-encoding:[ \t]*\r/iu.test(unread),
  ),
  stricter("other protocols", "request", "bad_request_line", "GET / RTSP/1.0\r\n\r\n", ({ unread }) =>
    isOtherProtocol(/^[^ ]+ [^ ]+ ([^\r\n]*)/u.exec(unread)?.[1] ?? ""),
  ),
  stricter(
    "other protocols",
    "response",
    "bad_status_line",
    "ICE/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ({ unread }) => isOtherProtocol(unread),
  ),
  stricter("other versions", "request", "bad_version", "GET / HTTP/2.0\r\n\r\n", always),
  stricter("other versions", "response", "bad_version", "HTTP/2.0 200 OK\r\n\r\n", always),
  stricter(
    "odd empty lines before a request",
    "request",
    "bare_cr bare_lf after_close",
    "\n\rGET / HTTP/1.1\r\n\r\n",
    (readings) => all(readings) && /^[\r\n]/u.test(readings.unread),
  ),
  stricter(
    "empty lines before a response",
    "response",
    "bad_status_line bare_lf after_close",
    `\r\n${OK}\r\n`,
    ({ unread }) => /^[\r\n]/u.test(unread),
  ),
  stricter(
    "keep-alive beside close in HTTP/1.0",
    "request",
    "after_close",
    "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    ({ ours }) => has(ours.messages.at(-1), /^connection:.*keep-alive/iu),
  ),
  stricter(
    "a tab behind a connection option",
    "request",
    "after_close",
    "GET / HTTP/1.1\r\nConnection: a, close\t\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ({ ours, text, at }) =>
      has(ours.messages.at(-1), /^(?:proxy-)?connection:.*close/iu) &&
      /\n(?:proxy-)?connection:[^\n]*close *\t/iu.test(text.slice(0, at)),
  ),
  {
    name: "a tab behind a connection option",
    kind: "request",
    shown: "GET / HTTP/1.0\r\nConnection: keep-alive\t\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    holds: ({ ours, node, text }) =>
      node.reason === "HPE_CLOSED_CONNECTION" &&
      continues(ours.messages, done(node)) &&
      has(done(node).at(-1), /^(?:proxy-)?connection:.*keep-alive/iu) &&
      /\n(?:proxy-)?connection:[^\n]*keep-alive *\t/iu.test(text),
  },
  {
    name: "a tab behind a connection option",
    kind: "request",
    shown: "GET / HTTP/1.1\r\nConnection: upgrade\t\r\nUpgrade: x\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    holds: ({ ours, node, text }) =>
      ours.outcome === "upgraded" &&
      node.outcome !== "upgraded" &&
      continues(node.messages, ours.messages) &&
      /\nconnection:[^\n]*upgrade *\t/iu.test(text),
  },
  stricter(
    "lengths of 2^53 and more",
    "request",
    "bad_content_length",
    `${POST}Content-Length: 9007199254740992\r\n\r\n`,
    ({ unread }) => /content-length:[ \t]*[0-9]{16}/iu.test(unread),
  ),
  stricter(
    "lengths of 2^53 and more",
    "response",
    "bad_content_length",
    `${OK}Content-Length: 9007199254740992\r\n\r\n`,
    ({ unread }) => /content-length:[ \t]*[0-9]{16}/iu.test(unread),
  ),
  stricter(
    "chunks of 2^53 bytes and more",
    "request",
    "bad_chunk_size",
    `${POST}Transfer-Encoding: chunked\r\n\r\n20000000000000\r\n`,
    ({ text, at }) => /^[0-9a-f]/iu.test(text.slice(at)),
  ),
  stricter(
    "chunks of 2^53 bytes and more",
    "response",
    "bad_chunk_size",
    `${OK}Transfer-Encoding: chunked\r\n\r\n20000000000000\r\n`,
    ({ text, at }) => /^[0-9a-f]/iu.test(text.slice(at)),
  ),
  stricter(
    "odd lists of codings",
    "request",
    "bad_transfer_encoding",
    `${POST}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`,
    always,
  ),
  stricter(
    "odd lists of codings",
    "response",
    "bad_transfer_encoding",
    `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n`,
    always,
  ),
  stricter(
    "codings in HTTP/1.0",
    "request",
    "transfer_encoding_in_http10",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    always,
  ),
  stricter(
    "codings in HTTP/1.0",
    "response",
    "transfer_encoding_in_http10",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    always,
  ),
  stricter(
    "a CONNECT that announces a body",
    "request",
    "connect_with_body unchunked_request",
    "CONNECT a:1 HTTP/1.1\r\nContent-Length: 1\r\n\r\na",
    ({ unread }) => unread.startsWith("CONNECT "),
  ),
  stricter("a status below 100", "response", "bad_status_line", "HTTP/1.1 099 OK\r\n\r\n", ({ unread }) =>
    /^HTTP\/1\.[01] 0/u.test(unread),
  ),
  stricter(
    "control characters in a reason",
    "response",
    "bad_status_line",
    "HTTP/1.1 200 O\x01K\r\n\r\n",
    ({ unread }) => /^HTTP\/1\.[01] \d{3} [^\r\n]*?[\0-\x08\x0b-\x1f\x7f]/u.test(unread),
  ),
  stricter(
    "responses that nobody waits for",
    "response",
    "unasked_response",
    `${OK}Content-Length: 0\r\n\r\n${OK}\r\n`,
    always,
  ),
  stricter("a 101 that nobody asked for", "response", "unasked_upgrade", "HTTP/1.1 101 X\r\n\r\n", always),
  looser(
    "equal lengths",
    "request",
    `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    ({ fields }) =>
      fields.join(",").match(/content-length:/giu)?.length === 2 ||
      has({ fields } as Message, /^content-length:.*,/iu),
  ),
  looser(
    "equal lengths",
    "response",
    `${OK}Content-Length: 5, 5\r\n\r\nhello`,
    ({ fields }) =>
      fields.join(",").match(/content-length:/giu)?.length === 2 ||
      has({ fields } as Message, /^content-length:.*,/iu),
  ),
  looser("a tab behind a length", "request", `${POST}Content-Length: 5\t\r\n\r\nhello`, (message) =>
    has(message, /^content-length:/iu),
  ),
  looser("a tab behind a length", "response", `${OK}Content-Length: 5\t\r\n\r\nhello`, (message) =>
    has(message, /^content-length:/iu),
  ),
  looser(
    "the grammar of chunk extensions",
    "request",
    `${POST}Transfer-Encoding: chunked\r\n\r\n1;a;\r\na\r\n0\r\n\r\n`,
    (message) => has(message, /^transfer-encoding:/iu),
  ),
  looser(
    "the grammar of chunk extensions",
    "response",
    `${OK}Transfer-Encoding: chunked\r\n\r\n1;\xe9\r\na\r\n0\r\n\r\n`,
    (message) => has(message, /^transfer-encoding:/iu),
  ),
  looser(
    "targets of no form",
    "request",
    "GET b/c HTTP/1.1\r\n\r\n",
    ({ line }) => !/^[^ ]+ (?:\/|\*|[a-z]+:\/\/)/iu.test(line),
  ),
  looser(
    "methods that Node does not know",
    "request",
    "BREW / HTTP/1.1\r\n\r\n",
    ({ line }) => !/^(?:GET|POST|HEAD|OPTIONS|CONNECT) /u.test(line),
  ),
  looser(
    "lengths of a response without a body",
    "response",
    "HTTP/1.1 204 No\r\nContent-Length: a\r\n\r\n",
    ({ line }) => /^HTTP\/1\.[01] (?:1\d\d|204|304)/u.test(line),
  ),
  looser("octets in a target", "request", "GET /a\xe9 HTTP/1.1\r\n\r\n", ({ line }) =>
    /^[^ ]+ (?:[^ ]*[\x80-\xff]|[a-z]+:\/\/)/iu.test(line),
  ),
  after(
    "Connection among trailers",
    "request",
    `${POST}Transfer-Encoding: chunked\r\n\r\n0\r\nConnection: close\r\n\r\n${POST}\r\n`,
    ({ trailers }) => trailers.some((line) => /^(?:proxy-)?connection:/iu.test(line)),
  ),
  after(
    "Connection in an interim response",
    "response",
    `HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    (message) => message.line.startsWith("HTTP/1.1 1") && has(message, /^(?:proxy-)?connection:/iu),
  ),
  {
    name: "the method PRI",
    kind: "request",
    shown: "PRI / HTTP/1.1\r\n\r\n",
    holds: ({ ours, node, unread }) =>
      continues(ours.messages, node.messages) &&
      (ours.messages[node.messages.length]?.line.startsWith("PRI ") === true || unread.startsWith("PRI ")),
  },
  {
    // Node has "PRI *" without a version for an upgrade of HTTP/0.9 that nobody listens for, and destroys the
    // connection on the spot: the ends of the messages before it, if they came in one piece with it, are never told.
    name: "the method PRI",
    kind: "request",
    shown: "GET / HTTP/1.1\r\n\r\nPRI *\r\n\r\n",
    holds: ({ ours, node, unread }) =>
      ours.reason === "bad_request_line" &&
      unread.startsWith("PRI *") &&
      node.outcome === "open" &&
      node.messages.length === ours.messages.length + 1 &&
      /^PRI \*[^ ]* HTTP\/0\.9$/u.test(node.messages.at(-1)?.line ?? "") &&
      begins(node.messages.slice(0, -1), done(ours)),
  },
  {
    name: "a tab behind a coding",
    kind: "response",
    shown: `${OK}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n`,
    holds: ({ ours, node, text }) =>
      continues(ours.messages, done(node)) && /\ntransfer-encoding:[^\n]*chunked *\t/iu.test(text),
  },
  {
    name: "bytes behind a closing response",
    kind: "response",
    shown: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nab",
    cut: 39,
    holds: ({ ours, node }) =>
      ours.reason === "after_close" && JSON.stringify(ours.messages) === JSON.stringify(node.messages),
  },
  {
    name: "lengths in a head that is not complete",
    kind: "request",
    shown: `${POST}Content-Length: a\r\n`,
    holds: ({ ours, node, inHead }) =>
      inHead && node.outcome === "refused" && continues(ours.messages, done(node)),
  },
  sooner(
    "Upgrade with a body",
    `${POST}Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nhi`,
    (message) => has(message, /^(?:content-length|transfer-encoding):/iu),
  ),
  sooner("Upgrade in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", ({ line }) =>
    line.endsWith(" HTTP/1.0"),
  ),
];

/** Whether the two differ. Both may refuse for reasons of their own, if they agree on all messages before. */
export function differ({ ours, node }: Readings): boolean {
  if (ours.outcome !== "refused" || node.outcome !== "refused") {
    const told = ({ messages, outcome, plain }: Account): string =>
      JSON.stringify([messages, outcome, plain]);
    return told(ours) !== told(node);
  }
  return JSON.stringify(done(ours)) !== JSON.stringify(done(node));
}
