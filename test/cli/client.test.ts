/** What the command line says of an answer that the daemon refused with. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { AdminClient } from "../../src/cli/client.js";
import { readAudit } from "../../src/sweep/harness/audit.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function refusedWith(answer: unknown): Promise<unknown> {
  const daemon = createServer((_request, response) => {
    response
      .writeHead(422, { "content-type": "application/json" })
      .end(JSON.stringify({ code: "SQ_INVALID_PROFILE", ...(answer as object) }));
  });
  server = daemon;
  await new Promise<void>((resolve) => daemon.listen(0, "127.0.0.1", resolve));
  const { port } = daemon.address() as AddressInfo;
  const client = new AdminClient({ admin: `127.0.0.1:${port}` }, { env: {} });
  return client.call("PUT", "/active", {}).catch((error: unknown) => error);
}

const mistake = (line: number, message: string) => ({
  file: "a.yaml",
  line,
  column: 5,
  path: "faults[0]",
  message,
});

it("says a mistake once that is all there is", async () => {
  const error = "a.yaml:3:5 faults[0]: no such type";
  expect(await refusedWith({ error, details: [mistake(3, "no such type")] })).toMatchObject({
    exitCode: 3,
    message: error,
  });
});

it("says each of several, below what they are together", async () => {
  const answer = {
    error: "two mistakes",
    details: [mistake(3, "no such type"), mistake(4, "no such place")],
  };
  expect(await refusedWith(answer)).toMatchObject({
    message: "2 mistakes\n  a.yaml:3:5 faults[0]: no such type\n  a.yaml:4:5 faults[0]: no such place",
  });
});

it("does not ask on a connection that the daemon may close meanwhile", async () => {
  const asked = new WeakSet<object>();
  const daemon = createServer((request, response) => {
    // An idle connection ends, and the request that was sent on it at that time is lost.
    if (asked.has(request.socket)) request.socket.destroy();
    asked.add(request.socket);
    response.end("{}");
  });
  server = daemon;
  await new Promise<void>((resolve) => daemon.listen(0, "127.0.0.1", resolve));
  const admin = `127.0.0.1:${(daemon.address() as AddressInfo).port}`;
  const client = new AdminClient({ admin }, { env: {} });
  for (let count = 3; count > 0; count--) expect(await client.call("PUT", "/active", {})).toEqual({});
  for (let count = 3; count > 0; count--)
    expect(await readAudit(`http://${admin}/audit`, new AbortController().signal)).toEqual({});
});
