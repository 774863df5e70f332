/**
 * A client and a server that tag every byte they can: each request, its path, head and body, says whose it is, and so does its
 * answer. Under pipelining, pools, all faults on exchanges switched at random and impatient clients, no client sees a byte of
 * another's answer, no answer comes out of order, and no request's bytes reach a server under another's tag.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import type { VirtualClock } from "../../src/core/clock.js";
import type { CompiledFault } from "../../src/plan/value.js";
import type { HttpLab } from "./http-lab.js";
import { fault, turns } from "./lab.js";

/** Never a part of another tag, and the same in any case. */
export const tagOf = (client: number, exchange: number): string => `<c${client}.${exchange}>`;
const TAG = /<c(\d+)\.(\d+)>/gu;

export interface Dice {
  /** 0 to n - 1. */
  below(n: number): number;
}

/** Mulberry32. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return {
    below: (n) => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return (((mixed ^ (mixed >>> 14)) >>> 0) % n) | 0;
    },
  };
}

/** What is switched on, one at a time or several together; each with some probability. */
const FAULTS: readonly (readonly [
  type: string,
  params: Readonly<Record<string, unknown>>,
  rest?: Partial<CompiledFault>,
])[] = [
  ["http_delay", { delay: "20ms", jitter: "15ms" }],
  ["http_delay", { delay: "20ms" }, { at: "after" }],
  ["late_response", { hold: "30ms" }],
  ["http_status", { status: 503 }],
  ["http_status", { status: 500 }, { at: "after" }],
  ["lost_response", { then: "reset" }],
  ["lost_response", { then: "hang" }],
  ["lost_response", { then: "close" }],
  ["lost_response", { then: "status" }],
  ["lost_request", { then: "reset" }],
  ["lost_request", { then: "hang" }],
  ["lost_request", { then: "close" }],
  ["lost_request", { then: "status" }],
  ["duplicate_request", { times: 2, gap: "3ms" }],
  ["http_truncate", { share: "50%" }],
  ["http_truncate", { after: "5B" }],
  ["http_body", { mode: "cut_json" }],
  ["http_body", { mode: "empty" }],
  ["http_body", { mode: "replace", with: "ours" }],
  ["http_malformed", { mode: "garbage" }],
  ["http_malformed", { mode: "garbage" }, { at: "before" }],
  ["http_headers", { set: { "X-Chaos": "yes" } }],
  ["rate_limit", { limit: 5, window: "100ms" }],
  ["overload", { concurrency: 2, queue: 4, service_time: "10ms" }],
  ["unauthorized", { mode: "expired" }],
  ["stale_response", { age: "5ms" }],
  ["slow_headers", { gap: "2ms" }],
  ["keepalive_race", { after: "20ms" }],
  ["latency", { delay: "10ms" }],
  ["slicer", { size: "40B" }],
  ["truncate", { after: "2KiB", then: "reset" }],
  ["reset", { after: "1KiB" }],
  ["cut", { after: "2KiB", then: "close" }],
  ["bandwidth", { rate: "200kB/s" }],
];

export const TAGGED_FAULTS: readonly CompiledFault[] = FAULTS.map(([type, params, rest = {}], index) =>
  fault(type, params, { name: `${type}-${index}`, ...rest }),
);

/** A path that all ask for, so that what is kept of one's answers could be given to another. */
const SHARED = "/t/shared";

/** Says what is wrong; the test wants none of it. */
export class Findings {
  readonly wrong: string[] = [];
  requests = 0;
  answers = 0;
  readonly connections = { client: 0, left: 0 };

  add(what: string): void {
    if (this.wrong.length < 20) this.wrong.push(what);
  }
}

/** A server that reads with Node's own parser, checks each request against its own tag, and answers with it. */
export async function taggedServer(lab: HttpLab, findings: Findings, seed: number): Promise<number> {
  const { below } = dice(seed);
  const server = createServer((request, response) => {
    check(request, response);
  });
  const check = (request: IncomingMessage, response: ServerResponse): void => {
    const tag = String(request.headers["x-tag"]);
    const times = Number(request.headers["x-times"]);
    const expected = tag.repeat(times);
    let got = 0;
    findings.requests++;
    if (request.url !== `/t/${encodeURIComponent(tag)}` && request.url !== SHARED)
      findings.add(`${tag} asked for ${request.url ?? ""}`);
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      if (text !== expected.slice(got, got + text.length))
        findings.add(`the body of ${tag} had ${JSON.stringify(text.slice(0, 60))} at ${got}`);
      got += text.length;
    });
    request.on("end", () => {
      if (request.complete && got !== expected.length)
        findings.add(`the body of ${tag} ended after ${got} of ${expected.length}`);
    });
    const early = below(10) === 0;
    if (early) answer(tag, response, request.socket);
    else
      request.on("end", () => {
        answer(tag, response, request.socket);
      });
  };
  const answer = (tag: string, response: ServerResponse, socket: Socket): void => {
    const kind = below(12);
    const text = tag.repeat(1 + below(60));
    response.setHeader("X-Tag", tag);
    response.on("error", () => undefined);
    if (kind === 0) response.writeHead(204).end();
    else if (kind === 1) response.writeHead(304).end();
    else if (kind === 2) {
      // Without a length, until the connection ends.
      response.useChunkedEncodingByDefault = false;
      response.setHeader("Connection", "close");
      response.end(text);
    } else if (kind === 3) {
      response.write(text.slice(0, text.length >> 1));
      setImmediate(() => (below(2) === 0 ? socket.destroy() : response.end(text.slice(text.length >> 1))));
    } else if (kind === 4) socket.destroy();
    else if (kind < 8) {
      response.write(text.slice(0, text.length >> 1));
      setImmediate(() => response.end(text.slice(text.length >> 1)));
    } else {
      response.setHeader("Content-Length", text.length);
      response.end(text);
    }
  };
  server.on("clientError", (_error, socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  lab.onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function requestOf(client: number, exchange: number, { below }: Dice): string {
  const tag = tagOf(client, exchange);
  const method = ["GET", "GET", "POST", "PUT", "HEAD", "DELETE"][below(6)] ?? "GET";
  const withBody = method === "POST" || method === "PUT";
  const times = withBody ? below(200) : 0;
  const body = tag.repeat(times);
  const chunked = withBody && below(2) === 0;
  const path = below(4) === 0 ? SHARED : `/t/${encodeURIComponent(tag)}`;
  const fields = [
    `${method} ${path} HTTP/1.1`,
    "Host: tags.test",
    `X-Bot-Id: bot-${client}`,
    `X-Tag: ${tag}`,
    `X-Times: ${times}`,
    ...(chunked ? ["Transfer-Encoding: chunked"] : withBody ? [`Content-Length: ${body.length}`] : []),
  ];
  if (!chunked) return `${fields.join("\r\n")}\r\n\r\n${body}`;
  const half = body.length >> 1;
  const chunks = [body.slice(0, half), body.slice(half)].filter((one) => one !== "");
  return `${fields.join("\r\n")}\r\n\r\n${chunks.map((one) => `${one.length.toString(16)}\r\n${one}\r\n`).join("")}0\r\n\r\n`;
}

/** One client connection from its beginning to its end: some requests, in pieces and ahead of their answers, and then it leaves. */
export async function taggedClient(
  lab: HttpLab,
  port: number,
  number: number,
  roll: Dice,
  findings: Findings,
): Promise<void> {
  const { below } = roll;
  findings.connections.client++;
  const client = lab.client(port);
  let over = false;
  void client.ended.then(() => (over = true));
  const count = 1 + below(8);
  const shared = new Set<number>();
  let sent = 0;
  while (sent < count && !over) {
    const ahead = 1 + below(4);
    let bytes = "";
    for (let n = 0; n < ahead && sent < count; n++, sent++) {
      const request = requestOf(number, sent, roll);
      if (request.includes(SHARED)) shared.add(sent);
      bytes += request;
    }
    const cut = below(bytes.length);
    client.write(bytes.slice(0, cut));
    await turns(below(4));
    client.write(bytes.slice(cut));
    await turns(below(30));
  }
  const patience = [0, 5, 60, 400][below(4)] ?? 0;
  for (let n = 0; n < patience && !over; n++) await turns(1);
  if (!over) findings.connections.left++;
  if (below(3) === 0) client.socket.resetAndDestroy();
  else if (below(2) === 0) client.socket.destroy();
  else {
    client.fin();
    for (let n = 0; n < 200 && !over; n++) await turns(1);
    client.socket.destroy();
  }
  judge({ number, sent, shared }, client.text, findings);
}

function judge(
  {
    number,
    sent,
    shared,
  }: { readonly number: number; readonly sent: number; readonly shared: ReadonlySet<number> },
  text: string,
  findings: Findings,
): void {
  let last = -1;
  for (const [tag, whose = "", which = ""] of text.matchAll(TAG)) {
    findings.answers++;
    if (Number(whose) !== number) findings.add(`client ${number} saw ${tag}`);
    // Of what all ask for, `stale_response` gives one its own older answers again.
    else if (Number(which) < last && !shared.has(Number(which)))
      findings.add(`client ${number} saw ${tag} behind ${tagOf(number, last)}`);
    else if (Number(which) >= sent) findings.add(`client ${number} saw ${tag}, which it had not asked for`);
    last = Math.max(last, Number(which));
  }
  // Each head and the body behind it speak of the same exchange.
  for (const [, head = "", body = ""] of text.matchAll(
    /\r\nX-Tag: (<c\d+\.\d+>)\r\n(?:[^\r\n]+\r\n)*\r\n([^]*?)(?=HTTP\/1\.|$)/gu,
  ))
    for (const [tag] of body.matchAll(TAG))
      if (tag !== head) findings.add(`client ${number} saw ${tag} in the answer of ${head}`);
}

export interface AttackPlan {
  readonly seed: number;
  /** Whether there is more to do. */
  readonly goOn: (clients: number) => boolean;
  readonly atOnce: number;
}

/** Many of them at once, while faults are switched at random and time goes by. */
export async function attackWithTags(
  lab: HttpLab,
  time: VirtualClock,
  port: number,
  findings: Findings,
  { seed, goOn, atOnce }: AttackPlan,
): Promise<void> {
  const roll = dice(seed);
  const running = new Set<Promise<void>>();
  for (let number = 0; goOn(number) && findings.wrong.length === 0; number++) {
    if (number % 5 === 0) {
      const chosen = Array.from(
        { length: 1 + roll.below(3) },
        () => TAGGED_FAULTS[roll.below(TAGGED_FAULTS.length)],
      ).filter((one) => one !== undefined);
      const unique = [...new Map(chosen.map((one) => [one.name, one])).values()];
      if (roll.below(4) === 0) lab.heal();
      else
        lab.use(
          unique.map((one) => ({ ...one, when: { probability: 0.3 } })),
          { seed: seed + number },
        );
    }
    const one = taggedClient(lab, port, number, dice(seed * 1_000_003 + number), findings);
    running.add(one);
    void one.finally(() => running.delete(one));
    while (running.size >= atOnce) {
      time.advance(2);
      await turns(1);
    }
  }
  lab.heal();
  while (running.size > 0) {
    time.advance(5);
    await turns(1);
  }
}
