/** A short form of the long run in test/long: profiles come and go under busy connections. */
import { expect, it } from "vitest";
import { fault, timeLab, turns, until } from "../../support/lab.js";
import { scaled } from "../../support/scope.js";
import { CLEAN, switchUnderLoad } from "../../support/switching.js";

const CLIENTS = scaled(60, 200);
const SWITCHES = scaled(50, 100);

it(`loses, doubles and swaps no byte, and leaks nothing, when profiles are switched ${SWITCHES} times under ${CLIENTS} busy connections`, async () => {
  const result = await switchUnderLoad(CLIENTS, async (switches) => {
    await turns(2);
    return switches < SWITCHES;
  });
  expect(result).toMatchObject(CLEAN);
  expect(result.bindings).toBeGreaterThan((CLIENTS * SWITCHES) / 5);
  expect(result.bytes).toBeGreaterThan(0);
});

it.each(["upstream", "downstream"] as const)(
  "lets no fault act on what another one hands over %s when both are taken away at once",
  async (direction) => {
    const { lab, time } = timeLab();
    try {
      const received: Buffer[] = [];
      const port = await lab.server((socket) => {
        socket.on("data", (chunk: Buffer) => {
          received.push(chunk);
          if (direction === "downstream") socket.write(chunk);
        });
      });
      const proxy = await lab.proxy(port);
      const order = { directions: direction };
      lab.use([fault("latency", { delay: "10s" }, order), fault("corrupt", { rate: "100%" }, order)]);
      const client = lab.client(proxy);
      client.write("as it was sent");
      await until(() => proxy.stats.bytesIn[direction] === 14);
      time.advance(1_000);
      lab.use([]);
      await until(() => (direction === "upstream" ? Buffer.concat(received).length : client.length) === 14);
      expect(direction === "upstream" ? Buffer.concat(received).toString() : client.text).toBe(
        "as it was sent",
      );
      expect(lab.facts.of("fault_hit").map(({ type }) => type)).toEqual(["latency"]);
    } finally {
      await lab.close();
    }
  },
);
