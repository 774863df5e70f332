/** What a fault keeps of a message beside the pumps: within the budget, for a bounded time, and let go when the fault goes. */
import { afterEach, describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../src/core/clock.js";
import { KEPT_MAX_MS } from "../../../src/proxy/http/custody.js";
import type { CompiledFault } from "../../../src/plan/value.js";
import { answerTo, get, httpTimeLab, ok, post, said, type HttpLab } from "../../support/http-lab.js";
import { fault, turns, until, type Client } from "../../support/lab.js";

let lab: HttpLab;
let time: VirtualClock;
afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

const MIB = 1024 * 1024;
const EVENT = "b\r\ndata: tick\n\r\n";
const head = (type: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const MODES: Readonly<Record<string, Record<string, unknown>>> = {
  inflate: { mode: "inflate", size: "10kB" },
  replace: { mode: "replace", with: "x" },
  garble_json: { mode: "garble_json" },
  cut_json: { mode: "cut_json" },
};

async function scene(faults: readonly CompiledFault[], held = 64 * MIB) {
  ({ lab, time } = httpTimeLab({ held }));
  const upstream = await lab.upstream();
  const proxy = await lab.http(upstream.port);
  lab.use(faults);
  const client = lab.client(proxy);
  return { upstream, proxy, client };
}

/** What was counted of faults. */
function effects(): Record<string, number> {
  return Object.assign({}, ...[...lab.ledger.books()].map((book) => book.effects)) as Record<string, number>;
}

async function nothingKept(client: Client, active: () => number): Promise<void> {
  client.rst();
  await until(() => active() === 0);
  expect(lab.context.budget.held).toBe(0);
}

describe("a body without an end", () => {
  for (const [mode, params] of Object.entries(MODES)) {
    it(`passes as it is under ${mode} when its time is up, its head first`, async () => {
      const { upstream, proxy, client } = await scene([fault("http_body", params)]);
      client.write(get("/"));
      const peer = await upstream.next();
      await said(peer, "\r\n\r\n");
      const said1 = head("application/json") + EVENT;
      peer.write(said1);
      await until(() => lab.context.budget.held > 1_000);
      expect(client.length).toBe(0);
      time.advance(KEPT_MAX_MS);
      await said(client, said1);
      expect(lab.context.budget.held).toBe(0);
      peer.write(EVENT);
      await said(client, said1 + EVENT);
      expect(effects()).toMatchObject({ endless: 1 });
      await nothingKept(client, () => proxy.stats.connectionsActive);
    });

    it(`goes on under ${mode} when the fault goes`, async () => {
      const { upstream, client } = await scene([fault("http_body", params)]);
      client.write(get("/"));
      const peer = await upstream.next();
      await said(peer, "\r\n\r\n");
      const said1 = head("application/json") + EVENT;
      peer.write(said1);
      await until(() => lab.context.budget.held > 1_000);
      lab.plan.end(() => true, "healed");
      await said(client, said1);
      expect(lab.context.budget.held).toBe(0);
      peer.write(`${EVENT}0\r\n\r\n`);
      await said(client, `${said1}${EVENT}0\r\n\r\n`);
      expect(lab.facts.hits()).toEqual([]);
    });

    it(`of a request reaches the upstream under ${mode} in time, and when the fault goes`, async () => {
      for (const heals of [false, true]) {
        const { upstream, client } = await scene([fault("http_body", params, { directions: "upstream" })]);
        const fields = "Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
        const request = `POST /stream HTTP/1.1\r\n${fields}\r\n\r\n`;
        client.write(request + EVENT);
        const peer = await upstream.next();
        await until(() => lab.context.budget.held > 1_000);
        expect(peer.length).toBe(0);
        if (heals) lab.plan.end(() => true, "healed");
        else time.advance(KEPT_MAX_MS);
        await said(peer, EVENT);
        client.write(`${EVENT}0\r\n\r\n`);
        await said(peer, `${EVENT}${EVENT}0\r\n\r\n`);
        peer.write(ok("done"));
        expect((await answerTo(client)).body).toBe("done");
        expect(lab.context.budget.held).toBe(0);
        if (!heals) await lab.close();
      }
    });
  }

  it("is not waited for at all where its media type says that it has none", async () => {
    const { upstream, client } = await scene([fault("http_body", { mode: "replace", with: "x" })]);
    client.write(get("/"));
    const peer = await upstream.next();
    await said(peer, "\r\n\r\n");
    const said1 = head("text/event-stream; charset=utf-8") + EVENT;
    peer.write(said1);
    await said(client, said1);
    expect(effects()).toMatchObject({ endless: 1 });
  });

  it("that ends in time is changed as before", async () => {
    const { upstream, client } = await scene([fault("http_body", { mode: "replace", with: "x" })]);
    client.write(get("/"));
    const peer = await upstream.next();
    await said(peer, "\r\n\r\n");
    peer.write(head("application/json") + EVENT);
    await until(() => lab.context.budget.held > 1_000);
    time.advance(KEPT_MAX_MS - 1);
    peer.write("0\r\n\r\n");
    expect((await answerTo(client)).body).toBe("x");
    expect(lab.context.budget.held).toBe(0);
  });
});

describe("the budget for held bytes", () => {
  it("pauses whoever sends a body that is kept whole, counts it, and lets it on in time", async () => {
    const { upstream, proxy, client } = await scene(
      [fault("http_body", { mode: "inflate", size: "32MiB", limit: "32MiB" }, { directions: "upstream" })],
      MIB,
    );
    client.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000, "x"), Buffer.from("\r\n")]);
    for (let sent = 0; sent < 320; sent++) client.write(chunk);
    const peer = await upstream.next();
    await until(() => lab.context.budget.exhausted);
    await turns(100);
    // One doubling of what is kept, and the framing beside it.
    expect(lab.context.budget.heldPeak).toBeLessThan(3 * MIB);
    expect(client.socket.writableLength).toBeGreaterThan(4 * MIB);
    expect(peer.length).toBe(0);
    time.advance(KEPT_MAX_MS);
    client.write("0\r\n\r\n");
    await peer.received(320 * chunk.length + 5);
    await turns(5);
    peer.write(ok("all"));
    expect((await answerTo(client)).body).toBe("all");
    await nothingKept(client, () => proxy.stats.connectionsActive);
  });

  it("has no room for what is larger than itself: that passes at once", async () => {
    const { upstream, client } = await scene(
      [fault("http_body", { mode: "inflate", size: "32MiB", limit: "32MiB" }, { directions: "upstream" })],
      1_000,
    );
    client.write(post("/", "x".repeat(2_000)));
    await said(await upstream.next(), "x".repeat(2_000));
    expect(effects()).toMatchObject({ too_large: 1 });
  });

  it("counts copies of requests until the last of them was sent", async () => {
    const { upstream, client } = await scene([fault("duplicate_request", { times: 3, gap: "1s" })]);
    client.write(post("/", "x".repeat(5_000)).slice(0, -1));
    const peer = await upstream.next();
    await until(() => lab.context.budget.held > 5_000);
    client.write("x");
    await said(peer, "x".repeat(5_000));
    peer.write(ok("done"));
    await answerTo(client);
    expect(lab.context.budget.held).toBeGreaterThan(5_000);
    time.advance(1_000);
    await said(await upstream.next(), "x".repeat(5_000));
    expect(lab.context.budget.held).toBeGreaterThan(5_000);
    time.advance(1_000);
    await said(await upstream.next(), "x".repeat(5_000));
    expect(lab.context.budget.held).toBe(0);
  });

  it("is given back what was kept for a client that leaves", async () => {
    const { upstream, proxy, client } = await scene([
      fault("http_body", { mode: "replace", with: "x" }, { directions: "both" }),
    ]);
    client.write(post("/", "half").slice(0, -2));
    await upstream.next();
    await until(() => lab.context.budget.held > 1_000);
    await nothingKept(client, () => proxy.stats.connectionsActive);
  });

  for (const at of ["before", "after"] as const) {
    it(`counts the head that http_delay holds ${at} the upstream was asked, and gives it back however that ends`, async () => {
      for (const ends of ["in time", "healed", "left"]) {
        const { upstream, proxy, client } = await scene([fault("http_delay", { delay: "1m" }, { at })]);
        client.write(get("/"));
        if (at === "after") (await upstream.next()).write(ok("hello"));
        await until(() => lab.context.budget.held >= 30);
        if (ends === "healed") lab.plan.end(() => true, "healed");
        if (ends === "in time") time.advance(60_000);
        if (ends !== "left" && at === "before") (await upstream.next()).write(ok("hello"));
        if (ends !== "left") await answerTo(client);
        if (ends !== "left") expect(lab.context.budget.held).toBe(0);
        client.rst();
        await turns(20);
        time.advance(60_000);
        await nothingKept(client, () => proxy.stats.connectionsActive);
        await lab.close();
      }
    });
  }

  it("is given back what was copied of an answer that another fault cuts", async () => {
    const { upstream, proxy, client } = await scene([
      fault("stale_response", { age: "1s" }),
      fault("http_truncate", { after: "1B", framing: "short" }),
    ]);
    client.write(get("/"));
    (await upstream.next()).write(ok("hello"));
    await client.ended;
    time.advance(60_000);
    await nothingKept(client, () => proxy.stats.connectionsActive);
  });

  it("counts tiny pieces by the memory that they take up, which is little", async () => {
    const { client } = await scene([
      fault("http_body", { mode: "replace", with: "x" }, { directions: "upstream" }),
    ]);
    client.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.write("1\r\nx\r\n".repeat(20_000));
    await until(() => lab.context.budget.held > 20_000 * 6);
    await turns(20);
    expect(lab.context.budget.held).toBeLessThan(3 * MIB);
  });
});

describe("a client that waits for 100 Continue", () => {
  for (const [name, one] of Object.entries({
    http_body: fault("http_body", { mode: "replace", with: "other" }, { directions: "upstream" }),
    duplicate_request: fault("duplicate_request"),
    http_delay: fault("http_delay", { delay: "10ms" }),
  })) {
    it(`is told to go on under ${name}, and its request is carried out`, async () => {
      const { upstream, client } = await scene([one]);
      const request = post("/", "body", ["Expect: 100-continue"]);
      client.write(request.slice(0, -4));
      await turns();
      time.advance(10);
      const peer = await upstream.next();
      if (name !== "http_body") {
        await said(peer, "Expect: 100-continue\r\n\r\n");
        peer.write("HTTP/1.1 100 Continue\r\n\r\n");
      }
      await said(client, "HTTP/1.1 100 Continue\r\n\r\n");
      client.write("body");
      await said(peer, name === "http_body" ? "other" : "body");
      peer.write(ok("done"));
      await said(client, "done");
      expect(client.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/u);
    });
  }
});
