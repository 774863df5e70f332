/** Ends of all kinds, in every order: both peers see through the proxy what they see without one. */
import { afterEach, describe, expect, it } from "vitest";
import { chunked, get, ok, post } from "../../support/http-lab.js";
import { playDirectly, playThrough, type Step } from "../../support/http-script.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";
import { until } from "../../support/lab.js";

let lab: SecureLab;
afterEach(async () => {
  await lab.close();
});

const closing = ok("bye", ["Connection: close"]);
const untilClose = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nas long as it lasts";
const upload = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
const early = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
const upgrade = get("/ws", ["Connection: Upgrade", "Upgrade: websocket"]);
const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const connect = "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n";

const SCRIPTS: Readonly<Record<string, readonly Step[]>> = {
  "a client that ends its side behind its request, and a server that answers and ends": [
    ["client", get("/")],
    ["client", "fin"],
    ["server", ok("hello")],
    ["server", "fin"],
  ],
  "a client that ends its side with its request in one go": [
    ["client", [get("/a") + get("/b")]],
    ["client", "fin"],
    ["server", ok("a")],
    ["server", ok("b")],
    ["server", "fin"],
  ],
  "a server that ends behind Connection: close": [
    ["client", get("/")],
    ["server", closing],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "a server that ends behind a close that the client asked for": [
    ["client", get("/", ["Connection: close"])],
    ["server", ok("hello")],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "an answer that lasts until the connection ends": [
    ["client", get("/")],
    ["server", untilClose],
    ["server", " and on"],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "an HTTP/1.0 exchange": [
    ["client", "GET / HTTP/1.0\r\n\r\n"],
    ["server", "HTTP/1.0 200 OK\r\n\r\nold"],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "HTTP/1.0 exchanges on a connection that is kept": [
    ["client", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
    ["server", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"],
    ["client", "GET /again HTTP/1.0\r\n\r\n"],
    ["server", "HTTP/1.0 200 OK\r\n\r\nbye"],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "an idle client that ends": [
    ["client", get("/")],
    ["server", ok("hello")],
    ["client", "fin"],
    ["server", "fin"],
  ],
  "an idle server that ends": [
    ["client", get("/")],
    ["server", ok("hello")],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "an idle client that resets": [
    ["client", get("/")],
    ["server", ok("hello")],
    ["client", "rst"],
  ],
  "an idle server that resets": [
    ["client", get("/")],
    ["server", ok("hello")],
    ["server", "rst"],
  ],
  "a client that resets while it waits for its answer": [
    ["client", get("/")],
    ["client", "rst"],
  ],
  "a server that resets before it answers": [
    ["client", get("/")],
    ["server", "rst"],
  ],
  "a server that ends before it answers": [
    ["client", get("/")],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "a server that ends in mid-head": [
    ["client", get("/")],
    ["server", "HTTP/1.1 200 OK\r\nContent-Le", "held"],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "a server that ends in mid-body": [
    ["client", get("/")],
    ["server", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234"],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "a server that resets in mid-body": [
    ["client", get("/")],
    ["server", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234"],
    ["server", "rst"],
  ],
  "a client that resets in the middle of an answer": [
    ["client", get("/")],
    ["server", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234"],
    ["client", "rst"],
  ],
  "a client that ends in the middle of its head": [
    ["client", get("/")],
    ["server", ok("hello")],
    ["client", "POST /half HTTP/1.1\r\nHost", "held"],
    ["client", "fin"],
    ["server", "fin"],
  ],
  "a client that ends in the middle of its body": [
    ["client", `${upload}12345`],
    ["client", "fin"],
    ["server", "fin"],
  ],
  "a client that resets in the middle of its body": [
    ["client", `${upload}12345`],
    ["client", "rst"],
  ],
  "a client that ends in the middle of its body, and an answer to that": [
    ["client", `${upload}12345`],
    ["client", "fin"],
    ["server", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
    ["server", "fin"],
  ],
  "an answer before the body ended, and a client that goes on": [
    ["client", `${upload}12345`],
    ["server", early],
    ["client", "67890"],
    ["client", get("/next")],
    ["server", ok("next")],
    ["client", "fin"],
    ["server", "fin"],
  ],
  "an answer before the body ended, and a server that ends": [
    ["client", `${upload}12345`],
    ["server", early],
    ["server", "fin"],
    ["client", "67890"],
    ["client", "fin"],
  ],
  "an answer before the body ended, and a server that resets": [
    ["client", `${upload}12345`],
    ["server", early],
    ["server", "rst"],
  ],
  "an answer before the body ended, and a client that stops": [
    ["client", `${upload}12345`],
    ["server", early],
    ["client", "fin"],
    ["server", "fin"],
  ],
  "an answer before the body ended, and a client that resets": [
    ["client", `${upload}12345`],
    ["server", early],
    ["client", "rst"],
  ],
  "an answer that has begun before the body ended": [
    ["client", `${upload}12345`],
    ["server", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"],
    ["client", "67890"],
    ["server", "5\r\n67890\r\n0\r\n\r\n"],
    ["client", "fin"],
    ["server", "fin"],
  ],
  "a body that waits for 100": [
    ["client", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"],
    ["server", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["client", "body"],
    ["server", ok("done")],
    ["client", "fin"],
    ["server", "fin"],
  ],
  "a body that is refused instead of continued, and not sent": [
    ["client", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"],
    ["server", "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "a body that is refused instead of continued, and sent all the same": [
    ["client", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"],
    ["server", "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"],
    ["client", `body${get("/next")}`],
    ["server", ok("next")],
  ],
  "pipelined requests, and a server that ends behind the first answer": [
    ["client", get("/1") + get("/2")],
    ["server", closing],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "pipelined requests, and a server that resets behind the first answer": [
    ["client", get("/1") + get("/2")],
    ["server", ok("one")],
    ["server", "rst"],
  ],
  "a web socket that the client ends": [
    ["client", upgrade],
    ["server", `${switching}\x81\x01s`],
    ["client", "\x81\x81\0\0\0\0c"],
    ["client", "fin"],
    ["server", "\x88\0"],
    ["server", "fin"],
  ],
  "a web socket that the server ends": [
    ["client", `${upgrade}\x81\x81\0\0\0\0c`, "held"],
    ["server", switching],
    ["server", "fin"],
    ["client", "\x88\0"],
    ["client", "fin"],
  ],
  "a web socket that the client resets": [
    ["client", upgrade],
    ["server", switching],
    ["client", "rst"],
  ],
  "a web socket that the server resets": [
    ["client", upgrade],
    ["server", switching],
    ["server", "rst"],
  ],
  "an upgrade that is refused, and another request": [
    ["client", upgrade],
    ["server", ok("no")],
    ["client", get("/next")],
    ["server", ok("next")],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "a tunnel": [
    ["client", connect],
    ["server", "HTTP/1.1 200 Connection Established\r\n\r\n"],
    ["client", "\x16\x03\x01hello"],
    ["server", "\x16\x03\x03hello"],
    ["client", "fin"],
    ["server", "the rest"],
    ["server", "fin"],
  ],
  "a tunnel that is refused": [
    ["client", connect],
    ["server", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"],
    ["client", get("/next")],
    ["server", ok("next")],
    ["server", "fin"],
    ["client", "fin"],
  ],
  "events that are sent one by one": [
    ["client", get("/events", ["Accept: text/event-stream"])],
    ["server", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["server", "9\r\ndata: 1\n\n\r\n"],
    ["server", "9\r\ndata: 2\n\n\r\n"],
    ["client", "rst"],
  ],
  "events without a length": [
    ["client", get("/events", ["Accept: text/event-stream"])],
    ["server", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"],
    ["server", "data: 1\n\n"],
    ["server", "data: 2\n\n"],
    ["server", "rst"],
  ],
  "a chunked upload and its answer": [
    ["client", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["client", chunked(["abc"], "")],
    ["client", "0\r\n\r\n"],
    ["server", ok("got it")],
    ["client", post("/next", "n")],
    ["server", ok("next")],
    ["client", "fin"],
    ["server", "fin"],
  ],
};

describe.each(["plain", "TLS"] as const)(
  "both peers see through the proxy what they see without one, the client over %s:",
  (leg) => {
    for (const [name, steps] of Object.entries(SCRIPTS)) {
      it(name, async () => {
        lab = new SecureLab();
        const direct = await playDirectly(lab, steps);
        const upstream = await lab.upstream();
        const proxy = await lab.http(upstream.port, leg === "TLS" ? { secure: secureSpec() } : {});
        const client = leg === "TLS" ? await lab.secured(proxy) : lab.client(proxy);
        expect(await playThrough(client, upstream, steps, direct)).toEqual(direct);
        expect(lab.facts.of("mistake")).toEqual([]);
        expect(upstream.accepted).toHaveLength(1);
        const over =
          steps.filter(([, what]) => what === "fin").length === 2 || steps.some(([, what]) => what === "rst");
        if (!over) return;
        await until(() => proxy.stats.connectionsActive === 0);
        expect(lab.context.slots.taken).toBe(0);
      });
    }
  },
);
