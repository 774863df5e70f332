/** Servers on the ports that `fetch` refuses, as a browser does: they are asked all the same. */
import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, expect, it } from "vitest";
import { AdminClient } from "../../src/cli/client.js";
import { fetchAnyPort } from "../../src/core/any-port.js";
import { onForbiddenPort as listenOnForbiddenPort } from "../support/forbidden-port.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function onForbiddenPort(answer: RequestListener): Promise<string> {
  const found = await listenOnForbiddenPort(() => createServer(answer));
  server = found.server;
  return `http://127.0.0.1:${found.port}`;
}

it("asks with method, headers and body, and has the whole answer", async () => {
  const url = await onForbiddenPort((request, response) => {
    request.setEncoding("utf8").on("data", (body: string) => {
      response
        .setHeader("x-told", `${request.method} ${request.url} ${request.headers.authorization}`)
        .writeHead(201);
      response.end(`${body}!`);
    });
  });
  await expect(fetch(url)).rejects.toThrow();
  const request = { method: "PUT", headers: { authorization: "Bearer x" }, body: "hello" };
  const answer = await fetchAnyPort(`${url}/a`, request);
  expect([answer.status, answer.headers.get("x-told"), await answer.text()]).toEqual([
    201,
    "PUT /a Bearer x",
    "hello!",
  ]);
});

it("takes an answer without a body", async () => {
  const url = await onForbiddenPort((_request, response) => response.writeHead(204).end());
  const answer = await fetchAnyPort(url, {});
  expect([answer.status, answer.body]).toEqual([204, null]);
});

it("ends with the reason of its signal, before the answer and within it", async () => {
  const begun: (() => void)[] = [];
  const url = await onForbiddenPort((request, response) => {
    if (request.url === "/body") response.write("part");
    begun.shift()?.();
  });
  for (const path of ["/silent", "/body"]) {
    const stop = new AbortController();
    begun.push(() => {
      stop.abort(new Error("late"));
    });
    const asked = fetchAnyPort(url + path, { signal: stop.signal }).then((answer) => answer.text());
    await expect(asked).rejects.toThrow(path === "/silent" ? "late" : /./u);
  }
});

it("lets the command line talk to a daemon there", async () => {
  const url = await onForbiddenPort((_request, response) => response.end('{"version":"0.1.0"}'));
  const client = new AdminClient({ admin: url.replace("http://", "") }, { env: {} });
  expect(await client.call("GET", "/version")).toEqual({ version: "0.1.0" });
});

it("sends pieces as they are asked for, and fails as fetch fails", async () => {
  const url = await onForbiddenPort((request, response) => {
    if (request.url === "/cut") {
      response.writeHead(200, { "content-length": 10 }).write("half");
      response.socket?.destroySoon();
      return;
    }
    let size = 0;
    request.on("data", (piece: Buffer) => (size += piece.length));
    request.on("end", () => response.end(String(size)));
  });
  const body = (): Uint8Array[] => [Buffer.alloc(100_000), Buffer.alloc(7)];
  expect(await (await fetchAnyPort(url, { method: "POST", body })).text()).toBe("100007");
  const cut = await fetchAnyPort(`${url}/cut`, {});
  await expect(cut.text()).rejects.toThrow(new TypeError("terminated"));
  const ended = new AbortController();
  ended.abort(new Error("it took too long"));
  await expect(fetchAnyPort(url, { signal: ended.signal })).rejects.toThrow("it took too long");
  server?.closeAllConnections();
  server?.close();
  await expect(fetchAnyPort(url, { method: "POST", body })).rejects.toThrow(new TypeError("fetch failed"));
});
