/** Accepted sockets read into buffers of ours: that they do so on this Node, and that nobody sees a byte of it. */
import { once } from "node:events";
import { connect, createServer, Socket, type AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { readInto, type Reads } from "../../../src/proxy/sockets/shared-reads.js";
import { readClient } from "../../../src/proxy/socket-owner.js";
import { readShared } from "../../../src/proxy/upstream/reader.js";

/** A client, and the socket that was accepted for it. */
async function accepted(): Promise<{ readonly client: Socket; readonly socket: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [Socket];
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return { client, socket };
}

const shared = Buffer.alloc(64);
const reads = (read: Reads["read"] = () => true): Reads => ({ next: () => shared, read });

it("reads into the buffer that it is given, and tells how much came", async () => {
  const { client, socket } = await accepted();
  const got = new Promise<string>((resolve) => {
    const read = (length: number, buffer: Uint8Array): boolean => {
      resolve(Buffer.from(buffer).toString("latin1", 0, length));
      return true;
    };
    expect(readInto(socket, reads(read))).toBe(true);
  });
  socket.resume();
  client.write("hello");
  expect(await got).toBe("hello");
  expect(shared.toString("latin1", 0, 5)).toBe("hello");
});

it("leaves alone what it does not know: other streams, sockets of others, and what has bytes that nobody heard", async () => {
  const { socket } = await accepted();
  expect(readInto(new PassThrough() as unknown as Socket, reads())).toBe(false);
  expect(readInto(new Socket(), reads())).toBe(false);
  class Wrapped extends Socket {}
  expect(readInto(new Wrapped(), reads())).toBe(false);
  socket.unshift(Buffer.from("early"));
  expect(readInto(socket, reads())).toBe(false);
  const { socket: twice } = await accepted();
  expect([readInto(twice, reads()), readInto(twice, reads())]).toEqual([true, false]);
});

it("gives every byte once and in order, small and large, whoever keeps them, and then the end", async () => {
  const { client, socket } = await accepted();
  const sent = Buffer.alloc(3_000_000);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at);
  const kept: Buffer[] = [];
  readShared(socket, (_socket, chunk) => {
    kept.push(chunk);
    // Now and then it is too much: what is there already still comes, and then nothing until it goes on.
    if (kept.length % 5 === 0) {
      socket.pause();
      setImmediate(() => socket.resume());
    }
    return false;
  });
  const ended = once(socket, "end");
  socket.resume();
  for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 7) % 70_001)
    client.write(sent.subarray(at, at + size));
  client.end();
  await ended;
  const got = Buffer.concat(kept);
  expect(got.length).toBe(sent.length);
  expect(got.equals(sent)).toBe(true);
});

it("is told of a client that resets", async () => {
  const { client, socket } = await accepted();
  readShared(socket, () => false);
  const broke = once(socket, "error");
  socket.resume();
  client.resetAndDestroy();
  const [error] = (await broke) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNRESET");
});

it("is how proxies read their clients", async () => {
  const { socket } = await accepted();
  readClient(socket);
  expect(readInto(socket, reads())).toBe(false);
  socket.pause();
  expect(socket.readableLength).toBe(0);
});
