/** The daemon as a process: it hurts, heals, drains, and refuses what it cannot read. `daemon.all` has how else it starts and ends. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { command } from "../support/command-here.js";
import { DaemonScene, exchanged, proxyPort, through } from "../support/daemon-scene.js";
import { getJson } from "../support/process.js";

let shop: DaemonScene;

beforeEach(() => {
  shop = new DaemonScene();
});

afterEach(() => shop.close());

describe("squall serve", () => {
  it("carries bytes, hurts on PUT /active, heals on DELETE /active, and says so in metrics and journal", async () => {
    const { admin } = await shop.daemon(through(await shop.echo()));
    const port = await proxyPort(admin);
    const socket = await shop.dial(port);
    expect(await exchanged(socket, "hello")).toBe("hello");
    const broken = once(socket, "error");
    const { status } = await getJson(`${admin}/active`, {
      method: "PUT",
      body: new URLSearchParams("profile=server-crash&seed=7"),
    });
    expect(status).toBe(200);
    expect(await broken).toMatchObject([{ code: "ECONNRESET" }]);
    await expect(shop.dial(port)).rejects.toThrow("ECONNREFUSED");
    await getJson(`${admin}/active`, { method: "DELETE" });
    // Binding again takes a turn of the event loop: the journal says when it is done.
    const events = await fetch(`${admin}/events?after=0`);
    const reader = events.body?.getReader();
    let seen = "";
    while (!seen.includes("listener_opened"))
      seen += Buffer.from((await reader?.read())?.value ?? []).toString();
    await reader?.cancel();
    expect(await exchanged(await shop.dial(port), "again")).toBe("again");
    const { body } = await getJson(`${admin}/journal?limit=100`);
    expect(JSON.stringify(body["entries"])).toContain('"effect":"');
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toMatch(/squall_faults_total\{[^}]*profile="server-crash"[^}]*\} 1/u);
    expect(metrics).toMatch(/squall_profile_active\{profile="server-crash"\} 0/u);
  });

  it("drains at SIGTERM: what is under way finishes, nobody new comes in, and it ends with 0", async () => {
    const { admin, process } = await shop.daemon(through(await shop.echo()));
    const port = await proxyPort(admin);
    const socket = await shop.dial(port);
    await exchanged(socket, "before");
    process.kill("SIGTERM");
    await process.printed(/SIGTERM/u);
    expect(await exchanged(socket, "during")).toBe("during");
    await expect(shop.dial(port)).rejects.toThrow("ECONNREFUSED");
    socket.end();
    expect(await process.ended).toMatchObject({ code: 0 });
  });

  it("ends with 3 and every mistake of a bad configuration, with places and carets", async () => {
    const file = shop.file("squall.yaml", "proxies:\n  jobs:\n    listen: here\n    upsteam: tcp://a:1\n");
    const ended = await command(["serve", "--config", file], { cwd: shop.folder });
    expect(ended.code).toBe(3);
    expect(ended.err).toMatch(/squall\.yaml:3:13 proxies\.jobs\.listen: /u);
    expect(ended.err).toMatch(/squall\.yaml:4:5 .*did you mean "upstream"/u);
    expect(ended.err).toContain("^");
  });
});
