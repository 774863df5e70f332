/** The server of contenders/http_proxy.mjs, in a process of its own. */
import { Agent, createServer } from "node:http";
import httpProxy from "http-proxy";
import { ready } from "../lib/worker.mjs";

const proxy = httpProxy.createProxyServer({
  target: { host: "127.0.0.1", port: Number(process.argv[2]) },
  agent: new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 10_000 }),
});
proxy.on("error", (_error, _request, response) => {
  if (!response.headersSent) response.writeHead(502);
  response.end();
});

const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
  proxy.web(request, response);
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
