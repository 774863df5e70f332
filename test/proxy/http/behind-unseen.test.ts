/** An upstream that dies while it still answers what nobody waits for: whoever waits behind that hears of it. */
import { afterEach, describe, expect, it } from "vitest";
import { answersTo, answerTo, get, HttpLab, ok, said } from "../../support/http-lab.js";
import { fault, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

/** What the client does not see, on its connection's only upstream, before the answer that it waits for. */
const ON_A = { match: [{ path: ["/a"] }] };
const UNSEEN = {
  "the answer to a copy": {
    fault: fault("duplicate_request", { same_connection: true }, ON_A),
    sent: get("/a") + get("/a"),
    answer: ok("a"),
    garbled: `${ok("a")}SMTP ready\r\n\r\n`,
  },
  "an answer that was replaced": {
    fault: fault("lost_response", { then: "status", status: 504 }, ON_A),
    sent: get("/a"),
    answer: ok("a").slice(0, -1),
    garbled: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
  },
} as const;

/** A client whose second request is with the upstream, which has not answered the first as far as it is to. */
async function waitingBehind(
  unseen: (typeof UNSEEN)[keyof typeof UNSEEN],
  settings: Parameters<HttpLab["http"]>[1] = {},
) {
  lab = new HttpLab();
  const upstream = await lab.upstream();
  const proxy = await lab.http(upstream.port, settings);
  lab.use([unseen.fault]);
  const client = lab.client(proxy);
  client.write(get("/a"));
  const peer = await upstream.next();
  await until(() => peer.text === unseen.sent);
  client.write(get("/b"));
  await said(peer, "/b");
  return { client, peer, proxy, upstream };
}

describe("an upstream that dies in the middle of", () => {
  for (const [what, unseen] of Object.entries(UNSEEN)) {
    for (const how of ["fin", "rst"] as const) {
      it(`${what}, by ${how}, takes the next request with it`, async () => {
        const { client, peer, proxy } = await waitingBehind(unseen);
        peer.write(unseen.answer);
        const first = await answerTo(client);
        peer[how === "fin" ? "fin" : "rst"]();
        expect(await client.ended).toBe(how === "fin" ? "fin" : "reset");
        expect(client.length).toBe(first.end);
        client.fin();
        await until(() => proxy.stats.connectionsActive === 0);
        expect(lab.facts.of("connection_failed").map(({ reason }) => reason)).toEqual([
          how === "fin" ? "upstream_closed" : "upstream_reset",
        ]);
      });

      it(`${what}, by ${how}, is a persona's 502 to the next request`, async () => {
        const { client, peer, upstream } = await waitingBehind(unseen, { persona: "nginx" });
        peer.write(unseen.answer);
        await answerTo(client);
        peer[how === "fin" ? "fin" : "rst"]();
        const [, second] = await answersTo(client, 2);
        expect(second?.head).toMatch(/^HTTP\/1\.1 502 /u);
        client.write(get("/c"));
        (await upstream.next()).write(ok("c"));
        await said(client, "c");
      });
    }
  }

  for (const [what, unseen] of Object.entries(UNSEEN)) {
    it(`${what}, by saying what cannot be read, leaves the next request a 502`, async () => {
      const { client, peer } = await waitingBehind(unseen);
      peer.write(unseen.garbled);
      const [, second] = await answersTo(client, 2);
      expect(second?.head).toMatch(/^HTTP\/1\.1 502 [^]*connection: close\r\n/iu);
      expect(await client.ended).toBe("fin");
      expect(await peer.ended).toBe("fin");
    });
  }

  it("the answer to a copy leaves the client of a pool its connection", async () => {
    lab = new HttpLab();
    const first = await lab.upstream();
    const second = await lab.scripted(() => ok("second"));
    const members = [first, second].map(({ port }, n) => ({ name: `s${n}`, host: "127.0.0.1", port }));
    const proxy = await lab.http(first.port, {
      pool: { members, balance: "round_robin", health: null, eject: null, seed: 1 },
    });
    lab.use([fault("duplicate_request", { same_connection: true }, { when: { count: 1 } })]);
    const client = lab.client(proxy);
    client.write(get("/a"));
    const peer = await first.next();
    await until(() => peer.text === get("/a") + get("/a"));
    peer.write(ok("first"));
    await said(client, "first");
    peer.rst();
    await until(() => lab.facts.of("connection_failed").length === 1);
    client.write(get("/b"));
    await said(client, "second");
    expect(client.end).toBeNull();
  });
});
