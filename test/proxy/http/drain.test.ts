/** A proxy that is about to go gives every exchange that is under way its whole answer before it closes. */
import { afterEach, describe, expect, it } from "vitest";
import { chunked, get, httpTimeLab, ok, type HttpLab, type RawRequest } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  await lab.close();
});

const ANSWERS = {
  "in one piece": ok("whole"),
  "without a body": "HTTP/1.1 204 No Content\r\n\r\n",
  "in chunks": `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["one", "two"])}`,
};
const UNDER = {
  "no fault": [],
  "a fault that asks": [fault("http_delay", { delay: "0ms" })],
  "a fault on its bytes": [fault("latency", { delay: "0ms" })],
};

describe("draining", () => {
  for (const [form, answer] of Object.entries(ANSWERS)) {
    for (const [under, faults] of Object.entries(UNDER)) {
      it(`sends an answer ${form} to its end under ${under}, and closes behind it`, async () => {
        const timed = httpTimeLab();
        lab = timed.lab;
        const asked: RawRequest[] = [];
        const server = await lab.scripted((request) => {
          asked.push(request);
          return undefined;
        });
        const proxy = await lab.http(server.port);
        lab.use(faults);
        const client = lab.client(proxy);
        client.write(get("/job"));
        await until(() => asked.length === 1);
        const drained = proxy.drain(timed.time.now() + 10_000);
        asked[0]?.peer.write(answer);
        expect(await client.ended).toBe("fin");
        expect(client.text).toBe(answer);
        client.fin();
        expect(await drained).toBe(0);
      });
    }
  }
});
