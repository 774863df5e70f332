/** The servers of contenders/http-proxy.mjs, in a process of its own. */
import { Agent, createServer } from "node:http";
import { ready } from "../lib/worker.mjs";

const [, , upstreamPort, name] = process.argv;

const module = await import(name);
const { createProxyServer } = module.createProxyServer === undefined ? module.default : module;
const proxy = createProxyServer({
  target: { protocol: "http:", host: "127.0.0.1", port: Number(upstreamPort) },
  agent: new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 10_000 }),
});
const failed = (response) => {
  if (!response.headersSent) response.writeHead(502);
  response.end();
};
proxy.on("error", (_error, _request, response) => failed(response));

const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
  // httpxy answers with a promise, the others with nothing.
  proxy.web(request, response)?.catch?.(() => failed(response));
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
