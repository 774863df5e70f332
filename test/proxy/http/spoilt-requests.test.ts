/** A server that resets because of bytes that a fault spoilt has failed by itself: nobody but the server knows why it did, so it counts. */
import { afterEach, expect, it } from "vitest";
import { get, HttpLab } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

it("counts as upstream_reset, beside what the fault spoilt", async () => {
  lab = new HttpLab();
  let heard = "";
  const port = await lab.server((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
      socket.resetAndDestroy();
    });
  });
  const proxy = await lab.http(port);
  lab.use([fault("corrupt", { rate: "100%" }, { directions: "upstream" })]);
  const client = lab.client(proxy);
  client.write(get("/"));
  expect(await client.ended).toBe("reset");
  await until(() => lab.facts.of("exchange_over").length > 0);
  expect(heard).not.toContain("GET");
  expect(proxy.stats.errors.get("upstream_reset")).toBe(1);
  const [book] = [...lab.ledger.books()];
  expect(book?.effects["corrupted"]).toBe(get("/").length);
});
