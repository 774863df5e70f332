/** A client is gone while its request waits, and byte faults still hold its RST back: what waited is carried out for nobody. */
import { afterEach, describe, expect, it } from "vitest";
import { get, httpTimeLab, post, type HttpLab } from "../../support/http-lab.js";
import { fault, turns, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

/** What comes behind a first request whose bytes are still held. */
const SECOND = { "a request": get("/second"), "one with a body": post("/second", "0123456789") };

describe.each(Object.entries(SECOND))(
  "%s that a fault holds behind bytes that another one holds",
  (_, second) => {
    it("is carried out for nobody when its client has left by an RST", async () => {
      const { lab: made, time } = httpTimeLab();
      lab = made;
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port);
      lab.use([
        fault("http_delay", { delay: "5s" }, { match: [{ path: ["/second"] }] }),
        fault("latency", { delay: "30s" }, { directions: "upstream" }),
      ]);
      const client = lab.client(proxy);
      client.write(get("/first"));
      const server = await upstream.next();
      await until(() => lab.facts.of("fault_hit").some(({ type }) => type === "latency"));
      client.write(second);
      await until(() => lab.facts.of("fault_hit").some(({ type }) => type === "http_delay"));
      await turns(5);
      client.socket.resetAndDestroy();
      for (let seconds = 0; seconds < 60 && proxy.stats.connectionsActive > 0; seconds++) {
        await turns(5);
        time.advance(1_000);
      }
      await until(() => proxy.stats.connectionsActive === 0);
      expect(lab.facts.of("mistake")).toEqual([]);
      expect(server.text).toBe(get("/first"));
      expect(proxy.exchanges.upstreamRequests).toBe(1);
      expect(lab.facts.of("exchange_over").map(({ end }) => end)).toEqual(["client_left", "client_left"]);
    });
  },
);
