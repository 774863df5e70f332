/** A client that has ended its side and still reads is told of as what it saw: the answer that a fault cut, with its status. */
import { afterEach, describe, expect, it } from "vitest";
import { get, HttpLab, ok } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const BODY = "x".repeat(2_000);

describe("a client that half-closed is told as cut, with its status, where its answer is ended by", () => {
  it.each([
    ["cut", { after: "300B", then: "close" }],
    ["cut", { after: "300B", then: "reset" }],
    ["reset", { after: "300B" }],
    ["truncate", { after: "300B", then: "close" }],
    ["truncate", { after: "300B", then: "reset" }],
    ["http_truncate", { after: "100B" }],
  ] as const)("%s %o", async (type, params) => {
    lab = new HttpLab();
    const server = await lab.scripted(() => ok(BODY));
    const proxy = await lab.http(server.port);
    lab.use([fault(type, params)]);
    const client = lab.client(proxy);
    client.write(get("/"));
    client.fin();
    await client.ended;
    expect(client.text).toMatch(/^HTTP\/1\.1 200 /u);
    expect(client.text.length).toBeLessThan(BODY.length);
    await until(() => lab.facts.of("exchange_over").length > 0);
    expect(lab.facts.of("exchange_over")[0]).toMatchObject({ client_status: 200, end: "cut" });
  });
});
