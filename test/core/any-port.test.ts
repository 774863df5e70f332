/** Servers on the ports that `fetch` refuses, as a browser does: they are asked all the same. */
import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, expect, it } from "vitest";
import { AdminClient } from "../../src/cli/client.js";
import { fetchAnyPort } from "../../src/core/any-port.js";

/** Some of those of WHATWG Fetch, "port blocking"; none needs a privilege. */
const FORBIDDEN = [
  10_080, 6_697, 6_669, 6_668, 6_667, 6_666, 6_665, 6_566, 6_000, 5_061, 5_060, 4_190, 4_045,
];

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** On the first of these ports that is free here. */
async function onForbiddenPort(answer: RequestListener): Promise<string> {
  for (const port of FORBIDDEN) {
    const one = createServer(answer);
    const listens = await new Promise<boolean>((resolve) => {
      one.once("error", () => {
        resolve(false);
      });
      one.listen(port, "127.0.0.1", () => {
        resolve(true);
      });
    });
    if (!listens) continue;
    server = one;
    return `http://127.0.0.1:${port}`;
  }
  throw new Error("all of these ports are taken");
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
