/** Waiting for a server that does not get ready: the reason that is told is the server's, and not that of a try which the limit cut short. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { untilReady } from "../../../src/sweep/harness/ready.js";

it("takes a server that answers within a limit shorter than one try", async () => {
  const server = createServer((_request, response) => {
    response.end();
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const urls = [`http://127.0.0.1:${port}/health`];
  await untilReady({ urls, limit: 1_900, signal: new AbortController().signal, gone: () => null });
});

it("tells what the server answered, and not that the last try had no time left", async () => {
  let asked = 0;
  // The first answer is all that it says; the next try waits until its time is over.
  const server = createServer((_request, response) => {
    if (asked++ === 0) response.writeHead(404).end();
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const waiting = untilReady({
    urls: [`http://127.0.0.1:${port}/health`],
    limit: 1_000,
    signal: new AbortController().signal,
    gone: () => null,
  });
  await expect(waiting).rejects.toThrow(/\/health was not ready within 1s: it answers 404$/u);
  expect(asked).toBeGreaterThan(1);
});
