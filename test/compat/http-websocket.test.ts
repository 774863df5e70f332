/** WebSockets and event streams through Squall, with the library that most of Node uses for them. */
import { once } from "node:events";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer, type RawData } from "ws";
import { startSquall, type Squall } from "../../src/index.js";
import { getJson } from "../support/process.js";

let squall: Squall;
let server: Server;
let sockets: WebSocketServer;
let admin: string;
let port: number;
const clients: WebSocket[] = [];

beforeEach(async () => {
  server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: hello\n\n");
    server.on("tick", () => response.write("data: tick\n\n"));
  });
  sockets = new WebSocketServer({ server, path: "/socket" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data: RawData, binary) => {
      socket.send(data, { binary });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  squall = await startSquall();
  admin = squall.adminUrl;
  ({ port } = await squall.proxies.add("jobs", { upstream }));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.terminate();
  for (const client of sockets.clients) client.terminate();
  server.close();
  server.closeAllConnections();
  await squall.stop();
});

async function open(at: number, options = {}): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${at}/socket`, options);
  clients.push(socket);
  await once(socket, "open");
  return socket;
}

async function echoed(socket: WebSocket, data: string | Buffer): Promise<Buffer> {
  const answer = once(socket, "message") as Promise<[Buffer]>;
  socket.send(data);
  return (await answer)[0];
}

async function use(fault: Record<string, unknown>): Promise<void> {
  const { status } = await getJson(`${admin}/active`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ faults: [fault] }),
  });
  expect(status).toBe(200);
}

describe("a WebSocket through an HTTP proxy", () => {
  it("carries texts, megabytes, pings and the closing code, compressed or not", async () => {
    for (const perMessageDeflate of [false, true]) {
      const socket = await open(port, { perMessageDeflate });
      expect((await echoed(socket, "hello")).toString()).toBe("hello");
      const large = Buffer.alloc(5 * 2 ** 20, "squall ");
      expect((await echoed(socket, large)).equals(large)).toBe(true);
      const pong = once(socket, "pong");
      socket.ping("are you there");
      expect(String((await pong)[0])).toBe("are you there");
      const closed = once(socket, "close");
      for (const peer of sockets.clients) peer.close(4_001, "enough");
      const [code, reason] = (await closed) as [number, Buffer];
      expect([code, reason.toString()]).toEqual([4_001, "enough"]);
    }
  });

  it("is delayed by a latency that comes into force while it is open, and no longer when that has gone", async () => {
    const socket = await open(port);
    await echoed(socket, "before");
    await use({ type: "latency", delay: "1h" });
    const late = once(socket, "message");
    let arrived = false;
    socket.once("message", () => (arrived = true));
    socket.send("late");
    // Whatever else there is goes past it: another connection, by the side.
    const beside = await open((server.address() as AddressInfo).port);
    expect((await echoed(beside, "beside")).toString()).toBe("beside");
    expect(arrived).toBe(false);
    await getJson(`${admin}/active`, { method: "DELETE" });
    expect(String((await late)[0])).toBe("late");
    expect((await echoed(socket, "after")).toString()).toBe("after");
  });

  it("ends with an abnormal closure when it is reset on the way, and the journal says so", async () => {
    const socket = await open(port);
    await echoed(socket, "before");
    const closed = new Promise<number>((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    await use({ type: "reset" });
    expect(await closed).toBe(1_006);
    const { body } = await getJson(`${admin}/journal?fault=reset`);
    expect(JSON.stringify(body)).toContain('"effect":"reset"');
  });

  it("is refused as its server refuses it", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/elsewhere`);
    clients.push(socket);
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).toBe("Unexpected server response: 400");
  });
});

describe("an event stream through an HTTP proxy", () => {
  it("brings each event when it is sent, without an end in sight", async () => {
    const asked = get(`http://127.0.0.1:${port}/events`);
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    expect(String((await once(response, "data"))[0])).toBe("data: hello\n\n");
    for (let n = 0; n < 3; n++) {
      const event = once(response, "data");
      server.emit("tick");
      expect(String((await event)[0])).toBe("data: tick\n\n");
    }
    response.destroy();
  });
});
