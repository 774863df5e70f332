/** Ports that somebody else has, over the real command: at the start, by the API, at a reload, and taken while nobody looked. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSquall } from "../../src/index.js";
import { command } from "../support/command-here.js";
import { getJson, Workshop, type Json } from "../support/process.js";

let shop: Workshop;
const ends: (() => void)[] = [];
const stops: (() => Promise<void>)[] = [];

beforeEach(() => {
  shop = new Workshop();
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  for (const stop of stops.splice(0)) await stop();
  await shop.close();
});

/** Somebody who listens there; it answers with its name. */
async function occupy(name: string, port = 0): Promise<{ readonly port: number; leave(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.end(name);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  ends.push(close);
  return {
    port: (server.address() as AddressInfo).port,
    leave: async () => {
      const closed = once(server, "close");
      close();
      await closed;
    },
  };
}

async function whoIsAt(port: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

/** A Squall in this process, with one proxy. */
async function here(upstream: number): Promise<string> {
  const squall = await startSquall({ proxies: { jobs: { upstream: `tcp://127.0.0.1:${upstream}` } } });
  stops.push(() => squall.stop());
  return squall.adminUrl;
}

const post = (body: Json): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

describe("a port that is taken", () => {
  it("at the start ends the command with a message that says which and whose", async () => {
    const { port } = await occupy("other");
    const free = await occupy("upstream");
    const file = shop.file(
      "proxies.json",
      JSON.stringify({
        admin: { listen: "127.0.0.1:0" },
        proxies: { jobs: { listen: `127.0.0.1:${port}`, upstream: `tcp://127.0.0.1:${free.port}` } },
      }),
    );
    const proxy = await command(["serve", "--config", file], { cwd: shop.folder });
    expect(proxy.code).toBe(1);
    expect(proxy.err).toContain(`listen tcp 127.0.0.1:${port}: address already in use`);

    const { admin } = await shop.daemon({ proxies: {} });
    const second = await command(["serve", "--admin", new URL(admin).host], { cwd: shop.folder });
    expect(second.code).toBe(1);
    expect(second.err).toMatch(
      /the admin port 127\.0\.0\.1:\d+ is in use: squall \S+ is there already \(process \d+\)/u,
    );
    expect(second.err).toContain("choose another port with --admin");
  });

  it("by the API is an error that costs nothing that was there", async () => {
    const other = await occupy("other");
    const upstream = await occupy("upstream");
    const admin = await here(upstream.port);
    const before = await getJson(`${admin}/proxies`);
    const listen = `127.0.0.1:${other.port}`;
    const added = await getJson(
      `${admin}/proxies`,
      post({ name: "more", listen, upstream: `127.0.0.1:${upstream.port}`, enabled: true }),
    );
    expect(added.status).toBeGreaterThanOrEqual(400);
    expect(added.body["error"]).toContain(`listen tcp ${listen}: bind: address already in use`);
    const moved = await getJson(`${admin}/proxies/jobs`, post({ listen }));
    expect(moved.status).toBeGreaterThanOrEqual(400);
    expect(await getJson(`${admin}/proxies`)).toEqual(before);
    const jobs = before.body["jobs"] as { listen: string };
    expect(await whoIsAt(Number(jobs.listen.split(":")[1]))).toBe("upstream");
    expect(await whoIsAt(other.port)).toBe("other");
  });

  it("at a reload refuses it whole, and what runs goes on", async () => {
    const other = await occupy("other");
    const upstream = await occupy("upstream");
    const to = `tcp://127.0.0.1:${upstream.port}`;
    const { admin, file } = await shop.daemon({
      watch: false,
      proxies: { jobs: { listen: "127.0.0.1:0", upstream: to } },
    });
    const before = await getJson(`${admin}/proxies`);
    const config = {
      admin: { listen: "127.0.0.1:0" },
      watch: false,
      proxies: {
        fresh: { listen: "127.0.0.1:0", upstream: to },
        jobs: { listen: `127.0.0.1:${other.port}`, upstream: to },
      },
    };
    writeFileSync(file, JSON.stringify(config));
    const reload = await getJson(`${admin}/reload`, { method: "POST" });
    expect(reload.status).toBeGreaterThanOrEqual(400);
    expect(reload.body["error"]).toContain("address already in use");
    expect(await getJson(`${admin}/proxies`)).toEqual(before);
    await other.leave();
    const again = await getJson(`${admin}/reload`, { method: "POST" });
    expect(again.status).toBe(200);
    expect(await whoIsAt(other.port)).toBe("upstream");
  });

  it("while a proxy was off keeps it off until somebody leaves", async () => {
    const upstream = await occupy("upstream");
    const admin = await here(upstream.port);
    const { body } = await getJson(`${admin}/proxies/jobs`);
    const port = Number(String(body["listen"]).split(":")[1]);
    expect((await getJson(`${admin}/proxies/jobs`, post({ enabled: false }))).status).toBe(200);
    const thief = await occupy("thief", port);
    const on = await getJson(`${admin}/proxies/jobs`, post({ enabled: true }));
    expect(on.status).toBeGreaterThanOrEqual(400);
    expect(on.body["error"]).toContain("address already in use");
    expect((await getJson(`${admin}/proxies/jobs`)).body["enabled"]).toBe(false);
    expect(await whoIsAt(port)).toBe("thief");
    await thief.leave();
    expect((await getJson(`${admin}/proxies/jobs`, post({ enabled: true }))).status).toBe(200);
    expect(await whoIsAt(port)).toBe("upstream");
  });

  it("while a fault kept a proxy closed is tried again until somebody leaves", async () => {
    const upstream = await occupy("upstream");
    const { admin, process } = await shop.daemon({
      proxies: { jobs: { listen: "127.0.0.1:0", upstream: `tcp://127.0.0.1:${upstream.port}` } },
    });
    const { body } = await getJson(`${admin}/proxies/jobs`);
    const port = Number(String(body["listen"]).split(":")[1]);
    const down = { faults: [{ type: "down" }] };
    await getJson(`${admin}/active`, { ...post(down), method: "PUT" });
    const thief = await occupy("thief", port);
    await getJson(`${admin}/active`, { method: "DELETE" });
    await process.printed(/cannot listen on 127\.0\.0\.1:\d+, and tries again/u);
    expect(await whoIsAt(port)).toBe("thief");
    const { status } = await getJson(`${admin}/readyz`);
    expect(status).toBe(503);
    await thief.leave();
    await process.printed(/listens again on/u);
    expect(await whoIsAt(port)).toBe("upstream");
  });
});
