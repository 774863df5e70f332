/** The daemon as a process: how it starts, who it says is there, how it ends, what it leaves behind, and when it reads its files again. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
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
  it("starts with a profile in force before the first client", async () => {
    const { admin } = await shop.daemon({ ...through(await shop.echo()), activate: "server-crash" });
    await expect(shop.dial(await proxyPort(admin))).rejects.toThrow("ECONNREFUSED");
  });

  it("closes what does not finish within the limit and still ends with 0", async () => {
    const { admin, process } = await shop.daemon({
      ...through(await shop.echo()),
      limits: { drain: "100ms" },
    });
    const socket = await shop.dial(await proxyPort(admin));
    await exchanged(socket, "before");
    const closed = once(socket, "close");
    process.kill("SIGTERM");
    await closed;
    expect(await process.ended).toMatchObject({ code: 0 });
  });

  it("leaves nothing behind at SIGKILL: the same ports can be had at once", async () => {
    const upstream = await shop.echo();
    const { admin, process } = await shop.daemon(through(upstream));
    const port = await proxyPort(admin);
    await exchanged(await shop.dial(port), "before");
    process.kill("SIGKILL");
    await process.ended;
    const again = await shop.daemon({
      admin: { listen: admin.replace("http://", "") },
      proxies: { jobs: { listen: `127.0.0.1:${port}`, upstream: `tcp://127.0.0.1:${upstream}` } },
    });
    expect(again.admin).toBe(admin);
    expect(await exchanged(await shop.dial(port), "after")).toBe("after");
  });

  it("says which Squall has the admin port, and ends with 1", async () => {
    const { admin, process } = await shop.daemon({});
    const second = await command(["serve", "--admin", admin.replace("http://", "")], { cwd: shop.folder });
    expect(second.code).toBe(1);
    expect(second.err).toContain("is there already");
    expect(second.err).toContain(`process ${process.child.pid}`);
  });

  it("says so of a Squall that is slow to say who it is, and not that it is the Toxiproxy that it can be taken for", async () => {
    let versionAsked = (): void => undefined;
    const asked = new Promise<void>((done) => (versionAsked = done));
    const slow = createHttpServer((request, response) => {
      const answer = (fields: object): void => void response.end(JSON.stringify(fields));
      if (request.url === "/status") void asked.then(() => answer({ version: "9.9.9", pid: 4711 }));
      else answer({ version: "2.12.0" });
      if (request.url === "/version") versionAsked();
    }).listen(0, "127.0.0.1");
    await once(slow, "listening");
    shop.atEnd(() => slow.close());
    const { port } = slow.address() as AddressInfo;
    const second = await command(["serve", "--admin", `127.0.0.1:${port}`], { cwd: shop.folder });
    expect(second.err).toContain("squall 9.9.9 is there already (process 4711)");
  });

  it("says that another program has the admin port", async () => {
    const second = await command(["serve", "--admin", `127.0.0.1:${await shop.echo()}`], {
      cwd: shop.folder,
    });
    expect(second.code).toBe(1);
    expect(second.err).toContain("another program is there already");
  });

  it("ends with 1 and the reason when a proxy cannot listen, and gives the admin port back", async () => {
    const taken = await shop.echo();
    const file = shop.file(
      "squall.yaml",
      JSON.stringify({
        admin: { listen: "127.0.0.1:0" },
        proxies: { jobs: { listen: `127.0.0.1:${taken}`, upstream: "tcp://127.0.0.1:1" } },
      }),
    );
    const ended = await command(["serve", "--config", file], { cwd: shop.folder });
    expect(ended.code).toBe(1);
    expect(ended.err).toContain(`127.0.0.1:${taken}: address already in use`);
  });

  it("reads its files again at SIGHUP, whole or not at all", async () => {
    const upstream = await shop.echo();
    const { admin, process, file } = await shop.daemon({ ...through(upstream), watch: false });
    writeFileSync(file, "proxies: { jobs: { listen: nowhere } }");
    process.kill("SIGHUP");
    await process.printed(/proxies\.jobs/u);
    expect(await exchanged(await shop.dial(await proxyPort(admin)), "still")).toBe("still");
    expect(await (await fetch(`${admin}/metrics`)).text()).toContain(
      "squall_config_last_reload_successful 0",
    );
  });

  it("takes a flag over the environment, and the environment over the file", async () => {
    const file = shop.file("squall.yaml", "admin: { listen: 127.0.0.1:1 }\nlog: { level: error }\n");
    const process = shop.start(
      ["serve", "--config", file, "--admin", "127.0.0.1:0", "--log-format", "json"],
      {
        env: { SQUALL__LOG__LEVEL: "info", SQUALL__ADMIN__LISTEN: "127.0.0.1:2" },
      },
    );
    await process.printed(/"admin":"http:\/\/127\.0\.0\.1:(?!1"|2")\d+"/u);
  });

  it("picks up a profile as it is saved, and keeps the old one when the new one has a mistake", async () => {
    const profile = shop.file("mine.yaml", "profile: mine\nsummary: One.\nfaults: [{ type: reset }]\n");
    const { admin, process } = await shop.daemon({ ...through(await shop.echo()), profiles: [profile] });
    await getJson(`${admin}/active`, { method: "PUT", body: new URLSearchParams("profile=mine") });
    writeFileSync(profile, "profile: mine\nsummary: Two.\nfaults: [{ type: latency, delay: 5ms }]\n");
    await process.printed(/profile mine/u);
    expect((await getJson(`${admin}/profiles/mine`)).body).toMatchObject({ summary: "Two.", active: true });
    writeFileSync(profile, "profile: mine\nfaults: [{ type: latency, delay: 5 }]\n");
    await process.printed(/expected a duration such as 50ms, got 5/u);
    expect((await getJson(`${admin}/profiles/mine`)).body).toMatchObject({ summary: "Two." });
  });
});
