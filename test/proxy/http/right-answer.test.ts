/** Each byte of a request goes to the upstream that got its head, and each answer to the request that it belongs to, whole or not at all. */
import { afterEach, describe, expect, it } from "vitest";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";
import {
  answersTo,
  answerTo,
  get,
  HttpLab,
  httpTimeLab,
  ok,
  post,
  said,
  type Script,
} from "../../support/http-lab.js";
import { fault, turns, until } from "../../support/lab.js";

let lab: HttpLab;
afterEach(async () => {
  expect(lab.facts.of("mistake")).toEqual([]);
  await lab.close();
});

const tagged: Script = ({ target }) => ok(target);

async function pool(a: Script = tagged, b: Script = tagged) {
  const servers = [await lab.scripted(a), await lab.scripted(b)] as const;
  const members = servers.map(({ port }, index) => ({ name: "ab"[index] ?? "", host: "127.0.0.1", port }));
  const proxy = await lab.http(servers[0].port, {
    pool: { members, balance: "round_robin", health: null, eject: null, seed: 1 },
  });
  return { proxy, a: servers[0], b: servers[1] };
}

describe("in a pool, the body of a request", () => {
  it("goes to its end where its head went, though it was answered early and another upstream is next", async () => {
    lab = new HttpLab();
    const upstreams = [await lab.upstream(), await lab.upstream()];
    const members = upstreams.map(({ port }, index) => ({
      name: "ab"[index] ?? "",
      host: "127.0.0.1",
      port,
    }));
    const proxy = await lab.http(0, {
      pool: { members, balance: "round_robin", health: null, eject: null, seed: 1 },
    });
    const client = lab.client(proxy);
    const peers = [];
    for (const upstream of upstreams) {
      const from = client.length;
      client.write(get("/warm"));
      const peer = await upstream.next();
      peers.push(peer);
      peer.write(ok("warm"));
      await answerTo(client, { from });
    }
    const [a, b] = peers;
    if (a === undefined || b === undefined) throw new Error("not both were asked");
    const body = `${"x".repeat(20)}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n`;
    const request = post("/early", body);
    const half = request.length - 40;
    let from = client.length;
    client.write(request.slice(0, half));
    await said(a, "/early");
    a.write(ok("early"));
    from = (await answerTo(client, { from })).end;
    client.write(request.slice(half) + get("/next"));
    await said(b, "/next");
    expect(b.text).not.toContain("smuggled");
    await said(a, request);
    b.write(ok("next"));
    expect((await answerTo(client, { from })).body).toBe("next");
  });

  for (const balances of [true, false]) {
    it(`waits for its head ${balances ? "in a pool" : "alone"}, though an answer before it is given up meanwhile`, async () => {
      const made = httpTimeLab();
      ({ lab } = made);
      let release: () => void = () => undefined;
      const slow: Script = ({ target, peer }) => {
        if (target !== "/lost") return ok(target);
        release = () => {
          peer.write(ok("lost"));
        };
        return undefined;
      };
      const made2 = balances ? await pool(slow, slow) : null;
      const alone = made2 === null ? await lab.scripted(slow) : null;
      const proxy: HttpProxy = made2?.proxy ?? (await lab.http(alone?.port ?? 0));
      lab.use([
        fault("lost_response", { then: "status" }, { match: [{ path: ["/lost"] }] }),
        fault("http_delay", { delay: "50ms" }, { match: [{ path: ["/slow"] }] }),
      ]);
      const client = lab.client(proxy);
      client.write(get("/lost") + post("/slow", "the body"));
      await until(() => lab.facts.of("fault_hit").length >= 1);
      await turns();
      release();
      const first = await answerTo(client);
      expect(first.head).toContain(" 502 ");
      await turns();
      made.time.advance(60);
      expect((await answerTo(client, { from: first.end })).body).toBe("/slow");
      const all = made2 === null ? (alone?.requests ?? []) : [...made2.a.requests, ...made2.b.requests];
      expect(all.find(({ target }) => target === "/slow")?.body).toBe("the body");
    });
  }
});

const LASTING = "HTTP/1.1 200 OK\r\n\r\nas long as it lasts";

describe("an answer that lasts until its connection ends", () => {
  const lasts: Script = ({ target, peer }) => {
    if (target !== "/lasting") return ok(target);
    peer.write(LASTING);
    peer.fin();
    return undefined;
  };

  for (const requests of [get("/lasting"), get("/lasting") + get("/next")]) {
    it(`in a pool ends for the client ${requests.includes("next") ? "before the next one" : "as well"}`, async () => {
      lab = new HttpLab();
      const { proxy } = await pool(lasts, lasts);
      const client = lab.client(proxy);
      client.write(requests);
      expect(await client.ended).toBe("fin");
      expect(client.text).toBe(LASTING);
    });
  }

  it("ends for the client though the next request is answered by a fault", async () => {
    lab = new HttpLab();
    const { port } = await lab.scripted(lasts);
    const proxy = await lab.http(port);
    lab.use([fault("http_status", { status: 503 }, { match: [{ path: ["/next"] }] })]);
    const client = lab.client(proxy);
    client.write(get("/lasting") + get("/next"));
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe(LASTING);
  });

  it("ends for the client though a persona has words for those whose upstream is gone", async () => {
    lab = new HttpLab();
    const { port } = await lab.scripted(lasts);
    const proxy = await lab.http(port, { persona: "nginx" });
    const client = lab.client(proxy);
    client.write(get("/lasting") + get("/next"));
    expect(await client.ended).toBe("fin");
    expect(client.text).toBe(LASTING);
  });
});

describe("in a pool, a connection ends behind an answer", () => {
  for (const [what, request] of [
    ["to an HTTP/1.0 client", "GET /old HTTP/1.0\r\n\r\n"],
    ["to Connection: close", get("/last", ["Connection: close"])],
  ] as const) {
    it(what, async () => {
      lab = new HttpLab();
      const { proxy } = await pool();
      const client = lab.client(proxy);
      client.write(request);
      expect(await client.ended).toBe("fin");
      expect(client.text).toContain(" 200 ");
    });
  }
});

describe("an answer without a body, held back by", () => {
  const bodyless: Script = ({ method, target }) => {
    if (target.startsWith("/204")) return `HTTP/1.1 204 No Content\r\nX-Tag: ${target}\r\n\r\n`;
    if (target.startsWith("/304")) return `HTTP/1.1 304 Not Modified\r\nX-Tag: ${target}\r\n\r\n`;
    if (method === "HEAD") return `HTTP/1.1 200 OK\r\nX-Tag: ${target}\r\nContent-Length: 7\r\n\r\n`;
    return ok(target, [`X-Tag: ${target}`]);
  };
  const HOLDS = {
    "late_response": fault("late_response", { hold: "20ms" }),
    "http_delay at after": fault("http_delay", { delay: "20ms" }, { at: "after" }),
    "lost_response with hang, until it is healed": fault("lost_response", { then: "hang" }),
  };
  for (const [name, held] of Object.entries(HOLDS)) {
    for (const balances of [false, true]) {
      for (const request of [get("/204"), get("/304"), get("/head").replace("GET", "HEAD")]) {
        const what = `${request.split(" HTTP")[0] ?? ""}${balances ? " in a pool" : ""}`;
        it(`${name}, to ${what} comes, and before the next one`, async () => {
          const made = httpTimeLab();
          ({ lab } = made);
          const proxy = balances
            ? (await pool(bodyless, bodyless)).proxy
            : await lab.http((await lab.scripted(bodyless)).port);
          lab.use([{ ...held, match: [{ path: ["/204", "/304", "/head"] }] }]);
          const client = lab.client(proxy);
          client.write(request + get("/next"));
          await until(() => lab.facts.of("fault_hit").length > 0);
          await turns();
          expect(client.text).toBe("");
          if (name.startsWith("lost")) lab.plan.end(() => true, "healed");
          else made.time.advance(25);
          const head = request.startsWith("HEAD");
          const first = await answerTo(client, { head });
          expect(first.head).toContain(`X-Tag: ${request.split(" ")[1] ?? ""}`);
          const [second] = await answersTo(client, 1, first.end);
          expect(second?.body).toBe("/next");
          client.fin();
          await client.ended;
        });
      }
    }
  }

  it("late_response, to a client that leaves, leaves nothing behind", async () => {
    lab = new HttpLab();
    const { port } = await lab.scripted(bodyless);
    const proxy = await lab.http(port);
    lab.use([fault("late_response", { hold: "1h" })]);
    const client = lab.client(proxy);
    client.write(get("/204"));
    await until(() => lab.facts.of("fault_hit").length > 0);
    client.rst();
    await until(() => proxy.stats.connectionsActive === 0);
    await until(() => lab.facts.of("exchange_over").length === 1);
  });
});
