/**
 * Sends datagrams to a proxy at a steady rate and counts those that arrive behind it, in a process of its own.
 * Told on its command line: how many, how many a second, how long each is, and how many may be under way, which is what
 * a path of 40 ms holds: beyond it a kernel's buffers would overflow when a busy machine has no time for a process. Prints its port, is told the proxy's on
 * standard input, and then prints what it has counted.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createInterface } from "node:readline";

const [count, rate, bytes, window] = process.argv.slice(2).map(Number);
const server = createSocket({ type: "udp4", recvBufferSize: 8 * 1024 * 1024 });
let received = 0;
let last = performance.now();
server.on("message", () => {
  received++;
  last = performance.now();
});
server.bind(0, "127.0.0.1");
await once(server, "listening");
console.log(JSON.stringify({ port: server.address().port }));

const [line] = await once(createInterface(process.stdin), "line");
const client = createSocket({ type: "udp4", sendBufferSize: 4 * 1024 * 1024 });
client.connect(Number(line), "127.0.0.1");
await once(client, "connect");
const payload = Buffer.alloc(bytes, "x");
// The first makes the flow.
client.send(payload);
while (received < 1) await new Promise((resolve) => setImmediate(resolve));

const started = performance.now();
let sent = 1;
while (sent < count) {
  const due = Math.min(count, 1 + Math.floor(((performance.now() - started) / 1000) * rate));
  for (let burst = 0; sent < due && burst < 200 && sent - received < window; burst++, sent++)
    client.send(payload);
  await new Promise((resolve) => setImmediate(resolve));
}
const seconds = (performance.now() - started) / 1000;
// All are there, or nothing has come for a second.
last = performance.now();
while (received < count && performance.now() - last < 1000)
  await new Promise((resolve) => setTimeout(resolve, 10));
console.log(JSON.stringify({ sent, received, seconds }));
process.exit(0);
