/** The library as a test suite uses it: several at once in one process, on free ports, and nothing left afterwards. */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSquall, type Squall, type SquallOptions } from "../src/index.js";
import { ROOT } from "./support/process.js";

let running: Squall[];
let server: Server;
let upstream: string;

beforeEach(async () => {
  running = [];
  server = createServer((socket) => socket.on("error", () => undefined).pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  for (const squall of running) await squall.stop();
  server.close();
});

async function start(options: SquallOptions = {}): Promise<Squall> {
  const squall = await startSquall(options);
  running.push(squall);
  return squall;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket.on("error", () => undefined);
}

async function echoed(port: number, text: string): Promise<string> {
  const socket = await dial(port);
  socket.end(text);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

describe("a Squall that has stopped", () => {
  it("refuses whatever would change something, and can still be read", async () => {
    const squall = await start();
    await squall.proxies.add("jobs", { upstream });
    await squall.activate([{ type: "latency", delay: "1ms" }]);
    const stopping = squall.stop();
    const refusals: Readonly<Record<string, () => unknown>> = {
      "activate": () => squall.activate("high-latency"),
      "putProfile": () => squall.putProfile("x", "profile: x"),
      "mark": () => {
        squall.mark("late");
      },
      "proxies.add": () => squall.proxies.add("late", { upstream }),
      "proxies.get": () => squall.proxies.get("jobs"),
      "proxies.remove": () => {
        squall.proxies.remove("jobs");
      },
    };
    const refuse = async (): Promise<void> => {
      for (const [verb, run] of Object.entries(refusals)) {
        // Some throw, and some promise and reject.
        await expect((async () => run())()).rejects.toMatchObject({
          code: "SQ_STOPPING",
          message: `this Squall has stopped, so ${verb} can do nothing`,
          hint: "startSquall() starts another one",
        });
      }
    };
    await refuse();
    await stopping;
    await refuse();
    await squall.stop();
    expect(await squall.heal()).toBe(0);
    expect(squall.active().activations).toEqual([]);
    expect(squall.proxies.list()).toEqual([]);
    expect(squall.journal().map(({ kind }) => kind)).toContain("activation_ended");
    expect(await squall.metrics()).toContain("squall_");
    expect(squall.adminUrl).toMatch(/^http:/u);
  });
});

describe("startSquall", () => {
  it("gives proxies on free ports that carry bytes", async () => {
    const squall = await start();
    const { port, address, host } = await squall.proxies.add("jobs", { upstream });
    expect(address).toBe(`${host}:${port}`);
    expect(await echoed(port, "hello")).toBe("hello");
    expect(squall.proxies.list()).toEqual([squall.proxies.get("jobs")]);
  });

  it("takes proxies, configuration and profiles at the start", async () => {
    const squall = await start({
      config: { proxies: { one: { listen: "127.0.0.1:0", upstream: `tcp://${upstream}` } } },
      proxies: { two: { upstream } },
      profiles: { library: false, paths: [join(ROOT, "profiles/server-crash.yaml")] },
    });
    expect(squall.proxies.list().map(({ name }) => name)).toEqual(["one", "two"]);
    await squall.activate("server-crash");
    await expect(squall.activate("high-latency")).rejects.toMatchObject({ code: "SQ_PROFILE_NOT_FOUND" });
  });

  it("has a profile in force when activate resolves, and out of force when heal does", async () => {
    const squall = await start();
    const { port } = await squall.proxies.add("jobs", { upstream });
    const { activations } = await squall.activate("server-crash", { seed: 7, ttl: "10m" });
    expect(activations).toMatchObject([
      { profile: "server-crash", seed: 7, remaining: expect.stringMatching(/^(?:10m$|9m59)/u) as string },
    ]);
    await expect(dial(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(await squall.heal()).toBe(1);
    expect(await echoed(port, "again")).toBe("again");
  });

  it("takes faults without a profile, on the proxies that are named", async () => {
    const squall = await start();
    const hit = await squall.proxies.add("hit", { upstream });
    const spared = await squall.proxies.add("spared", { upstream });
    await squall.activate([{ type: "down" }], { proxies: ["hit"] });
    await expect(dial(hit.port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(await echoed(spared.port, "fine")).toBe("fine");
  });

  it("tells what was done to whom, between the marks of the tests", async () => {
    const squall = await start();
    const { port } = await squall.proxies.add("jobs", { upstream });
    squall.mark("test begins");
    await squall.activate([{ type: "truncate", after: "2B" }]);
    expect(await echoed(port, "hello")).toBe("he");
    const kinds = squall.journal().map(({ kind }) => kind);
    expect(kinds.indexOf("mark")).toBeLessThan(kinds.indexOf("fault_hit"));
    expect(squall.journal({ fault: "truncate" })).toMatchObject([{ bot: "127.0.0.1", effect: "truncated" }]);
    expect(await squall.metrics()).toMatch(/squall_faults_total\{[^}]*type="truncate"[^}]*\} 1/u);
  });

  it("keeps several in one process apart: profiles, journals, metrics and ports", async () => {
    const one = await start();
    const two = await start();
    one.putProfile("mine", "profile: mine\nfaults: [{ type: reset }]");
    await one.proxies.add("jobs", { upstream });
    await one.activate("mine");
    await expect(two.activate("mine")).rejects.toMatchObject({ code: "SQ_PROFILE_NOT_FOUND" });
    expect(two.journal()).toEqual([]);
    expect(await two.metrics()).not.toContain('profile="mine"');
    expect(one.adminUrl).not.toBe(two.adminUrl);
    await one.stop();
    expect((await fetch(`${two.adminUrl}/healthz`)).status).toBe(200);
  });

  it("serves the admin API as the daemon does", async () => {
    const squall = await start();
    await squall.proxies.add("jobs", { upstream });
    const answer = await fetch(`${squall.adminUrl}/active`, {
      method: "PUT",
      body: new URLSearchParams({ profile: "blackhole" }),
    });
    expect(answer.status).toBe(200);
    expect(squall.active().activations).toMatchObject([{ profile: "blackhole" }]);
  });

  it("says what is wrong with what it is given, and changes nothing", async () => {
    const squall = await start();
    await expect(squall.proxies.add("jobs", { upstream: "nonsense" })).rejects.toMatchObject({
      code: "SQ_BAD_REQUEST",
    });
    await expect(squall.activate("server-crash", { ttl: "10" })).rejects.toThrow(
      "expected a duration such as 30s",
    );
    await expect(squall.activate([{ type: "latency", delay: 5 }])).rejects.toThrow(
      "expected a duration such as 50ms, got 5",
    );
    expect(() => squall.proxies.get("jobs")).toThrow("no proxy is called");
    await expect(startSquall({ config: "proxies: 5" })).rejects.toMatchObject({ code: "SQ_INVALID_CONFIG" });
    await expect(startSquall({ admin: squall.adminUrl.replace("http://", "") })).rejects.toMatchObject({
      code: "SQ_ADMIN_PORT_TAKEN",
    });
    expect(squall.active().activations).toEqual([]);
    expect(squall.proxies.list()).toEqual([]);
  });

  it("lets the process end by itself after stop, with connections and faults that were under way", async () => {
    const script = `
      import { createServer, connect } from "node:net";
      import { startSquall } from ${JSON.stringify(join(ROOT, "dist/index.js"))};
      const server = createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(0, "127.0.0.1", async () => {
        const squall = await startSquall();
        const { port } = await squall.proxies.add("jobs", { upstream: "127.0.0.1:" + server.address().port });
        await squall.activate([{ type: "latency", delay: "1h" }]);
        const socket = connect(port, "127.0.0.1", async () => {
          socket.write("held");
          await squall.stop();
          server.close();
          console.log("stopped");
        });
        socket.on("error", () => {});
      });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    // Without a limit of its own: if anything kept it alive, the test would run into its time-out.
    expect(await once(child, "close")).toEqual([0, null]);
    expect(out).toBe("stopped\n");
  });
});

describe("the CA for clients", () => {
  it("is there from the start on where tls says so, as the admin API has it, and another for each Squall", async () => {
    const squall = await start({ tls: true });
    expect(new X509Certificate(squall.ca).ca).toBe(true);
    expect(squall.bundle.endsWith(squall.ca)).toBe(true);
    expect(await (await fetch(`${squall.adminUrl}/ca.pem`)).text()).toBe(squall.ca);
    expect((await start({ tls: true })).ca).not.toBe(squall.ca);
    expect(inspect(squall, { depth: 8, showHidden: true })).not.toContain("PRIVATE KEY");
  });

  it("is the one of a folder, or confined, where tls says that", async () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-library-"));
    const first = await start({ folder, tls: { ca: "./ca", names: ["jobs.example"] } });
    expect(readFileSync(join(folder, "ca/ca.pem"), "utf8")).toBe(first.ca);
    expect((await start({ folder, config: "tls: { ca: ./ca }", tls: true })).ca).toBe(first.ca);
    rmSync(folder, { recursive: true });
  });

  it("lies where bots read it when Squall has started, if tls.share says where", async () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-library-"));
    const { adminUrl } = await start({ folder, config: "tls: { share: ./trust }" });
    const shared = readFileSync(join(folder, "trust/ca.pem"), "utf8");
    expect(await (await fetch(`${adminUrl}/ca.pem`)).text()).toBe(shared);
    rmSync(folder, { recursive: true });
  });

  it("is missing where nobody asked for it, and refused where its options are wrong", async () => {
    const squall = await start();
    expect(() => squall.ca).toThrow("there is no CA: startSquall({ tls: true }) opens it");
    await expect(startSquall({ tls: { key: "dsa" as never } })).rejects.toThrow(/tls\.key/u);
    await expect(startSquall({ tls: "yes" as never })).rejects.toThrow(
      /tls: expected true, false or a mapping/u,
    );
  });
});
