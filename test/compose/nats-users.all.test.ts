/** The users of deploy/fleet/nats.conf on a real server: a daemon's may do what a daemon does, and switch nothing. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { FleetEngine } from "../../src/fleet/contract/engine.js";
import { openEngine } from "../../src/fleet/engines/open.js";
import { batch } from "../fleet/journal/batch.js";
import { engineOptions, NO_CREDENTIALS } from "../support/fleet-engines.js";
import { presenceOf } from "../support/fleet/presence.js";
import { freePort } from "../support/free-port.js";
import { DEBIAN_NATS, natsVersion } from "../support/nats-server.js";
import { ROOT } from "../support/process.js";
import { ServerProcess } from "../support/server-process.js";

const version = natsVersion();
const PASSWORDS = { FLEET_CONTROLLER_PASSWORD: "one", FLEET_B_PASSWORD: "two", FLEET_C_PASSWORD: "three" };
const batchOf = (daemon: string): Parameters<FleetEngine["append"]>[0] => batch(daemon, [[1, 0]]);
const forbidden = { failure: "forbidden" };

describe.skipIf(version === null)("deploy/fleet/nats.conf (needs: nats-server)", () => {
  const engines: FleetEngine[] = [];
  let server: ServerProcess;
  let url = "";

  beforeAll(async () => {
    const port = await freePort();
    url = `nats://127.0.0.1:${port}`;
    const [major, minor] = (version ?? "").split(".");
    const old = Number(major) * 1_000 + Number(minor) < 2_010;
    server = new ServerProcess({
      name: "nats-users",
      port,
      command: [DEBIAN_NATS, "-c"],
      config: (folder) =>
        readFileSync(join(ROOT, "deploy/fleet/nats.conf"), "utf8")
          .replace("0.0.0.0:4222", `127.0.0.1:${port}`)
          .replace("/data", JSON.stringify(join(folder, "data")))
          .replace(old ? /^ *sync_interval.*$/mu : "\0", ""),
      env: PASSWORDS,
    });
    await server.start();
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
  });
  afterAll(() => server.close());

  async function as(client: string, user: string, password: string): Promise<FleetEngine> {
    const credentials = { ...NO_CREDENTIALS, user, password };
    const engine = await openEngine(engineOptions(url, { fleet: "staging", client, credentials }));
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
