/** Every end that an exchange can come to: what is seen of it is what its client had, what its server had, and what the journal is told. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../src/core/clock.js";
import type { LiveExchange } from "../../src/live/contract.js";
import type { CompiledFault } from "../../src/plan/value.js";
import {
  answerTo,
  get,
  httpTimeLab,
  ok,
  post,
  said,
  type HttpLab,
  type Script,
} from "../support/http-lab.js";
import { fault, turns, until, type Client, type Lab } from "../support/lab.js";
import { secureSpec, secureTimeLab } from "../support/secure-lab.js";
import { endsOf, over, seenBy, watch } from "./watch-lab.js";

let lab: Lab;
afterEach(async () => {
  await lab.close();
});

interface Scene {
  readonly faults?: readonly CompiledFault[];
  readonly script?: Script;
  readonly request?: string;
  /** What happens besides, once the request was sent. */
  readonly then?: (client: Client, time: VirtualClock, http: HttpLab) => void | Promise<void>;
  /** Nobody is there. */
  readonly dead?: true;
  /** client end, by whom, its status, upstream end, its status */
  readonly ends: readonly unknown[];
  /** What the client saw: the status that it read, and how its connection ended, if it did. */
  readonly wire: readonly [number | null, "fin" | "reset" | null];
  readonly acts?: readonly string[];
}

const SCENES: Readonly<Record<string, Scene>> = {
  "a whole answer": { ends: ["complete", "upstream", 200, "complete", 200], wire: [200, null] },
  "an error of the upstream's": {
    script: () => "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
    ends: ["complete", "upstream", 500, "complete", 500],
    wire: [500, null],
  },
  "an upstream that is not there": {
    dead: true,
    ends: ["complete", "proxy", 502, "refused", null],
    wire: [502, null],
  },
  "a lost response": {
    faults: [fault("lost_response", { then: "reset" })],
    ends: ["reset", "fault", null, "complete", 200],
    wire: [null, "reset"],
    acts: ["lost"],
  },
  "a lost request": {
    faults: [fault("lost_request", { then: "close" })],
    ends: ["closed", "fault", null, null, null],
    wire: [null, "fin"],
    acts: ["lost"],
  },
  "an answer that was cut": {
    faults: [fault("http_truncate", { after: "2B" })],
    ends: ["cut", "fault", 200, null, 200],
    wire: [200, "fin"],
  },
  "an answer of a fault's": {
    faults: [fault("http_status", { status: 503 })],
    ends: ["complete", "fault", 503, null, null],
    wire: [503, null],
  },
  "a late answer": {
    faults: [fault("http_delay", { delay: "500ms" })],
    then: async (_client, time) => {
      await turns();
      time.advance(500);
    },
    ends: ["complete", "upstream", 200, "complete", 200],
    wire: [200, null],
  },
  "a client that leaves while it is held": {
    faults: [fault("http_delay", { delay: "1h" })],
    then: async (client, time) => {
      await turns();
      time.advance(3_000);
      client.rst();
    },
    ends: ["client_left", "client", null, null, null],
    wire: [null, null],
  },
  "a client that leaves while the upstream works": {
    script: () => undefined,
    then: async (client) => {
      await turns(100);
      client.rst();
    },
    ends: ["client_left", "client", null, "abandoned", null],
    wire: [null, null],
  },
  "an upstream that closes without an answer": {
    script: ({ peer }) => {
      peer.fin();
      return undefined;
    },
    ends: ["closed", "upstream", null, "closed", null],
    wire: [null, "fin"],
  },
  "an upstream that resets without an answer": {
    script: ({ peer }) => {
      peer.rst();
      return undefined;
    },
    ends: ["reset", "upstream", null, "reset", null],
    wire: [null, "reset"],
  },
  "an upstream that breaks off": {
    script: ({ peer }) => {
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      peer.fin();
      return undefined;
    },
    ends: ["cut", "upstream", 200, "cut", 200],
    wire: [200, "fin"],
  },
  "a connection that a fault on bytes resets": {
    faults: [fault("reset", { after: "20B" }, { directions: "downstream" })],
    ends: ["cut", "fault", null, null, 200],
    wire: [null, "reset"],
  },
};

async function play({ faults = [], script, request, then, dead }: Scene) {
  const { lab: http, time } = httpTimeLab();
  lab = http;
  lab.facts.recording = true;
  const watching = watch(lab);
  const server = await http.scripted(script ?? (() => ok("hello")));
  const proxy = await http.http(dead === true ? await http.deadPort() : server.port);
  if (faults.length > 0) lab.use(faults);
  const client = http.client(proxy);
  client.write(request ?? post("/v1/jobs/17/complete?token=x", "work"));
  // It waits for nothing more when it was told the end.
  void client.ended.then(() => {
    client.fin();
  });
  await then?.(client, time, http);
  return { client, server, watching, time };
}

describe("what is seen of an exchange", () => {
  it.each(Object.entries(SCENES))("is what happened: %s", async (_what, scene) => {
    const { client, server, watching } = await play(scene);
    const seen = await over(watching);
    const [upstreamEnd] = scene.ends.slice(3, 4);
    const ends = endsOf(seen);
    expect(
      upstreamEnd === null && seen.upstream_side !== null ? [...ends.slice(0, 3), null, ends[4]] : ends,
    ).toEqual(scene.ends);
    // The client's own eyes.
    const [status, end] = scene.wire;
    if (status !== null) await said(client, `HTTP/1.1 ${status}`);
    if (end !== null) expect(await client.ended).toBe(end);
    if (status === null && end !== null) expect(client.text.includes("\r\n\r\n")).toBe(false);
    // The server's.
    expect(server.requests.length > 0).toBe(
      seen.upstream_side?.forwarded !== undefined && seen.upstream_side?.forwarded !== null,
    );
    // The journal's.
    const [fact] = lab.facts.of("exchange_over");
    expect(fact).toMatchObject({
      end: seen.client_side.end,
      client_status: seen.client_side.status,
      upstream_status: seen.upstream_side?.status ?? null,
      exchange: { id: Number(seen.id), path: "/v1/jobs/17/complete" },
      seen: { at: seen.client_side.at, over: seen.client_side.over },
    });
    expect([...new Set(seen.acts.map(({ fault: name }) => name))].toSorted()).toEqual(
      [...(fact?.faults ?? [])].toSorted(),
    );
    if (scene.acts !== undefined) expect(seen.acts.map(({ effect }) => effect)).toEqual(scene.acts);
    expect(JSON.stringify(seen)).not.toContain("token");
  });

  it("has its moments in order, and the time that a fault has added on the side where it was", async () => {
    const { watching } = await play(SCENES["a late answer"] as Scene);
    const { client_side: client, upstream_side: upstream, delays, acts } = await over(watching);
    expect(delays).toEqual(
      [
        {
          at: 1_000,
          until: 1_500,
          side: "answer",
          activation: "test",
          fault: "http_delay",
          type: "http_delay",
        },
      ].map((delay) => ({ ...delay, side: delays[0]?.side })),
    );
    expect(client).toMatchObject({ at: 1_000, over: 1_500 });
    expect(upstream?.forwarded).not.toBeNull();
    expect(acts).toMatchObject([{ effect: "delayed", detail: { delay_ms: 500 } }]);
  });

  it("has the bytes that a fault holds on the way, from when until when", async () => {
    const { lab: http, time } = httpTimeLab();
    lab = http;
    const watching = watch(lab);
    const server = await http.scripted();
    const proxy = await http.http(server.port);
    lab.use([fault("latency", { delay: "200ms" }, { directions: "upstream" })]);
    http.client(proxy).write(get("/a"));
    await until(() => lab.facts.of("fault_hit").length > 0);
    expect(seenBy(watching)).toMatchObject([{ pending: true, upstream_side: { forwarded: null } }]);
    time.advance(200);
    expect(await over(watching)).toMatchObject({
      delays: [{ at: 1_000, until: 1_200, side: "request" }],
      upstream_side: { forwarded: 1_200, sent: 1_200 },
      client_side: { status: 200 },
    });
  });

  it("comes again when it changes, with a higher rank, and not when it does not", async () => {
    const { lab: http, time } = httpTimeLab();
    lab = http;
    const watching = watch(lab);
    const server = await http.scripted();
    const proxy = await http.http(server.port);
    lab.use([fault("http_delay", { delay: "1s" })]);
    http.client(proxy).write(get("/a"));
    await until(() => lab.facts.of("fault_hit").length > 0);
    expect(watching.harvest()).toMatchObject([{ id: "1", rank: 1, pending: true }]);
    expect(watching.harvest()).toEqual([]);
    time.advance(1_000);
    const last = await over(watching);
    expect(last.rank).toBeGreaterThan(1);
    expect(watching.harvest()).toEqual([]);
    expect(seenBy(watching)).toHaveLength(1);
  });

  it("knows a second try by the failure before it, and by its key", async () => {
    const { lab: http, time } = httpTimeLab();
    lab = http;
    const watching = watch(lab);
    const server = await http.scripted();
    const proxy = await http.http(server.port);
    lab.use([fault("lost_response", { then: "reset" }, { when: { only: [1] } })]);
    const tries: LiveExchange[] = [];
    for (const [path, fields] of [
      ["/v1/jobs/1/complete", []],
      ["/v1/jobs/2/complete", []],
      ["/v1/jobs/1/complete", []],
      ["/v1/jobs/1/complete", []],
      ["/v1/pay", ["Idempotency-Key: k1"]],
      ["/v1/pay", ["Idempotency-Key: k2"]],
      ["/v1/pay", ["Idempotency-Key: k1"]],
    ] as const) {
      const client = http.client(proxy);
      client.write(post(path, "x", fields));
      tries.push(await over(watching, tries.length + 1));
      time.advance(100);
    }
    expect(tries.map(({ again, again_by }) => [again, again_by])).toEqual([
      [null, null],
      [null, null],
      ["1", "failed"],
      [null, null],
      [null, null],
      [null, null],
      ["5", "key"],
    ]);
    expect(JSON.stringify(tries)).not.toContain("k1");
  });

  it.each([false, true])("has copies that a fault sent, on the same connection: %s", async (same) => {
    const { lab: http, time } = httpTimeLab();
    lab = http;
    const watching = watch(lab);
    const server = await http.scripted();
    const proxy = await http.http(server.port);
    lab.use([fault("duplicate_request", { times: 3, gap: "10ms", same_connection: same })]);
    const client = http.client(proxy);
    client.write(post("/twice", "x"));
    await answerTo(client);
    time.advance(20);
    await until(() => server.requests.length === 3);
    expect(await over(watching)).toMatchObject({
      upstream_side: { copies: 2 },
      acts: [{ effect: "duplicated", amount: 2 }],
    });
  });

  it("has an upstream that went on without its client", async () => {
    const { lab: http } = httpTimeLab();
    lab = http;
    const watching = watch(lab);
    let answer: (() => void) | null = null;
    const server = await http.scripted(({ peer, target }) => {
      if (target !== "/slow") return ok("done");
      answer = () => {
        peer.write(ok("late"));
      };
      return undefined;
    });
    const proxy = await http.http(server.port);
    lab.use([fault("lost_response", { then: "reset" }, { match: [{ path: ["/slow"] }] })]);
    const client = http.client(proxy);
    client.write(post("/slow", "x"));
    await until(() => answer !== null);
    client.rst();
    await turns(50);
    (answer as (() => void) | null)?.();
    const left = await over(watching);
    expect(left.upstream_side).toMatchObject({ status: 200, end: "complete" });
    expect(left.client_side).toMatchObject({ end: "client_left", by: "client", status: null });
  });

  it("has the upstream of the pool that it went to, and the one that was away", async () => {
    const { lab: http } = httpTimeLab();
    lab = http;
    const watching = watch(lab);
    const server = await http.scripted();
    const members = [
      { name: "a", host: "127.0.0.1", port: await http.deadPort() },
      { name: "b", host: "127.0.0.1", port: server.port },
    ];
    const proxy = await http.http(server.port, {
      pool: { members, balance: "round_robin", health: null, eject: null, seed: 1 },
    });
    for (let n = 0; n < 4; n++) await http.ask(proxy, get("/a"));
    const seen = [];
    for (let n = 1; n <= 4; n++) seen.push(await over(watching, n));
    expect(seen.map(({ upstream_side: up }) => [up?.name, up?.end]).toSorted()).toEqual([
      ["a", "refused"],
      ["a", "refused"],
      ["b", "complete"],
      ["b", "complete"],
    ]);
    expect(watching.upstreamSeen("jobs/a")).toMatchObject({ unreached: "upstream_refused" });
    expect(watching.upstreamSeen("jobs/b")).toMatchObject({ unreached: null, failed: 0 });
  });

  it("says of a client over TLS what was agreed on, and of one that takes no certificate that it was refused", async () => {
    const { lab: secure } = secureTimeLab();
    lab = secure;
    const watching = watch(lab);
    const server = await secure.scripted();
    const proxy = await secure.http(server.port, { secure: secureSpec() });
    const client = await secure.secured(proxy);
    client.write(get("/a"));
    await answerTo(client);
    expect(await over(watching)).toMatchObject({
      kind: "exchange",
      tls: { sni: "jobs.example", version: "TLSv1.3", problem: null },
    });
    const refused = secure.client(proxy);
    refused.write("no TLS at all\r\n");
    await refused.ended;
    const seen = await over(watching, 2);
    expect(seen).toMatchObject({
      kind: "connection",
      client_side: { end: "refused" },
      failure: "client_tls",
    });
    expect(seen.id).toMatch(/^c\d+$/u);
  });

  it("leaves a connection out that came to exchanges, and shows one that came to none", async () => {
    const { lab: http } = httpTimeLab();
    lab = http;
    const watching = watch(lab);
    const server = await http.scripted();
    const proxy = await http.http(server.port);
    await http.ask(proxy, get("/a"));
    const foreign = http.client(proxy);
    foreign.write("GARBAGE\r\n\r\n");
    await foreign.ended;
    foreign.fin();
    await until(() => proxy.stats.connectionsActive === 0);
    expect(seenBy(watching).map(({ kind, failure }) => [kind, failure])).toEqual([
      ["exchange", null],
      ["connection", "client_protocol"],
    ]);
  });
});
