/** One client connection and its one upstream connection: requests in order, as they would be without a proxy between. */
import { afterEach, describe, expect, it } from "vitest";
import { answersTo, chunked, get, HttpLab, ok, post } from "../../support/http-lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

describe("a connection that is kept alive", () => {
  it("carries exchanges one after the other over one upstream connection", async () => {
    lab = new HttpLab();
    const server = await lab.scripted(({ target, body }) =>
      target === "/chunked"
        ? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["one", "two"])}`
        : ok(`${target} ${body}`),
    );
    const proxy = await lab.http(server.port);
    const client = lab.client(proxy);
    client.write(get("/a"));
    const [a] = await answersTo(client, 1);
    client.write(post("/b", "body"));
    const [, b] = await answersTo(client, 2);
    client.write(get("/chunked"));
    const [, , c] = await answersTo(client, 3);
    expect([a?.body, b?.body, c?.body]).toEqual(["/a ", "/b body", "onetwo"]);
    expect(server.peers).toHaveLength(1);
    expect(lab.facts.of("connection_failed")).toEqual([]);
  });
});
