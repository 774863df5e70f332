/** Small JSON answers from node, without pipelining: only where there is no nginx. */
import { createServer } from "node:http";
import { ready } from "../lib/worker.mjs";

const body = process.argv[2];
const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };

const server = createServer({ keepAliveTimeout: 600_000 }, (_request, response) => {
  response.writeHead(200, headers).end(body);
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
