/** A client that leaves a pool: each connection to an upstream that it has used ends with it. */
import { afterEach, describe, expect, it } from "vitest";
import { answersTo, get, HttpLab, ok, type ScriptedServer } from "../../support/http-lab.js";
import { fault, until, type Client } from "../../support/lab.js";
import type { HttpProxy } from "../../../src/proxy/http/proxy.js";

let lab: HttpLab;
afterEach(() => lab.close());

async function pool(servers: readonly ScriptedServer[]): Promise<HttpProxy> {
  const members = servers.map(({ port }, n) => ({ name: `s${n}`, host: "127.0.0.1", port }));
  return lab.http(members[0]?.port ?? 0, {
    pool: { members, balance: "round_robin", health: null, eject: null, seed: 1 },
  });
}

describe("a kept connection to a pool", () => {
  it.each([1, 2, 3, 4])(
    "is over when its client ends it after %i requests, and so are all behind it",
    async (count) => {
      lab = new HttpLab();
      const servers = [await lab.scripted(), await lab.scripted(), await lab.scripted()];
      const proxy = await pool(servers);
      const client = lab.client(proxy);
      for (let n = 1; n <= count; n++) {
        client.write(get("/"));
        await answersTo(client, n);
      }
      client.fin();
      expect(await client.ended).toBe("fin");
      await until(() => proxy.stats.connectionsActive === 0);
      const peers = servers.flatMap((server) => server.peers);
      expect(peers).toHaveLength(Math.min(count, 3));
      for (const peer of peers) expect(await peer.ended).toBe("fin");
      expect(lab.context.slots.taken).toBe(0);
    },
  );

  it("is over although an upstream that is idle does not care", async () => {
    lab = new HttpLab();
    const stubborn = {
      requests: [],
      peers: [],
      // Answers, and never closes.
      port: await lab.server((socket) => {
        socket.on("data", () => socket.write(ok("stubborn")));
      }),
    };
    const proxy = await pool([stubborn, await lab.scripted()]);
    const client = lab.client(proxy);
    for (let n = 1; n <= 2; n++) {
      client.write(get("/"));
      await answersTo(client, n);
    }
    client.fin();
    expect(await client.ended).toBe("fin");
    await until(() => proxy.stats.connectionsActive === 0);
  });

  it("lives on when an upstream closes and its client has not", async () => {
    lab = new HttpLab();
    const servers = [await lab.scripted(), await lab.scripted()];
    const proxy = await pool(servers);
    const client = lab.client(proxy);
    client.write(get("/"));
    await answersTo(client, 1);
    servers[0]?.peers[0]?.fin();
    await until(() => servers[0]?.peers[0]?.end === "fin");
    client.write(get("/"));
    await answersTo(client, 2);
    client.write(get("/"));
    await answersTo(client, 3);
    expect(servers.map(({ peers }) => peers.length)).toEqual([2, 1]);
  });
});

describe("an idle connection to an upstream", () => {
  it.each([
    ["drain", "fin", { grace: "1h" }],
    ["flap", "reset", { targets: ["s0"], pattern: ["down 1h", "up 1h"] }],
  ])("hears at once of a %s, by a %s", async (type, end, params) => {
    lab = new HttpLab();
    const servers = [await lab.scripted(() => ok("first")), await lab.scripted(() => ok("second"))];
    const proxy = await pool(servers);
    const client = lab.client(proxy);
    client.write(get("/"));
    await answersTo(client, 1);
    lab.use([fault(type, params)]);
    expect(await servers[0]?.peers[0]?.ended).toBe(end);
    expect(client.end).toBeNull();
  });
});

describe("a connection of unknown bytes through a pool", () => {
  it("counts for its upstream until it is over, and not any longer", async () => {
    lab = new HttpLab();
    const servers = [await lab.upstream(), await lab.upstream()];
    const members = servers.map(({ port }, n) => ({ name: `s${n}`, host: "127.0.0.1", port }));
    const proxy = await lab.http(members[0]?.port ?? 0, {
      pool: { members, balance: "least_connections", health: null, eject: null, seed: 1 },
    });
    const open = async (): Promise<{ at: number; client: Client }> => {
      const before = servers.map(({ accepted }) => accepted.length);
      const client = lab.client(proxy);
      client.write("\x16\x03\x01\0\x05hello");
      const chosen = (): number => servers.findIndex(({ accepted }, n) => accepted.length > (before[n] ?? 0));
      await until(() => chosen() >= 0);
      return { at: chosen(), client };
    };
    const first = await open();
    const second = await open();
    expect([first.at, second.at]).toEqual([0, 1]);
    second.client.rst();
    await until(() => proxy.stats.connectionsActive === 1);
    // Not the next in turn, but the one that has nothing to do.
    expect((await open()).at).toBe(1);
  });
});
