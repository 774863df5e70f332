/** What a client says behind the end that it has been told: of what it had begun the rest goes on, and nothing new begins. */
import { afterEach, describe, expect, it } from "vitest";
import { get, httpTimeLab, post, type HttpLab } from "../../support/http-lab.js";
import { fault, turns, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

/** The rest of the body, and what follows it. */
const BEHIND = {
  "no head": " HTTP/1.1\r\nHost\r\n\r\n",
  "half a head": "GET /second HTTP/1.1\r\nHost",
  "another request": get("/second"),
  "an Upgrade": get("/second", ["Connection: Upgrade", "Upgrade: websocket"]),
  "a CONNECT": "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n",
  "bytes of another protocol": "\x16\x03\x01\0\x05hello",
};
const FAULTS = {
  "no fault": [],
  "a byte fault": [fault("latency", { delay: "1ms" })],
  "a byte fault that holds the end": [fault("latency", { delay: "1s" }, { directions: "downstream" })],
};

describe.each(Object.entries(FAULTS))("with %s in force", (_, faults) => {
  describe.each(["relay", "reject"] as const)("and what is no HTTP to be handled by %s", (ambiguous) => {
    it.each(Object.entries(BEHIND))("%s behind the end goes to nobody", async (_what, behind) => {
      const { lab: made, time } = httpTimeLab();
      lab = made;
      const upstream = await lab.upstream();
      const proxy = await lab.http(upstream.port, { ambiguous });
      lab.use(faults);
      const client = lab.client(proxy);
      client.write(post("/first", "0123456789").slice(0, -5));
      await turns(5);
      time.advance(10);
      const server = await upstream.next();
      await until(() => server.text.endsWith("01234"));
      // The end that the client is told: its upstream has gone without a word.
      server.fin();
      await until(() => lab.facts.of("connection_failed").length > 0);
      await turns(5);
      client.write(`56789${behind}`);
      for (let seconds = 0; seconds < 20 && proxy.stats.connectionsActive > 0; seconds++) {
        await turns(5);
        time.advance(500);
      }
      client.fin();
      await until(() => proxy.stats.connectionsActive === 0);
      expect(lab.facts.of("mistake")).toEqual([]);
      expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual(["upstream_closed"]);
      expect(client.text).toBe("");
      expect(proxy.exchanges.upstreamRequests).toBe(1);
      expect(upstream.accepted.length).toBe(1);
    });
  });
});
