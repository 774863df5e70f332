/** `ui.bodies` over the wire: what of a body is shown, what is masked, cut or no text, and that nothing is kept where it is not asked for. */
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { shownBody } from "../../src/live/bodies.js";
import type { MessageBody } from "../../src/live/contract.js";
import { Past } from "../../src/live/past.js";
import { traceOf } from "../../src/live/trace-view.js";
import { Watching } from "../../src/live/watching.js";
import { HttpLab } from "../support/http-lab.js";
import { until } from "../support/lab.js";
import { seenBy } from "./watch-lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const JSON_TYPE = "Content-Type: application/json";

function message(first: string, body: string | Buffer, fields: readonly string[] = [JSON_TYPE]): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([
    Buffer.from([first, "Host: x", `Content-Length: ${bytes.length}`, ...fields, "", ""].join("\r\n")),
    bytes,
  ]);
}

function chunked(first: string, ...pieces: readonly string[]): Buffer {
  const chunks = [...pieces, ""].map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
  return Buffer.from(`${first}\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join("")}`);
}

/** One exchange: what is seen of its request's body and of its answer's, and what is kept of them. */
async function bodiesOf(bodiesMax: number, request: Buffer, answer: Buffer, isWhole = true) {
  lab = new HttpLab();
  const watching = new Watching({ clock: lab.clock, bodiesMax, planeOf: () => "http" });
  watching.keep();
  lab.watch.watcher = watching;
  const port = await lab.server((socket) => {
    let arrived = 0;
    socket.on("data", (chunk: Buffer) => {
      arrived += chunk.length;
      if (arrived >= request.length) socket.write(answer);
    });
    socket.on("end", () => socket.end());
  });
  const proxy = await lab.http(port);
  const client = lab.client(proxy);
  client.write(request);
  await client.received(isWhole ? answer.length : 40);
  await until(() => seenBy(watching).some(({ pending }) => pending !== isWhole));
  const entry = watching.ring?.find("jobs", "1");
  if (entry === undefined) throw new Error("nothing was seen");
  const plan = { moments: () => [], again: () => "" };
  const past = new Past({ plan, telemetry: { journal: { query: () => [] } } });
  const trace = traceOf(entry, { plan, past, moment: { now: 0, now_wall: 0 } });
  const { requestBody, answerBody } = entry.sight;
  return {
    request: trace.request?.in?.body,
    answer: trace.answer?.in?.body,
    kept: [requestBody, answerBody],
    trace,
  };
}

const text = (shown: string, bytes: number, whole = true): MessageBody => ({
  text: shown,
  coding: null,
  bytes,
  whole,
});

describe("bodies of messages", () => {
  it("are shown on either side, and what is secret in them is not", async () => {
    const { request, answer } = await bodiesOf(
      4_096,
      message("POST /a HTTP/1.1", '{"job": 7, "api_key": "s3cret", "n": {"password" : 12}}'),
      message("HTTP/1.1 200 OK", "user=b1&access_token=s3cret&x", [
        "Content-Type: application/x-www-form-urlencoded",
      ]),
    );
    expect(request).toEqual(text('{"job": 7, "api_key": "(masked)", "n": {"password" : "(masked)"}}', 55));
    expect(answer).toEqual(text("user=b1&access_token=(masked)&x", 29));
  });

  it("are cut at the bound, within no character and with no secret's beginning", async () => {
    const { request, answer, kept } = await bodiesOf(
      16,
      message("POST /a HTTP/1.1", '{"token":"s3cretsecret"}'),
      message("HTTP/1.1 200 OK", `${"a".repeat(15)}é${"b".repeat(100_000)}`, ["Content-Type: text/plain"]),
    );
    expect(request).toEqual(text('{"token":"(masked)"', 24, false));
    expect(answer).toEqual(text("a".repeat(15), 100_017, false));
    expect(kept.map((body) => body?.length)).toEqual([16, 16]);
  });

  it("that are no text are told by what they are, and not shown", async () => {
    const zipped = gzipSync("hello");
    const { request, answer } = await bodiesOf(
      4_096,
      message("POST /a HTTP/1.1", Buffer.from([0xff, 0xfe, 0, 1])),
      message("HTTP/1.1 200 OK", zipped, [JSON_TYPE, "Content-Encoding: gzip"]),
    );
    expect(request).toEqual({ text: "", coding: "binary", bytes: 4, whole: true });
    expect(answer).toEqual({ text: "", coding: "gzip", bytes: zipped.length, whole: true });
  });

  it("in chunks are shown without these, and of one that goes on, what has come", async () => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const { request, answer } = await bodiesOf(
      4_096,
      chunked("POST /a HTTP/1.1", "one ", "two"),
      Buffer.from(`${head}6\r\nfirst \r\n`),
      false,
    );
    expect(request).toEqual(text("one two", 7));
    expect(answer).toEqual(text("first ", 6, false));
  });

  it("that are empty, or that there are none of, are not shown", async () => {
    const { request, answer } = await bodiesOf(
      4_096,
      Buffer.from("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
      message("HTTP/1.1 200 OK", ""),
    );
    expect([request, answer]).toEqual([null, null]);
  });

  it("are neither shown nor kept without ui.bodies; their sizes are", async () => {
    const { request, answer, kept, trace } = await bodiesOf(
      0,
      message("POST /a HTTP/1.1", '{"job": 7}'),
      message("HTTP/1.1 200 OK", "done"),
    );
    expect([request, answer, ...kept]).toEqual([null, null, null, null]);
    expect(trace.exchange).toMatchObject({ up: 10, down: 4 });
  });
});

describe("what is shown of the beginning of a body", () => {
  const shown = (body: string): string | undefined => {
    lab = new HttpLab();
    return shownBody(Buffer.from(body), { head: null, bytes: body.length, ended: true })?.text;
  };

  it.each([
    ['{"a": "token"}', '{"a": "token"}'],
    ['{"to\\u006ben": "x"}', '{"to\\u006ben": "(masked)"}'],
    ['{"token": "a\\"b", "c": 1}', '{"token": "(masked)", "c": 1}'],
    ['{"token": "cut off', '{"token": "(masked)"'],
    ['{"token": "cut off\\', '{"token": "(masked)"'],
    ['{"token": null, "secret": -1.5e3}', '{"token": "(masked)", "secret": "(masked)"}'],
    ['{"secrets": ["a"], "b": 1}', '{"secrets": "(masked)", "b": 1}'],
    ['{"token": ["a", {"b": "]"}], "c": 1}', '{"token": "(masked)", "c": 1}'],
    ['{"secret": {"a": [1, 2', '{"secret": "(masked)"'],
    ["plain \u001b[31m text\n", "plain \u001b[31m text\n"],
  ])("%j is %j", (body, wanted) => {
    expect(shown(body)).toBe(wanted);
  });

  it("takes no longer for what is made to be slow", () => {
    // 64 KiB, which is the most that the configuration takes.
    for (const piece of ['"', '"a', '\\"', '"token":"', '{"token":', '"a":"\\']) {
      const body = piece.repeat(65_536 / piece.length);
      expect(shown(body)?.length).toBeGreaterThan(0);
    }
  });
});
