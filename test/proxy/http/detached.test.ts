/** Answers that go on without their client: whatever has come before somebody takes them over, nothing is left behind, and the daemon lives. */
import { afterEach, describe, expect, it } from "vitest";
import type { CompiledFault } from "../../../src/plan/value.js";
import { get, HttpLab, httpTimeLab, ok, post } from "../../support/http-lab.js";
import { fault, turns, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

/** What holds the whole answer, and what then lets the client go without it. */
const HOLDING: Readonly<Record<string, CompiledFault>> = {
  late_response: fault("late_response", { hold: "20ms" }),
  http_delay: fault("http_delay", { delay: "20ms" }, { at: "after" }),
};
const ENDING: Readonly<Record<string, CompiledFault>> = {
  "lost_response by reset": fault("lost_response", { then: "reset" }),
  "lost_response by close": fault("lost_response", { then: "close" }),
  "http_malformed": fault("http_malformed", { mode: "header" }),
  "http_truncate": fault("http_truncate", { after: "1B" }),
};

describe("an answer that has come whole when its client is let go", () => {
  for (const [holding, first] of Object.entries(HOLDING)) {
    for (const [ending, second] of Object.entries(ENDING)) {
      it(`under ${holding} and ${ending} ends that connection only`, async () => {
        const made = httpTimeLab();
        ({ lab } = made);
        const { port } = await lab.scripted(() => ok("hello"));
        const proxy = await lab.http(port);
        lab.use([first, second]);
        const client = lab.client(proxy);
        client.write(get("/x"));
        await until(() => lab.facts.of("fault_hit").length > 0);
        await turns();
        made.time.advance(20);
        await client.ended;
        client.rst();
        made.time.advance(5_000);
        await until(() => proxy.stats.connectionsActive === 0);
        lab.plan.end(() => true, "healed");
        expect((await lab.ask(proxy, get("/well"))).body).toBe("hello");
      });
    }
  }

  for (const leaves of ["fin", "rst"] as const) {
    for (const request of [get("/x"), post("/x", "body")]) {
      it(`hangs, and its client leaves by ${leaves} after a ${request.slice(0, 4).trim()}`, async () => {
        lab = new HttpLab();
        const { port } = await lab.scripted(() => ok("hello"));
        const proxy = await lab.http(port);
        lab.use([fault("lost_response", { then: "hang" })]);
        const client = lab.client(proxy);
        client.write(request);
        await until(() => lab.facts.of("fault_hit").length > 0);
        await turns();
        client[leaves]();
        await until(() => proxy.stats.connectionsActive === 0);
        expect(lab.facts.of("exchange_over").map(({ end }) => end)).toEqual(["client_left"]);
      });
    }
  }
});

describe("an answer that never comes to a client that has ended its side", () => {
  for (const [type, params] of [
    ["lost_response", { then: "reset" }],
    ["lost_response", { then: "hang" }],
    ["late_response", { hold: "1s" }],
    ["duplicate_request", { times: 2 }],
  ] as const)
    it(`under ${type} ${JSON.stringify(params)} is waited for ten minutes, and no longer`, async () => {
      const timed = httpTimeLab();
      ({ lab } = timed);
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port);
      lab.use([fault(type, params)]);
      const client = lab.client(proxy);
      client.write(get("/x"));
      client.fin();
      const peer = await upstream.next();
      await until(() => peer.text.includes("/x"));
      await turns();
      timed.time.advance(599_000);
      await turns();
      expect(proxy.stats.connectionsActive).toBe(1);
      timed.time.advance(2_000);
      await turns();
      timed.time.advance(2_000);
      await until(() => proxy.stats.connectionsActive === 0);
      expect(lab.context.slots.taken).toBe(0);
      expect(proxy.exchanges.requests).toBe(1);
    });

  it("is not taken for one that has come, and is held for longer than that", async () => {
    const timed = httpTimeLab();
    ({ lab } = timed);
    const { port } = await lab.scripted(() => ok("hello"));
    const proxy = await lab.http(port);
    lab.use([fault("late_response", { hold: "15m" })]);
    const client = lab.client(proxy);
    client.write(get("/x"));
    client.fin();
    await until(() => lab.facts.of("fault_hit").length > 0);
    await turns();
    timed.time.advance(899_000);
    await turns();
    timed.time.advance(2_000);
    await until(() => client.text.endsWith("hello"));
  });
});
