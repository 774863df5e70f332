/** The image's health check, run beside real daemons, servers and bots: what it asks whom, and what it says. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.js";
import { ROOT, Workshop } from "../support/process.js";

describe("the image's health check", () => {
  const script = join(ROOT, "deploy/healthcheck.mjs");
  const linux = process.platform === "linux";
  const because = linux ? "" : " (needs: /proc of Linux)";
  let shop: Workshop;
  beforeAll(() => {
    shop = new Workshop();
  });
  afterAll(() => shop.close());

  const WELL = { status: 0, said: "" };
  const check = (pid: number | undefined, env: Record<string, string> = {}): typeof WELL => {
    const { status, stderr } = spawnSync(process.execPath, [script, String(pid)], { encoding: "utf8", env });
    return { status: status ?? -1, said: stderr };
  };

  it.skipIf(!linux)(`asks a daemon where its options say that it listens${because}`, async () => {
    const port = String(await freePort());
    for (const options of [
      ["serve", "--admin", `127.0.0.1:${port}`],
      ["--admin=:" + port],
      ["-port", port],
    ]) {
      const squall = shop.start([...options, "--log-format", "json"], { cwd: shop.folder });
      await squall.printed(/is ready/u);
      expect(check(squall.child.pid, { SQUALL_ADMIN: "127.0.0.1:1" }), options.join(" ")).toEqual(WELL);
      squall.kill("SIGKILL");
      await squall.ended;
      // Somebody may have a daemon on the usual port.
      expect(check(squall.child.pid, { SQUALL_ADMIN: "127.0.0.1:1" }), "it has ended").toMatchObject({
        status: 1,
      });
    }
  });

  it.skipIf(!linux)(`asks it where the environment says, if no option does${because}`, async () => {
    const { admin, process: squall } = await shop.daemon({});
    const listen = admin.replace("http://", "");
    const { pid } = squall.child;
    expect(check(pid, { SQUALL_ADMIN: admin })).toEqual(WELL);
    expect(check(pid, { SQUALL__ADMIN__LISTEN: listen.replace("127.0.0.1", "") })).toEqual(WELL);
    expect(check(pid, { SQUALL_ADMIN: "127.0.0.1:1" }).status).toBe(1);
  });

  it.skipIf(!linux)(
    `asks a mock server on its port, and holds a bot for well as long as it runs${because}`,
    async () => {
      const port = String(await freePort());
      const server = shop.start(["mock-server", "--port", port, "--json"]);
      await server.printed(/"url"/u);
      expect(check(server.child.pid)).toEqual(WELL);
      expect(check(shop.start(["bot", "--server", "http://127.0.0.1:1"]).child.pid)).toEqual(WELL);
    },
  );
});
