/** What goes on for hours: WebSockets and event streams through a proxy that understands HTTP, in as many messages. Needs a build. */
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { WebSocket, WebSocketServer, type RawData } from "ws";
import { mib, startProxy, type ProxyProcess } from "./support/proxy-process.js";

const MESSAGES = 200_000;
/** How many are under way at once, on each connection. */
const WINDOW = 100;
const CONNECTIONS = 20;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function before(server: Server): Promise<ProxyProcess> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await startProxy((server.address() as AddressInfo).port, "http");
  ends.push(() => {
    proxy.stop();
    server.closeAllConnections();
    server.close();
  });
  return proxy;
}

it("carries WebSockets for hundreds of thousands of messages, in order and flat, while faults come and go", async () => {
  const server = createServer();
  const accepting = new WebSocketServer({ server });
  accepting.on("connection", (socket) => {
    socket.on("message", (data: RawData, binary) => {
      socket.send(data, { binary });
    });
  });
  const proxy = await before(server);
  const sockets = Array.from({ length: CONNECTIONS }, () => new WebSocket(`ws://127.0.0.1:${proxy.port}/`));
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  ends.push(() => {
    for (const socket of sockets) socket.terminate();
  });
  const some = (count: number): Promise<unknown> =>
    Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve, reject) => {
            let sent = 0;
            let came = 0;
            const send = (): void => {
              for (; sent < count && sent - came < WINDOW; sent++) socket.send(`message ${sent}`);
            };
            const hear = (data: RawData): void => {
              const text = (data as Buffer).toString();
              if (text !== `message ${came}`) reject(new Error(`${text} in place of message ${came}`));
              if (++came < count) send();
              else {
                socket.off("message", hear);
                resolve();
              }
            };
            socket.on("message", hear);
            send();
          }),
      ),
    );
  const each = MESSAGES / CONNECTIONS / 5;
  await some(each);
  const warm = await proxy.memory();
  const steps: string[] = [];
  let last = warm;
  for (let step = 0; step < 4; step++) {
    await proxy.replace(step % 2 === 0 ? [["latency", { delay: "2ms", jitter: "1ms" }]] : []);
    await some(each);
    last = await proxy.memory();
    steps.push(mib(last.rss));
  }
  console.log(
    `RSS ${mib(warm.rss)} after ${MESSAGES / 5} messages on ${CONNECTIONS} WebSockets, then each ${MESSAGES / 5}: ${steps.join(", ")}`,
  );
  const { connectionsActive, connectionsTotal, held } = await proxy.stats();
  expect([connectionsActive, connectionsTotal, held]).toEqual([CONNECTIONS, CONNECTIONS, 0]);
  expect(last.rss).toBeLessThanOrEqual(warm.rss * 1.15);
});

it("carries event streams for hundreds of thousands of events, in order and flat", async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let sent = 0;
    const send = (): void => {
      while (sent < MESSAGES / CONNECTIONS) if (!response.write(`id: ${sent++}\ndata: tick\n\n`)) return;
    };
    response.on("drain", send);
    send();
  });
  const proxy = await before(server);
  const started = await proxy.memory();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const asked = get({ port: proxy.port, host: "127.0.0.1", agent: false });
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      let next = 0;
      let rest = "";
      for await (const text of response.setEncoding("utf8") as AsyncIterable<string>) {
        const events = (rest + text).split("\n\n");
        rest = events.pop() ?? "";
        for (const event of events) expect(event).toBe(`id: ${next++}\ndata: tick`);
        if (next === MESSAGES / CONNECTIONS) break;
      }
    }),
  );
  const last = await proxy.memory();
  console.log(
    `RSS ${mib(started.rss)} before ${MESSAGES} events on ${CONNECTIONS} streams, ${mib(last.rss)} after`,
  );
  while ((await proxy.stats()).connectionsActive > 0);
  expect((await proxy.stats()).held).toBe(0);
  expect(last.rss).toBeLessThanOrEqual(started.rss * 1.6);
});
