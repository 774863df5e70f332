/** State over the lives of real processes, in scenes that take many of them: what test/e2e/state.test.ts begins. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { Agent } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONFIG, get, kill, send } from "../state/killing.js";
import { Workshop, getJson, squall } from "../support/process.js";

let shop: Workshop;
let state: string;

beforeEach(() => {
  shop = new Workshop();
  state = join(shop.folder, "state.json");
});

afterEach(() => shop.close());

describe("a daemon that is killed", () => {
  it("under many calls at the same time has each that was answered", async () => {
    const agent = new Agent({ keepAlive: true });
    const workers = Array.from({ length: 16 }, (_, n) => ({ name: `w${n}`, sent: 0, answered: 0 }));
    for (let life = 0; life < 3; life++) {
      const { process, admin } = await shop.daemon(CONFIG, ["--state", state]);
      let total = 0;
      const work = workers.map(async (worker) => {
        for (;;) {
          const path = `/proxies/${worker.name}`;
          const isNew = worker.answered === 0;
          const upstream = `127.0.0.1:${worker.answered + 1}`;
          const body = { name: worker.name, upstream, enabled: false };
          worker.sent = worker.answered + 1;
          const call = { method: "POST", path: isNew ? "/populate" : path };
          const status = await send(admin, { ...call, body: JSON.stringify(isNew ? [body] : body) }, agent);
          if (status === null) return;
          expect(status).toBeLessThan(300);
          worker.answered = worker.sent;
          if (++total === 150) process.kill("SIGKILL");
        }
      });
      await Promise.all(work);
      await process.ended;
      const again = await shop.daemon(CONFIG, ["--state", state]);
      const proxies = await get(again.admin)("/proxies");
      for (const worker of workers) {
        const { upstream } = (proxies as Record<string, { upstream: string }>)[worker.name] ?? {
          upstream: ":0",
        };
        const kept = Number(upstream.split(":")[1]);
        expect([worker.answered, worker.sent], worker.name).toContain(kept);
        worker.answered = kept;
      }
      await kill(again.process);
    }
    agent.destroy();
  });
});

describe("squall serve --state", () => {
  it("goes on after SIGTERM with what was on, from where the command runs", async () => {
    const first = await shop.daemon(CONFIG, ["--state", "own.json"]);
    await send(
      first.admin,
      { method: "PUT", path: "/active", body: '{"profile":"high-latency","seed":5}' },
      new Agent(),
    );
    first.process.kill("SIGTERM");
    expect(await first.process.ended).toMatchObject({ code: 0 });
    expect(statSync(join(shop.folder, "own.json")).mode & 0o777).toBe(0o600);
    const second = await shop.daemon(CONFIG, ["--state", "own.json"]);
    expect((await getJson(`${second.admin}/active`)).body["activations"]).toMatchObject([
      { id: "high-latency", seed: 5 },
    ]);
    expect(second.process.out).toContain('"kind":"activation_resumed"');
  });

  it("keeps away what was removed of a file that was read again, also when it is read once more", async () => {
    const { process, admin, file } = await shop.daemon({ ...CONFIG, proxies: {} }, ["--state", state]);
    const agent = new Agent();
    const { profiles, seed, watch } = CONFIG;
    writeFileSync(
      file,
      JSON.stringify({ admin: { listen: "127.0.0.1:0" }, profiles, seed, watch, proxies: CONFIG.proxies }),
    );
    await send(admin, { method: "POST", path: "/reload" }, agent);
    expect(await send(admin, { method: "DELETE", path: "/proxies/jobs" }, agent)).toBe(204);
    await kill(process);
    const again = await shop.daemon(CONFIG, ["--state", state]);
    expect(Object.keys(await get(again.admin)("/proxies"))).toEqual(["bytes"]);
    await send(again.admin, { method: "POST", path: "/reload" }, agent);
    expect(Object.keys(await get(again.admin)("/proxies"))).toEqual(["bytes"]);
  });

  it("takes no change any more while it finishes what is under way", async () => {
    const upstream = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    const { port } = upstream.address() as AddressInfo;
    const { admin, process } = await shop.daemon(
      { proxies: { jobs: { listen: "127.0.0.1:0", upstream: `tcp://127.0.0.1:${port}` } } },
      ["--state", state],
    );
    const agent = new Agent({ keepAlive: true });
    await send(admin, { method: "PUT", path: "/active", body: '{"profile":"high-latency","seed":5}' }, agent);
    const [{ listen }] = (await getJson(`${admin}/status`)).body["proxies"] as [{ listen: string }];
    const socket = connect(Number(listen.split(":")[1]), "127.0.0.1");
    socket.write("hello");
    await once(socket, "data");
    process.kill("SIGTERM");
    await process.printed(/SIGTERM/u);
    expect(await send(admin, { method: "DELETE", path: "/active" }, agent)).toBe(503);
    expect(await send(admin, { method: "GET", path: "/active" }, agent)).toBe(200);
    socket.end();
    expect(await process.ended).toMatchObject({ code: 0 });
    agent.destroy();
    upstream.close();
    const kept = JSON.parse(readFileSync(state, "utf8")) as { active: { activations: unknown[] } };
    expect(kept.active.activations).toMatchObject([{ id: "high-latency", seed: 5 }]);
  });

  it("leaves the file alone when the start fails for another reason", async () => {
    const first = await shop.daemon(CONFIG, ["--state", state]);
    await send(first.admin, { method: "DELETE", path: "/proxies/jobs" }, new Agent());
    const text = readFileSync(state, "utf8");
    const second = await squall(
      ["serve", "--admin", first.admin.replace("http://", ""), "--state", join(shop.folder, "other.json")],
      { cwd: shop.folder },
    );
    expect(second.code).toBe(1);
    await kill(first.process);
    const third = await squall(
      ["serve", "--admin", "127.0.0.1:0", "--activate", "no-such", "--state", state],
      {
        cwd: shop.folder,
      },
    );
    expect(third.code).not.toBe(0);
    expect(readFileSync(state, "utf8")).toBe(text);
  });
});
