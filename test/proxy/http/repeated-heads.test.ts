/** Heads that come again and again over one connection are read once: what is told of them is the same as if each had been read. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Asked } from "../../../src/proxy/http/framing.js";
import { RequestHead } from "../../../src/proxy/http/head.js";
import { PLAINLY } from "../../../src/proxy/http/response-reader.js";
import { RepeatedHeads } from "../../../src/proxy/http/repeated-heads.js";
import { REQUESTS, RESPONSES } from "./corpus.js";
import { bytes, cutAt, read, type Reading } from "./transcript.js";

const GET = "GET /jobs HTTP/1.1\r\nHost: a\r\n\r\n";
const post = (length: number): string =>
  `POST /jobs HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(length)}`;
const ok = (length: number): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${"y".repeat(length)}`;
const HEAD: Asked = { ...PLAINLY, head: true };

/** Each message in a read of its own, and all byte by byte, where nothing is remembered. */
function bothWays(messages: readonly string[], reading: Reading): readonly [unknown, unknown] {
  const together = read(messages.map(bytes), reading);
  const all = bytes(messages.join(""));
  const single = read(cutAt(all, [...all.keys()].slice(1)), reading);
  expect(together.raw).toBe(messages.join(""));
  return [together.events, single.events];
}

describe("a reader that remembers", () => {
  it("tells of every stream that comes five times what it tells of it byte by byte", () => {
    for (const { text, asked = [PLAINLY], rule, ...more } of [...REQUESTS, ...RESPONSES]) {
      const times = Array.from({ length: 5 }, () => text);
      const [together, single] = bothWays(times, { ...more, asked: times.flatMap(() => asked) });
      expect(together, rule).toEqual(single);
    }
  });

  it.each([
    ["a method", [GET, GET, GET, GET.replace("GET", "PUT"), GET]],
    ["a target", [GET, GET, GET, GET.replace("jobs", "jobz"), GET]],
    ["the last byte of a length", [post(4), post(4), post(4), post(5), post(4)]],
    [
      "a field that ends the connection",
      [GET, GET, GET, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")],
    ],
    ["a beginning", [GET, GET, GET, GET.replace("/jobs", "/"), GET]],
    ["an end", [GET, GET, GET, GET.replace("a\r\n\r\n", "a\r\n \r\n")]],
  ])("reads a head anew that differs in %s", (_, messages) => {
    const [together, single] = bothWays(messages, { kind: "request" });
    expect(together).toEqual(single);
  });

  it("takes the answer to HEAD for what was asked, though its head is that of the answers before", () => {
    const messages = [ok(3), ok(3), ok(3), ok(3).slice(0, -3), ok(3)];
    const reading = { kind: "response", asked: [PLAINLY, PLAINLY, PLAINLY, HEAD, PLAINLY] } as const;
    const [together, single] = bothWays(messages, reading);
    expect(together).toEqual(single);
  });

  it("keeps nothing of the answer to HEAD for the answers that follow", () => {
    const head = ok(3).slice(0, -3);
    const reading = { kind: "response", asked: [HEAD, HEAD, HEAD, PLAINLY] } as const;
    const [together, single] = bothWays([head, head, head, ok(3)], reading);
    expect(together).toEqual(single);
  });

  it("counts empty lines against the limit of a head that it remembers", () => {
    const limits = { headBytes: GET.length + 2, headFields: 8 };
    const messages = [GET, GET, GET, `\r\n\r\n${GET}`];
    const { events } = read(messages.map(bytes), {
      kind: "request",
      limits: { trailerBytes: 64, trailerFields: 4, chunkLineBytes: 64, heldBytes: 1024, ...limits },
    });
    expect(events).toContainEqual({ refused: "head_too_large", at: 3 * GET.length + 4 + GET.length - 2 });
  });

  it("reads pipelined heads that it remembers, and the body behind each", () => {
    const together = read([bytes(post(2)), bytes(post(2)), bytes(post(2) + post(2) + post(3))], {
      kind: "request",
    });
    expect(together.events.filter((event) => "body" in event).map((event) => event.payload)).toEqual([
      "xx",
      "xx",
      "xx",
      "xx",
      "xxx",
    ]);
  });
});

describe("what is remembered", () => {
  const framing = {
    body: "none",
    length: 0,
    persistent: true,
    connect: false,
    upgrade: false,
    h2c: false,
    expectsContinue: false,
    hosts: 1,
  } as const;
  const headOf = (text: string): RequestHead =>
    new RequestHead(bytes(text), [], false, { minor: 1, first: 3, second: 9, status: 0 }, framing);

  it("is not the first head of a connection, which may be its only one", () => {
    const heads = new RepeatedHeads<RequestHead>();
    heads.pass(headOf(GET));
    expect(heads.find(bytes(GET), 0)).toBeNull();
    heads.pass(headOf(GET));
    expect(heads.find(bytes(GET), 0)?.method).toBe("GET");
  });

  it("is found wherever in a read it stands whole, and nowhere else", () => {
    const heads = new RepeatedHeads<RequestHead>();
    heads.pass(headOf(GET));
    heads.pass(headOf(GET));
    expect(heads.find(bytes(`ab${GET}cd`), 2)).not.toBeNull();
    expect(heads.find(bytes(`ab${GET}cd`), 1)).toBeNull();
    expect(heads.find(bytes(GET.slice(0, -1)), 0)).toBeNull();
    expect(heads.find(bytes(""), 0)).toBeNull();
  });

  it("has bytes of its own, since read buffers are used again", () => {
    const heads = new RepeatedHeads<RequestHead>();
    const read = headOf(GET);
    heads.pass(read);
    heads.pass(read);
    read.raw.fill("!");
    expect(heads.find(bytes(GET), 0)?.raw.toString("latin1")).toBe(GET);
  });

  it("is no long head, of which thousands of connections would keep two each", () => {
    const heads = new RepeatedHeads<RequestHead>();
    const long = GET.replace("Host", `X: ${"x".repeat(2048)}\r\nHost`);
    for (let times = 0; times < 4; times++) heads.pass(headOf(long));
    expect(heads.find(bytes(long), 0)).toBeNull();
  });

  it("is copied less and less often where no head comes again, and soon behind one that did", () => {
    const copied = vi.spyOn(RequestHead.prototype, "again");
    onTestFinished(() => {
      copied.mockRestore();
    });
    const heads = new RepeatedHeads<RequestHead>();
    const numbered = (number: number): string => GET.replace("jobs", `jobs/${number}`);
    for (let number = 0; number < 600; number++) heads.pass(headOf(numbered(number)));
    expect(copied.mock.calls.length).toBeGreaterThan(7);
    expect(copied.mock.calls.length).toBeLessThan(20);
    const last = copied.mock.results.at(-1)?.value as RequestHead;
    expect(heads.find(last.raw, 0)).toBeNull();

    for (let times = 0; times < 66; times++) if (heads.find(bytes(GET), 0) === null) heads.pass(headOf(GET));
    expect(heads.find(bytes(GET), 0)).not.toBeNull();
    heads.pass(headOf(numbered(601)));
    heads.pass(headOf(numbered(602)));
    expect(heads.find(bytes(numbered(602)), 0)).not.toBeNull();
  });

  it("is one of two heads that take turns, as polls and reports of a bot do", () => {
    const copied = vi.spyOn(RequestHead.prototype, "again");
    onTestFinished(() => {
      copied.mockRestore();
    });
    const heads = new RepeatedHeads<RequestHead>();
    let found = 0;
    for (let times = 0; times < 50; times++) {
      for (const text of [GET, GET.replace("GET", "PUT")]) {
        if (heads.find(bytes(text), 0) === null) heads.pass(headOf(text));
        else found += 1;
      }
    }
    expect(found).toBeGreaterThan(45);
    expect(copied.mock.calls.length).toBeLessThan(5);
  });
});
