/** The users of deploy/fleet/nats.conf on a real server: a daemon's may do what a daemon does, and switch nothing. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { FleetEngine } from "../../src/fleet/contract/engine.js";
import type { Presence } from "../../src/fleet/contract/presence.js";
import { openEngine } from "../../src/fleet/engines/open.js";
import { freePort } from "../support/free-port.js";
import { ROOT } from "../support/process.js";

const version = /v(\d+)\.(\d+)/u.exec(
  spawnSync("nats-server", ["--version"], { encoding: "utf8" }).stdout ?? "",
);
const PASSWORDS = { FLEET_CONTROLLER_PASSWORD: "one", FLEET_B_PASSWORD: "two", FLEET_C_PASSWORD: "three" };

const presenceOf = (daemon: string): Presence => ({
  daemon,
  life: "l",
  version: "0.1.0",
  labels: {},
  admin: null,
  serial: 0,
  state: "idle",
  why: null,
  offset_ms: null,
  error_ms: null,
  hits: 0,
  ends_at: null,
  journal_seq: 0,
});
const batchOf = (daemon: string): Parameters<FleetEngine["append"]>[0] => ({
  daemon,
  life: "l",
  after: 0,
  upto: 1,
  lost: 0,
  entries: [{ seq: 1, time: "2026-03-01T14:03:07.000Z", kind: "mark", text: "hello" }],
  offset_ms: null,
});
const forbidden = { failure: "forbidden" };

describe.skipIf(version === null)("deploy/fleet/nats.conf (needs: nats-server)", () => {
  const folder = mkdtempSync(join(tmpdir(), "squall-nats-users-"));
  const engines: FleetEngine[] = [];
  let server: ChildProcess;
  let url = "";

  beforeAll(async () => {
    const port = await freePort();
    url = `nats://127.0.0.1:${port}`;
    const [, major, minor] = version ?? [];
    const old = Number(major) * 1_000 + Number(minor) < 2_010;
    const text = readFileSync(join(ROOT, "deploy/fleet/nats.conf"), "utf8")
      .replace("0.0.0.0:4222", `127.0.0.1:${port}`)
      .replace("/data", JSON.stringify(join(folder, "data")))
      .replace(old ? /^ *sync_interval.*$/mu : "\0", "");
    writeFileSync(join(folder, "nats.conf"), text);
    server = spawn("nats-server", ["-c", join(folder, "nats.conf")], {
      env: { ...process.env, ...PASSWORDS },
      stdio: ["ignore", "ignore", "pipe"],
    });
    await new Promise<void>((resolve, reject) => {
      let said = "";
      server.stderr?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes("Server is ready")) resolve();
      });
      server.once("exit", () => {
        reject(new Error(said));
      });
    });
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill();
    await ended;
    rmSync(folder, { recursive: true });
  });

  async function as(client: string, user: string, password: string): Promise<FleetEngine> {
    const engine = await openEngine({
      fleet: "staging",
      urls: [url],
      client,
      credentials: { file: null, user, password, token: null },
      tls: null,
      replicas: 1,
      now: () => performance.now(),
      log: () => undefined,
    });
    engines.push(engine);
    return engine;
  }

  it("lets the controller's switch, and the daemons' follow", async () => {
    const controller = await as("squall-a", "controller", "one");
    const text = Buffer.from("profile: x\n");
    const sha256 = createHash("sha256").update(text).digest("hex");
    await controller.putText(sha256, text);
    await controller.announce(presenceOf("squall-a"));
    await controller.append(batchOf("squall-a"));
    const serial = await controller.put(Buffer.from("{}"), (await controller.read()).serial);
    const daemon = await as("squall-b", "squall-b", "two");
    expect(await daemon.read()).toMatchObject({ serial });
    expect(Buffer.from((await daemon.text(sha256)) ?? [])).toEqual(text);
    await daemon.announce(presenceOf("squall-b"));
    await daemon.append(batchOf("squall-b"));
    expect((await daemon.members()).map(({ presence }) => presence.daemon).sort()).toEqual([
      "squall-a",
      "squall-b",
    ]);
    const hint = new Promise((resolve) => daemon.onHint(resolve));
    await controller.put(Buffer.from("{ }"), serial);
    expect(await hint).toBe("plan");
  });

  it("lets a daemon's switch nothing, and speak for no other", async () => {
    const daemon = await as("squall-b", "squall-b", "two");
    const { serial } = await daemon.read();
    await expect(daemon.put(Buffer.from("{}"), "any")).rejects.toMatchObject(forbidden);
    const text = Buffer.from("profile: y\n");
    await expect(daemon.putText(createHash("sha256").update(text).digest("hex"), text)).rejects.toMatchObject(
      forbidden,
    );
    await expect(daemon.announce(presenceOf("squall-c"))).rejects.toMatchObject(forbidden);
    await expect(daemon.append(batchOf("squall-c"))).rejects.toMatchObject(forbidden);
    expect((await daemon.read()).serial).toBe(serial);
  });

  it("lets nobody in without a password", async () => {
    const stranger = await as("squall-b", "squall-b", "wrong");
    await expect(stranger.read()).rejects.toMatchObject(forbidden);
  });
});
