/** Requests that never arrive, by the upstream's own record and by what a client sees on its socket. */
import { afterEach, describe, expect, it } from "vitest";
import type { HttpProxy } from "../../../../src/proxy/http/proxy.js";
import { fault, turns, until } from "../../../support/lab.js";
import {
  answerTo,
  answersTo,
  chunked,
  get,
  httpTimeLab,
  ok,
  post,
  type HttpLab,
  type ScriptedServer,
} from "../../../support/http-lab.js";

let lab: HttpLab;
let proxy: HttpProxy;
let server: ScriptedServer;

async function setUp(
  params: Record<string, unknown>,
  match: object[] = [{ path: ["/lost"] }],
): Promise<void> {
  ({ lab } = httpTimeLab());
  server = await lab.scripted((request) => ok(`did ${request.target}`));
  proxy = await lab.http(server.port);
  lab.use([fault("lost_request", params, { match: match as never })]);
}

afterEach(async () => {
  await lab.close();
});

const arrived = (): string[] => server.requests.map(({ method, target }) => `${method} ${target}`);
const MIB = "x".repeat(2 ** 20);
const BODIES = {
  "no body": get("/lost"),
  "a small body": post("/lost", "work"),
  "a body of 1 MiB": post("/lost", MIB),
  "a chunked body": `POST /lost HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(["wo", "rk"])}`,
  "a chunked body of 1 MiB": `POST /lost HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunked([MIB])}`,
  "a head that waits for 100 Continue": `POST /lost HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`,
} as const;

describe("lost_request", () => {
  for (const [name, request] of Object.entries(BODIES)) {
    it.each([
      ["reset", "reset", "reset"],
      ["close", "fin", "closed"],
    ])(
      `keeps ${name} from the upstream, and the client sees a %s without a byte`,
      async (then, end, told) => {
        await setUp({ then });
        const client = lab.client(proxy);
        client.write(request);
        // Where it is closed while it still sends, the kernel may say so with an RST; of a small request nothing is left to be said.
        const seen = await client.ended;
        if (request.length < 1_000) expect(seen).toBe(end);
        expect(client.length).toBe(0);
        client.fin();
        await until(() => lab.facts.of("exchange_over").length === 1);
        expect(lab.facts.of("exchange_over")).toMatchObject([
          {
            upstream_status: null,
            upstream_ms: null,
            client_status: null,
            faults: ["lost_request"],
            end: told,
          },
        ]);
        expect(lab.facts.hits()).toEqual(["lost_request lost 127.0.0.1"]);
        expect(arrived()).toEqual([]);
        expect(proxy.exchanges.upstreamRequests).toBe(0);
      },
    );

    it(`keeps ${name} from the upstream, and responds with a status in its place`, async () => {
      await setUp({ then: "status", status: 503 });
      const client = lab.client(proxy);
      client.write(request);
      expect((await answerTo(client)).head).toContain("503");
      client.fin();
      await until(() => lab.facts.of("exchange_over").length === 1);
      expect(lab.facts.of("exchange_over")).toMatchObject([{ upstream_status: null, client_status: 503 }]);
      expect(arrived()).toEqual([]);
    });

    it(`keeps ${name} from the upstream, and nothing comes until the client leaves`, async () => {
      await setUp({ then: "hang" });
      const client = lab.client(proxy);
      client.write(request);
      await until(() => lab.facts.of("fault_hit").length === 1);
      await turns();
      expect(client.length).toBe(0);
      expect(arrived()).toEqual([]);
      if (request.length > 1_000) {
        // Most of it waits in the client: healed, all of it arrives.
        lab.heal();
        await until(() => server.requests.length === 1);
        expect(server.requests[0]?.body).toHaveLength(MIB.length);
        return;
      }
      client.rst();
      await until(() => lab.facts.of("exchange_over").length === 1);
      expect(lab.facts.of("exchange_over")).toMatchObject([{ upstream_status: null, end: "client_left" }]);
      expect(arrived()).toEqual([]);
    });
  }

  it("leaves the connection and its other requests alone where it responds with a status", async () => {
    await setUp({ then: "status" });
    const client = lab.client(proxy);
    client.write(get("/a"));
    const { end } = await answerTo(client);
    // The small body of the lost one is read and thrown away, and the next head found behind it.
    client.write(post("/lost", "work") + get("/b") + post("/c", "more"));
    const answers = await answersTo(client, 3, end);
    expect(answers.map(({ head }) => head.split(" ")[1])).toEqual(["502", "200", "200"]);
    expect(arrived()).toEqual(["GET /a", "GET /b", "POST /c"]);
  });

  it("lets the answers before it through, and nothing that was pipelined behind it", async () => {
    await setUp({ then: "reset" });
    const client = lab.client(proxy);
    client.write(get("/a") + post("/lost", "work") + get("/b"));
    await client.ended;
    await until(() => lab.facts.of("exchange_over").some(({ exchange }) => exchange.path === "/lost"));
    expect(arrived()).toEqual(["GET /a"]);
    expect(client.text).toContain("did /a");
    expect(client.text).not.toContain("did /b");
  });

  it("goes on to the upstream when it is healed while it hangs", async () => {
    await setUp({ then: "hang" });
    const client = lab.client(proxy);
    client.write(post("/lost", "work"));
    await until(() => lab.facts.of("fault_hit").length === 1);
    lab.heal();
    expect((await answerTo(client)).body).toBe("did /lost");
    expect(arrived()).toEqual(["POST /lost"]);
  });

  it("sends no copy of what is lost, whichever fault comes first", async () => {
    for (const order of [0, 1]) {
      await setUp({});
      const both = [fault("lost_request"), fault("duplicate_request", { times: 2 })];
      lab.use(order === 0 ? both : both.toReversed());
      const client = lab.client(proxy);
      client.write(post("/lost", "work"));
      expect(await client.ended).toBe("reset");
      await turns();
      expect(arrived()).toEqual([]);
      if (order === 0) await lab.close();
    }
  });

  it.each([
    ["lost_request", []],
    ["lost_response", ["POST /jobs", "POST /jobs", "POST /jobs"]],
  ] as const)(
    "%s hits the retries of what it hit where it follows them, and nothing else",
    async (type, done) => {
      await setUp({});
      lab.use([fault(type, {}, { when: { only: [1], per: ["bot", "route"], follow: "retries" } })]);
      const ask = async (request: string): Promise<string> => {
        const client = lab.client(proxy);
        client.write(request);
        const end = await Promise.race([client.ended, answerTo(client).catch(() => null)]);
        client.fin();
        return typeof end === "object" && end !== null && "body" in end ? end.body : "reset";
      };
      const work = post("/jobs", "work", ["Idempotency-Key: 1"]);
      for (let attempt = 0; attempt < 3; attempt++) expect(await ask(work)).toBe("reset");
      expect(await ask(post("/jobs", "work", ["Idempotency-Key: 2"]))).toBe("did /jobs");
      expect(arrived()).toEqual([...done, "POST /jobs"]);
      lab.heal();
      const book = lab.facts.of("activation_ended").at(-1)?.faults[0];
      expect([book?.matched, book?.hits]).toEqual([4, 3]);
      // Without a key: the same request is one, and another length is not.
      lab.use([fault(type, {}, { when: { only: [1], per: ["bot", "route"], follow: "retries" } })]);
      expect(await ask(post("/jobs", "work"))).toBe("reset");
      expect(await ask(post("/jobs", "works"))).toBe("did /jobs");
      expect(await ask(post("/jobs", "work"))).toBe("reset");
      // One of the same length with another body is another request.
      expect(await ask(post("/jobs", "rest"))).toBe("did /jobs");
    },
  );

  it("knows a retry by its length alone where its body comes behind its head, in pieces", async () => {
    await setUp({});
    lab.use([fault("lost_request", {}, { when: { only: [1], per: ["bot", "route"], follow: "retries" } })]);
    const ask = async (body: string, inPieces: boolean): Promise<string> => {
      const client = lab.client(proxy);
      const request = post("/jobs", body);
      const from = request.length - 2;
      const before = lab.facts.of("fault_hit").length;
      client.write(inPieces ? request.slice(0, from) : request);
      if (inPieces) {
        await turns();
        if (lab.facts.of("fault_hit").length === before) client.write(request.slice(from));
      }
      const end = await Promise.race([client.ended, answerTo(client).catch(() => null)]);
      client.fin();
      return typeof end === "object" && end !== null && "body" in end ? end.body : "reset";
    };
    expect(await ask("work", false)).toBe("reset");
    expect(await ask("rest", false)).toBe("did /jobs");
    expect(await ask("work", true)).toBe("reset");
    // From then on one body is not known, and any of that length may be a retry.
    expect(await ask("rest", true)).toBe("reset");
  });

  it("does nothing where it only observes", async () => {
    await setUp({});
    lab.use([fault("lost_request")], { mode: "observe" });
    const client = lab.client(proxy);
    client.write(post("/lost", "work"));
    expect((await answerTo(client)).body).toBe("did /lost");
    expect(lab.facts.of("fault_hit")).toMatchObject([{ observed: true, detail: { would: "lost" } }]);
  });
});
