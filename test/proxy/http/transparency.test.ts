/** Odd but legal messages over real sockets, in every split: with no fault, every byte comes out as it went in. */
import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { seeded, split, type Split } from "../../support/http-script.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";
import { turns, until, type Client, type Upstream } from "../../support/lab.js";

let lab: SecureLab;
afterEach(async () => {
  await lab.close();
});

const CRLF = "\r\n";
const lines = (...all: string[]): string => all.join(CRLF) + CRLF + CRLF;
const EMPTY = lines("HTTP/1.1 200 OK", "Content-Length: 0");
const GET = lines("GET / HTTP/1.1", "Host: a");

/** A request and its answer. Those whose connection goes on behind them can be pipelined. */
interface Odd {
  readonly ask: string;
  readonly answer: string;
  readonly ends?: true;
}

const ODD: Readonly<Record<string, Odd>> = {
  "fields in an odd order, in odd cases, and twice": {
    ask: lines("GET /a?b=c&b=d HTTP/1.1", "x-B: 2", "X-a: 1", "hOsT: a", "X-A: 1", "x-b: 2", "X-B:3"),
    answer: lines("HTTP/1.1 200 OK", "set-COOKIE: a=1", "Date: x", "Set-Cookie: a=1", "CONTENT-length: 0"),
  },
  "empty values, and white space around values": {
    ask: lines("GET / HTTP/1.1", "Host: ", "X-Empty:", "X-Blank:   ", "X-Tab:\t a \t", "X-In: a  b"),
    answer: lines("HTTP/1.1 200 OK", "X-Empty:", "Content-Length: \t0 "),
  },
  "octets that are no text": {
    ask: lines("GET /caf\xc3\xa9?\xff HTTP/1.1", "Host: a", "X-Latin: \xe9\xff\x80"),
    answer: lines("HTTP/1.1 200 \xc3\x96k", "X-Utf8: \xe2\x82\xac", "Content-Length: 0"),
  },
  "no reason, and none behind a space": {
    ask: GET + GET,
    answer: lines("HTTP/1.1 200", "Content-Length: 0") + lines("HTTP/1.1 404 ", "Content-Length: 0"),
  },
  "empty lines before a request": { ask: `${CRLF}${CRLF}${GET}`, answer: EMPTY },
  "the absolute form": { ask: lines("GET http://other:81/x?y HTTP/1.1", "Host: a"), answer: EMPTY },
  "the asterisk": { ask: lines("OPTIONS * HTTP/1.1", "Host: a"), answer: EMPTY },
  "a method that nobody knows": { ask: lines("m-search!#$ /x HTTP/1.1", "Host: a"), answer: EMPTY },
  "a missing Host, and two of them": {
    ask: lines("GET / HTTP/1.1", "X: y") + lines("GET / HTTP/1.1", "Host: a", "Host: b"),
    answer: EMPTY + EMPTY,
  },
  "chunks with extensions and trailers": {
    ask:
      lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Trailer: X-Sum, X-Other") +
      `5;a=b;c="d;e"${CRLF}hello${CRLF}0000;z${CRLF}X-Sum: 1${CRLF}x-OTHER:${CRLF}${CRLF}`,
    answer:
      lines("HTTP/1.1 200 OK", "tRaNsFeR-eNcOdInG: CHUNKED") +
      `A;ext${CRLF}0123456789${CRLF}0;last=1${CRLF}X-Sum: 2${CRLF}${CRLF}`,
  },
  "chunks of odd sizes, written oddly": {
    ask:
      lines("PUT / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") +
      `1${CRLF}a${CRLF}0002${CRLF}\r\n${CRLF}00c${CRLF}0${CRLF}${CRLF}HTTP/1${CRLF.slice(0, 1)}${CRLF}0${CRLF}${CRLF}`,
    answer:
      lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") +
      `1${CRLF}\0${CRLF}fF${CRLF}${"x".repeat(255)}${CRLF}0${CRLF}${CRLF}`,
  },
  "bodies of nothing": {
    ask:
      lines("POST / HTTP/1.1", "Host: a", "Content-Length: 0") +
      lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") +
      `0${CRLF}${CRLF}`,
    answer: EMPTY + lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") + `0${CRLF}${CRLF}`,
  },
  "a body where few expect one": {
    ask:
      lines("GET / HTTP/1.1", "Host: a", "Content-Length: 4") +
      "body" +
      lines("DELETE / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") +
      `4${CRLF}body${CRLF}0${CRLF}${CRLF}`,
    answer: EMPTY + EMPTY,
  },
  "lengths given twice, alike": {
    ask: lines("POST / HTTP/1.1", "Host: a", "Content-Length: 4", "Content-Length: 4") + "body",
    answer: lines("HTTP/1.1 200 OK", "Content-Length: 2, 2") + "ok",
  },
  "a length with zeros before it": {
    ask: lines("POST / HTTP/1.1", "Host: a", "Content-Length: 0004") + "body",
    answer: lines("HTTP/1.1 200 OK", "Content-Length: 02") + "ok",
  },
  "answers to HEAD, with every length": {
    ask: lines("HEAD / HTTP/1.1", "Host: a").repeat(3),
    answer:
      lines("HTTP/1.1 200 OK", "Content-Length: 1000") +
      lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked") +
      lines("HTTP/1.1 200 OK"),
  },
  "answers that never have a body": {
    ask: GET + GET,
    answer:
      lines("HTTP/1.1 204 No Content", "Content-Length: 10") +
      lines("HTTP/1.1 304 Not Modified", "Content-Length: 10", "ETag: x"),
  },
  "several interim answers": {
    ask: GET,
    answer:
      lines("HTTP/1.1 100 Continue") +
      lines("HTTP/1.1 103 Early Hints", "Link: </a>; rel=preload") +
      lines("HTTP/1.1 102 Processing") +
      EMPTY,
  },
  "what looks like a message inside a body": {
    ask: lines("POST / HTTP/1.1", "Host: a", `Content-Length: ${GET.length}`) + GET,
    answer: lines("HTTP/1.1 200 OK", `Content-Length: ${EMPTY.length}`) + EMPTY,
  },
  "HTTP/1.0 that keeps its connection": {
    ask:
      lines("GET / HTTP/1.0", "Connection: Keep-Alive") + lines("GET / HTTP/1.0", "Connection: keep-alive"),
    answer:
      lines("HTTP/1.0 200 OK", "Connection: keep-alive", "Content-Length: 2") +
      "ok" +
      lines("HTTP/1.1 200 OK", "Connection: keep-alive", "Content-Length: 2") +
      "ok",
  },
  "HTTP/1.0 with an answer that lasts until the end": {
    ask: lines("GET / HTTP/1.0"),
    answer: `${lines("HTTP/1.0 200 OK")}until the end`,
    ends: true,
  },
  "an answer without a length": { ask: GET, answer: `${lines("HTTP/1.1 200 OK")}until the end`, ends: true },
  "a coding that is not the last word": {
    ask:
      lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked") +
      `1${CRLF}z${CRLF}0${CRLF}${CRLF}`,
    answer: `${lines("HTTP/1.1 200 OK", "Transfer-Encoding: gzip")}zipped`,
    ends: true,
  },
  "a close that both want": {
    ask: lines("GET / HTTP/1.1", "Host: a", "Connection: CLOSE , x"),
    answer: `${lines("HTTP/1.1 200 OK", "Content-Length: 2", "Connection: close")}ok`,
    ends: true,
  },
};

async function write(peer: Client, bytes: Buffer, how: Split, seed: number): Promise<void> {
  for (const piece of split(bytes, how, seeded(seed))) {
    peer.write(piece);
    if (how !== "whole") await turns(1);
  }
}

const latin = (text: string): Buffer => Buffer.from(text, "latin1");

type Leg = "plain" | "TLS";

/** A client of a proxy in front of that server, over plain TCP or over TLS. */
async function clientOn(leg: Leg, { port }: Upstream): Promise<Client> {
  if (leg === "plain") return lab.client(await lab.http(port));
  return lab.secured(await lab.http(port, { secure: secureSpec() }));
}

async function carries(
  leg: Leg,
  ask: Buffer,
  answer: Buffer,
  how: Split,
  ends: boolean,
  seed = 1,
): Promise<void> {
  const upstream = await lab.upstream();
  const client = await clientOn(leg, upstream);
  const asking = write(client, ask, how, seed);
  const peer = await upstream.next();
  expect((await peer.received(ask.length)).equals(ask)).toBe(true);
  await asking;
  await write(peer, answer, how, seed + 1);
  if (ends) peer.fin();
  await client.received(answer.length);
  if (ends) await client.ended;
  await turns(5);
  expect(client.text).toBe(answer.toString("latin1"));
  expect(peer.text).toBe(ask.toString("latin1"));
  expect(client.end).toBe(ends ? "fin" : null);
  expect(lab.facts.all.filter(({ kind }) => kind !== "proxy_started")).toEqual([]);
}

describe.each(["plain", "TLS"] as const)("a proxy without faults, and a client over %s,", (leg) => {
  for (const [name, { ask, answer, ends }] of Object.entries(ODD)) {
    for (const how of ["whole", "byte by byte", "at random"] as const) {
      it(`passes ${name}, ${how}`, async () => {
        lab = new SecureLab();
        for (const seed of how === "at random" ? [1, 2, 3] : [1])
          await carries(leg, latin(ask), latin(answer), how, ends ?? false, seed);
      });
    }
  }

  const lasting = Object.values(ODD).filter(({ ends }) => ends !== true);
  for (const how of ["whole", "byte by byte", "at random"] as const) {
    it(`passes all of them pipelined, ${how}`, async () => {
      lab = new SecureLab();
      const ask = latin(lasting.map((odd) => odd.ask).join(""));
      const answer = latin(lasting.map((odd) => odd.answer).join(""));
      await carries(leg, ask, answer, how, false);
    });
  }

  it("passes heads just below the limit", async () => {
    lab = new SecureLab();
    const large = (start: string): string => {
      const bare = lines(start, "Content-Length: 0", "X-Large: ");
      return lines(start, "Content-Length: 0", `X-Large: ${"v".repeat(65_536 - bare.length)}`);
    };
    const ask = latin(large("GET / HTTP/1.1"));
    expect(ask).toHaveLength(65_536);
    await carries(leg, ask, latin(large("HTTP/1.1 200 OK")), "whole", false);
  });

  it("passes as many fields as a head may have", async () => {
    lab = new SecureLab();
    const many = Array.from({ length: 999 }, (_, index) => `x-${index}: ${index}`);
    await carries(
      leg,
      latin(lines("GET / HTTP/1.1", "Host: a", ...many)),
      latin(lines("HTTP/1.1 200 OK", "Content-Length: 0", ...many)),
      "at random",
      false,
    );
  });

  for (const framing of ["Content-Length: 8000000", "Transfer-Encoding: chunked"]) {
    it(`passes bodies of megabytes both ways with ${framing}`, async () => {
      lab = new SecureLab();
      const random = seeded(7);
      const body = Buffer.from(Array.from({ length: 8_000 }, () => Math.floor(random() * 256)));
      const pieces: Buffer[] = [];
      for (let part = 0; part < 1_000; part++)
        pieces.push(
          ...(framing.startsWith("T") ? [latin(`1F40;part=${part}\r\n`), body, latin(CRLF)] : [body]),
        );
      if (framing.startsWith("T")) pieces.push(latin(`0${CRLF}${CRLF}`));
      const bytes = Buffer.concat(pieces);
      const ask = Buffer.concat([latin(lines("POST / HTTP/1.1", "Host: a", framing)), bytes, latin(GET)]);
      const answer = Buffer.concat([latin(lines("HTTP/1.1 200 OK", framing)), bytes]);
      const upstream = await lab.upstream();
      const client = await clientOn(leg, upstream);
      client.write(ask);
      const peer = await upstream.next();
      peer.write(answer);
      await Promise.all([client.received(answer.length), peer.received(ask.length)]);
      peer.write(EMPTY);
      await client.received(answer.length + EMPTY.length);
      const sha = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
      expect(sha(peer.bytes)).toBe(sha(ask));
      expect(sha(client.bytes)).toBe(sha(Buffer.concat([answer, latin(EMPTY)])));
      await until(() => lab.context.budget.held === 0);
    });
  }
});

describe.each(["plain", "TLS"] as const)("what is streamed to a client over %s", (leg) => {
  const EVENTS = 50;
  for (const [name, head, wrap] of [
    [
      "chunks",
      "Transfer-Encoding: chunked",
      (text: string) => `${text.length.toString(16)}${CRLF}${text}${CRLF}`,
    ],
    ["no length", "Connection: close", (text: string) => text],
  ] as const) {
    it(`arrives event by event with ${name}, each before the next is sent`, async () => {
      lab = new SecureLab();
      const upstream = await lab.upstream();
      const client = await clientOn(leg, upstream);
      client.write(GET);
      const peer = await upstream.next();
      await peer.received(GET.length);
      let sent = lines("HTTP/1.1 200 OK", "Content-Type: text/event-stream", head);
      peer.write(sent);
      await client.received(sent.length);
      for (let event = 0; event < EVENTS; event++) {
        const bytes = wrap(`id: ${event}\ndata: x\n\n`);
        peer.write(bytes);
        sent += bytes;
        await client.received(sent.length);
      }
      expect(client.text).toBe(sent);
    });
  }

  it("arrives upstream chunk by chunk as well", async () => {
    lab = new SecureLab();
    const upstream = await lab.upstream();
    const client = await clientOn(leg, upstream);
    let sent = lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked");
    client.write(sent);
    const peer = await upstream.next();
    for (let part = 0; part < EVENTS; part++) {
      await peer.received(sent.length);
      const bytes = `1${CRLF}x${CRLF}`;
      client.write(bytes);
      sent += bytes;
    }
    await peer.received(sent.length);
    expect(peer.text).toBe(sent);
  });
});
