/** Ports for servers that are started again and again: nobody else gets them in between. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { platform } from "node:process";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, giveBack, take } from "../../../src/sweep/harness/ports.js";

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.close();
    await once(server, "close");
  }
});

async function listening(where: { readonly path: string } | { readonly port: number }): Promise<Server> {
  const server = createServer();
  open.push(server);
  server.listen("path" in where ? where : { ...where, host: "127.0.0.1" });
  await once(server, "listening");
  return server;
}

describe("a free port", () => {
  it("is ours until it is given back, whether anybody listens there or not", async () => {
    const port = await freePort();
    expect(await take(port)).toBe(false);
    giveBack(port);
    expect(await take(port)).toBe(true);
    giveBack(port);
  });

  it("is none on which somebody listens", async () => {
    const { port } = (await listening({ port: 0 })).address() as AddressInfo;
    expect(await take(port)).toBe(false);
    // It was not marked as ours either.
    const [server] = open.splice(0);
    server?.close();
    await once(server as Server, "close");
    expect(await take(port)).toBe(true);
    giveBack(port);
  });

  it.skipIf(platform !== "linux")(
    "is none that another process has for a server that is not up just now",
    async () => {
      const port = await freePort();
      giveBack(port);
      await listening({ path: `\0squall-port-${port}` });
      expect(await take(port)).toBe(false);
    },
  );
});
