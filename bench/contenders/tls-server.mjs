/** The server of contenders/node-tls.mjs that knows nothing of HTTP but where a request ends, in a process of its own. */
import { readFileSync } from "node:fs";
import { createServer, DEFAULT_CIPHERS } from "node:tls";
import { ready } from "../lib/worker.mjs";

const [, , , cert, key, body, suite] = process.argv;
const HEAD = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
const KEPT = Buffer.from(`${HEAD}\r\n${body}`);
const LAST = Buffer.from(`${HEAD}connection: close\r\n\r\n${body}`);

// A suite that is not the first in Node's list, to be the first in this one.
const ciphers = suite === undefined ? DEFAULT_CIPHERS : `${suite}:${DEFAULT_CIPHERS}`;
const options = { cert: readFileSync(cert), key: readFileSync(key), noDelay: true, ciphers };
const server = createServer(options, (client) => {
  client.on("error", () => undefined);
  client.on("data", (chunk) => {
    const head = chunk.toString("latin1");
    if (head.includes("HTTP/1.0") || /connection: close/iu.test(head)) client.end(LAST);
    else client.write(KEPT);
  });
});
server.on("tlsClientError", () => undefined);
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
