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

it("hands nothing over to a fault that has destroyed bytes and goes at once with the one that held more", async () => {
  const { lab, time } = timeLab();
  try {
    const received: Buffer[] = [];
    const port = await lab.server((socket) => {
      socket.on("error", () => undefined).on("data", (chunk: Buffer) => received.push(chunk));
    });
    const proxy = await lab.proxy(port);
    lab.use([fault("latency", { delay: "10s" }, { directions: "upstream" }), fault("timeout")]);
    const client = lab.client(proxy);
    client.write("lost");
    await until(() => proxy.stats.bytesIn.upstream === 4);
    time.advance(10_000);
    client.write("held");
    await until(() => proxy.stats.bytesIn.upstream === 8);
    const book = proxy.faults.find(({ type }) => type.type === "timeout")?.book;
    lab.use([]);
    await until(() => client.end !== null);
    expect(book?.effects).toMatchObject({ swallowed: 4 });
    expect(client.end).toBe("fin");
    expect(Buffer.concat(received).toString()).toBe("");
    const told = lab.facts.all.filter((fact) => "type" in fact && fact.type === "timeout");
    expect(told.map(({ kind }) => kind)).toEqual(["fault_hit"]);
    expect(lab.facts.of("fault_hit").find(({ type }) => type === "timeout")).toMatchObject({ amount: 4 });
    expect(lab.facts.of("mistake")).toEqual([]);
  } finally {
    await lab.close();
  }
});
