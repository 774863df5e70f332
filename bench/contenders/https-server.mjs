/** The server of contenders/node-tls.mjs that is Node's own for HTTP, in a process of its own. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { ready } from "../lib/worker.mjs";

const [, , , cert, key, body] = process.argv;
const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };

const options = {
  cert: readFileSync(cert),
  key: readFileSync(key),
  noDelay: true,
  keepAliveTimeout: 600_000,
};
const server = createServer(options, (_request, response) => {
  response.writeHead(200, headers).end(body);
});
server.on("tlsClientError", () => undefined);
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
