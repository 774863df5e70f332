/** Ports for servers that are started again and again: nobody else gets them in between. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { platform } from "node:process";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, giveBack, holdsPort, take } from "../../../src/sweep/harness/ports.js";

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

describe("a table of sockets for datagrams", () => {
  const head =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref";
  const rest = "07 00000000:00000000 00:00000000 00000000     0        0 123 2 0000000000000000 0";
  const table = [
    head,
    `  512: 0100007F:5BA0 0100007F:1F90 ${rest}`,
    `10513: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 ${rest}`,
    "",
  ].join("\n");

  it.each([
    [0x5ba0, true],
    [53, true],
    [0x1f90, false],
    [512, false],
    [0, false],
  ])("holds the local port %i: %s", (port, holds) => {
    expect(holdsPort(table, port)).toBe(holds);
  });
});
